"""Checkpoints that survive a kill, a power cut and a flipped bit, for PyTorch and numpy.

    from lianji.learn.checkpoint import Checkpointer, Randomness

    state = {"model": model, "optimizer": optimizer, "loader": loader, "rng": Randomness()}
    with Checkpointer("checkpoints") as checkpointer:
        for step in ...:
            ...
            checkpointer.save(state, step)
    _, step = Checkpointer("checkpoints").restore(into=state)

Usable alone: nothing else of Lianji need run. torch is imported only where a tensor is met.
"""

from lianji.learn.checkpoint.checkpointer import Checkpointer
from lianji.learn.checkpoint.interval import daly_interval_s, interval_s
from lianji.learn.checkpoint.pending import Mark, Pending
from lianji.learn.checkpoint.randomness import Randomness

__all__ = ["Checkpointer", "Mark", "Pending", "Randomness", "daly_interval_s", "interval_s"]
