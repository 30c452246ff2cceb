"""Training: specifications, drafts, and what may not leak."""
