"""One system call fails, whichever it is: what was acknowledged is there once, and work goes on.

Every sync, rename and vectored write of spool, positions, tag ids and table is made to fail once,
each in a run of its own (after SQLite's "fail the Nth I/O").
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lianji.base.errors import LianjiError
from lianji.history.delta import log
from lianji.node.folder import PlantFolder
from lianji.node.plant import Plant
from tests.faults.conftest import problems_of_the_table, problems_when_opened
from tests.faults.ledger import START_US, Ledger, Sending
from tests.system.plant import write_plant

ROUNDS = 6
CALLS_MAX = 400


class FailOnce:
    """Makes the Nth of some system calls fail with an error, once."""

    def __init__(self, patch: pytest.MonkeyPatch, names: list[str], nth: int, error: int) -> None:
        self.calls = 0
        self._nth, self._error = nth, error
        for name in names:
            patch.setattr(os, name, self._wrapped(getattr(os, name)))
        if "rename" in names:
            rename = Path.rename
            patch.setattr(Path, "rename", self._wrapped(rename))

    def _wrapped(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            self.calls += 1
            if self.calls == self._nth:
                raise OSError(self._error, os.strerror(self._error))
            return real(*arguments, **more)

        return call

    @property
    def struck(self) -> bool:
        return self.calls >= self._nth


async def work(plant: Plant, ledger: Ledger, first: int) -> None:
    """Push and flush a few times; failures are allowed, lies are not."""
    for number in range(ROUNDS):
        sending = Sending(number % 3, first + 1000 * number, 50)
        ledger.sent.add(sending)
        times_us, values = START_US + sending.numbers, sending.numbers.astype(np.float64)
        index = np.zeros(sending.count, np.int32)
        try:
            await plant.append([sending.tag], index, times_us, values, None, None, "test")
            ledger.acknowledged.add(sending)
        except LianjiError as error:
            assert error.cause.zh and error.remedy.en
        if number % 2:
            flush(plant)


def flush(plant: Plant) -> None:
    try:
        plant.history.flush()
    except (LianjiError, OSError):
        return  # it is tried again at the next flush


async def one_run(folder: Path, names: list[str], nth: int, error: int) -> tuple[bool, list[str]]:
    """Whether the fault struck, and what is wrong afterwards."""
    ledger = Ledger()
    write_plant(folder, flush_s=3600, spool="segment_bytes = 65536\ncommit_ms = 0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "CHECKPOINT_EVERY", 2)
        plant = Plant(PlantFolder(folder))
        fault = FailOnce(patch, names, nth, error)
        await work(plant, ledger, 0)
        struck = fault.struck
        patch.undo()
        await work(plant, ledger, 1_000_000)
        plant.close()
    wrong = problems_when_opened(folder, ledger) + problems_of_the_table(folder, ledger)
    late = [s for s in ledger.sent - ledger.acknowledged if s.first >= 1_000_000]
    if late:
        wrong.append(f"{len(late)} pushes after the fault were refused")
    return struck, wrong


@pytest.mark.parametrize(
    ("names", "error"),
    [
        (["fsync"], errno.EIO),
        (["fdatasync"], errno.EIO),
        (["pwritev"], errno.ENOSPC),
        (["rename"], errno.EIO),
        (["link"], errno.EIO),
        (["open"], errno.EMFILE),
    ],
    ids=["fsync", "fdatasync", "pwritev", "rename", "link", "open"],
)
@pytest.mark.timeout(300)
async def test_any_one_call_may_fail(tmp_path: Path, names: list[str], error: int) -> None:
    wrong: dict[int, list[str]] = {}
    nth = struck = 1
    while struck and nth < CALLS_MAX:
        hit, found = await one_run(tmp_path / f"plant-{nth}", names, nth, error)
        struck = int(hit)
        if found:
            wrong[nth] = found
        nth += 1
    print(f"{names[0]}: {nth - 2} places")
    assert nth > 2
    assert wrong == {}
