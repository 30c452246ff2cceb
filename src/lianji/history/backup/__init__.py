"""Backups: a plant's history and all that belongs to it, elsewhere, whole, and checked by row."""
