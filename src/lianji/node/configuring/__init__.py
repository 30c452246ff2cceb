"""A plant's files, changed while it runs: checked, kept as versions, applied, and taken back."""
