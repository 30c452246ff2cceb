"""Rollups: what each minute and hour held, so that long questions need not read the samples."""
