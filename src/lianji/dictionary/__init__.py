"""The only shared language: tags, units, quality and the batch."""
