"""A small training on the CPU that saves after every step and goes on where it was.

    python -m tests.learn.checkpoint.training FOLDER KILLS

prints the digest of the parameters of one that was killed so often, and of one that was not.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._dynamo  # takes seconds: once, and not in every fork

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


def train(folder: Path, last: int) -> torch.nn.Module:
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
            if step == last:
                os.kill(os.getpid(), signal.SIGKILL)
    return model


def digest_of(model: torch.nn.Module) -> str:
    parts = [value.numpy().tobytes() for value in model.state_dict().values()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def lived(folder: Path, last: int = STEPS + 1) -> str:
    """Train in a fork, which kills itself when step ``last`` is done; else the parameters' digest.

    A fork, for importing torch is what takes long; so nobody may compute before.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, digest_of(train(folder, last)).encode())
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as told:
        digest = told.read()
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or digest, "the training failed"
    return digest


def main(folder: Path, kills: int) -> None:
    torch.set_num_threads(1)
    for last in sorted(random.Random(8).sample(range(1, STEPS), kills)):
        assert lived(folder / "killed", last) == "", "it was not killed"
    print(lived(folder / "killed"), lived(folder / "whole"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
