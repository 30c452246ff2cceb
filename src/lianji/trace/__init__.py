"""Where the time goes: marks on batches, and what they add up to."""
