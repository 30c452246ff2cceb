"""Two trainings that name no chip: one as a user writes it, and our sequence model's.

    python tests/learn/training/portable.py FOLDER

prints what they learnt; checkpoints go to the folder.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

from lianji.learn.training import sequence
from lianji.learn.training.device import device
from lianji.learn.training.work import Work

STEPS = 10
ROWS = 300


def by_hand() -> tuple[list[float], list[float]]:
    """Losses and the last weights."""
    torch.manual_seed(1)
    on = device()
    x, y = torch.rand(64, 8), torch.rand(64, 1)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    model = model.to(on)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = []
    for _ in range(STEPS):
        loss = (model(x.to(on)) - y.to(on)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach().cpu()))
    weights = torch.cat([one.detach().cpu().flatten() for one in model.parameters()])
    return losses, weights.tolist()


def ours(folder: Path) -> list[float]:
    """What the sequence model foretells after a few steps."""
    rng = np.random.default_rng(1)
    x = rng.random((ROWS, 86)).astype(np.float32)
    x[:, 84], x[:, 85] = np.arange(ROWS) % 24, np.arange(ROWS) // 24 % 7
    work = Work("model", None, None, folder)  # type: ignore[arg-type]
    network = sequence.fit(x, x[:, 0].astype(np.float64), folder, work, 0)
    return [float(one) for one in sequence.foretold(network, x)]


def main(folder: Path) -> None:
    losses, weights = by_hand()
    told = {"device": device().type, "losses": losses, "weights": weights, "ours": ours(folder)}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
