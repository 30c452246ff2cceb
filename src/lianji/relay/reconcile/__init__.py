"""Proof that nothing is missing: what edge and hub have is compared by tag and hour, and mended."""
