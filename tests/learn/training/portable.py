"""A training as a user writes it: it names no chip. Prints the losses and the last weights.

python tests/learn/training/portable.py
"""

from __future__ import annotations

import json
import sys

import torch

from lianji.learn.training.device import device

STEPS = 10


def main() -> None:
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
    weights = [one.detach().cpu().flatten().tolist() for one in model.parameters()]
    json.dump({"device": on.type, "losses": losses, "weights": weights}, sys.stdout)


if __name__ == "__main__":
    main()
