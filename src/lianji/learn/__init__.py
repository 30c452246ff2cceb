"""Data sets, jobs, training, checkpoints, models: what is made of the history."""
