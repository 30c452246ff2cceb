"""A small training on the CPU that saves after every step and goes on where it was.

    python -m tests.learn.checkpoint.training FOLDER

tells every step, and waits for a line before the next.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lianji.learn.checkpoint import Checkpointer, Randomness

STEPS = 30


class Loader:
    """Batches in a shuffled order, with a place that can be kept, as torchdata's loader has."""

    def __init__(self) -> None:
        self._at = 0
        self._order = np.random.permutation(7)

    def __iter__(self) -> Iterator[torch.Tensor]:
        while True:
            if self._at == len(self._order):
                self._at, self._order = 0, np.random.permutation(7)
            number = int(self._order[self._at])
            self._at += 1
            yield torch.full((4, 8), number / 7)

    def state_dict(self) -> dict[str, Any]:
        return {"at": self._at, "order": self._order}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._at, self._order = state["at"], state["order"]


def train(folder: Path, told: Callable[[int], object] = lambda step: None) -> torch.nn.Module:
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    model = torch.nn.Sequential(
        torch.nn.Linear(8, 32), torch.nn.Dropout(0.3), torch.nn.ReLU(), torch.nn.Linear(32, 1)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    loader, rng = Loader(), Randomness()
    state = {
        "model": model, "optimizer": optimizer, "schedule": schedule, "loader": loader, "rng": rng
    }  # fmt: skip
    done = 0
    with Checkpointer(folder, mode="lazy") as checkpointer:
        checkpointer.guard(optimizer)
        if checkpointer.names():
            done = checkpointer.restore(into=state)[1]
        batches = iter(loader)
        for step in range(done + 1, STEPS + 1):
            batch = next(batches) + torch.rand(4, 8) * random.random()
            loss = (model(batch) - float(np.random.rand())).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            checkpointer.save(state, step)
            told(step)
    return model


def digest_of(model: torch.nn.Module) -> str:
    parts = [value.numpy().tobytes() for value in model.state_dict().values()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def tell_and_wait(step: int) -> None:
    print(step, flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    train(Path(sys.argv[1]), tell_and_wait)
