"""A program that saves one checkpoint after another until it is killed.

    python -m tests.learn.checkpoint.lives FOLDER LEDGER KILLS SEED

It forks KILLS lives in turn, each killed at a random moment; after each it checks what is there. A
life writes to LEDGER every step whose ``wait("flash")`` has returned.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from lianji.learn.checkpoint import Checkpointer

KIB = 1024


def state_of(step: int) -> dict[str, Any]:
    """A state that follows from its step alone: one part changes each step, one never does."""
    seeded = np.random.default_rng(step)
    return {
        "moving": seeded.integers(0, 255, 1500 * KIB, np.uint8),
        "frozen": np.full(1100 * KIB, 7, np.uint8),
        "small": seeded.random(100),
        "step": step,
    }


def is_whole(state: dict[str, Any], step: int) -> bool:
    expected = state_of(step)
    return [*state] == [*expected] and all(
        np.array_equal(state[name], expected[name]) for name in expected
    )


def last_told(ledger: Path) -> int:
    """The last step in the ledger, 0 if there is none; a torn last line does not count."""
    if not ledger.exists():
        return 0
    lines = ledger.read_bytes().split(b"\n")[:-1]
    return int(lines[-1]) if lines else 0


def live(folder: Path, ledger: Path, steps: int = 1_000_000) -> None:
    """Go on from the newest; save as a training does, one ahead of what is waited for."""
    with Checkpointer(folder, keep=2) as checkpointer:
        step = checkpointer.restore()[1] if checkpointer.names() else 0
        file = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        before = None
        for number in range(step + 1, step + 1 + steps):
            pending = checkpointer.save(state_of(number), number)
            if before is not None:
                before.wait("flash")
                os.write(file, b"%d\n" % before.step)
            before = pending


def check(folder: Path, ledger: Path) -> int:
    """The step of the newest; asserts that it is whole and not behind what was told."""
    told = last_told(ledger)
    checkpointer = Checkpointer(folder)
    if not checkpointer.names() and told == 0:
        return 0
    state, step = checkpointer.restore()
    assert is_whole(state, step), f"step {step} is not what was saved"
    assert step >= told, f"step {told} was told to be durable, the newest is {step}"
    wrong = {name: error for name, error in checkpointer.verify().items() if error}
    assert not wrong, wrong
    return step


def main() -> None:
    folder, ledger = Path(sys.argv[1]), Path(sys.argv[2])
    if len(sys.argv) == 3:
        live(folder, ledger)
        return
    kills, seeded = int(sys.argv[3]), random.Random(int(sys.argv[4]))
    steps = [0]
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            try:
                live(folder, ledger)
            finally:
                os._exit(1)
        time.sleep(seeded.uniform(0.002, 0.12))  # the random moment is what is tested
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the life ended by itself"
        steps.append(check(folder, ledger))
    assert steps == sorted(steps), "a step went back"
    print(f"{kills} kills, step {steps[-1]}, {last_told(ledger)} told")


if __name__ == "__main__":
    main()
