"""Moving old days down to a slower tier, so that no crash and no reader ever sees less than all.

A file is copied, then comes into the lower table, then leaves the upper one. The two commits are
made while nobody else commits; if a crash falls between them the file is in both under one name,
readers take it once, and the next start finishes the move before anything else is written.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Sequence

from lianji.history.delta.actions import DataFile
from lianji.history.delta.files import SEALED, day_name
from lianji.history.delta.log import Change, DeltaLog
from lianji.history.tiers import Tiers

DAY_US = 86_400_000_000
OPEN_DAYS = 2
"""So many days longer may a file stay that was never merged."""
FILES_AT_ONCE = 32


def finish_moves(tiers: Tiers) -> None:
    """Before a start: files that a crash left in two tiers leave the upper one."""
    for upper, lower, _ in tiers.steps:
        below = {file.path for file in lower.files}
        both = [file for file in upper.files if file.path in below]
        if both:
            upper.commit(Change("OPTIMIZE", (), both, data_change=False))


def files_to_move(log: DeltaLog, after_days: float, now_us: int) -> list[DataFile]:
    """The oldest files of days that are that old, a batch of them."""
    return sorted(_old(log, after_days, now_us), key=lambda file: file.period)[:FILES_AT_ONCE]


def _old(log: DeltaLog, after_days: float, now_us: int) -> Iterator[DataFile]:
    sealed_before = day_name(int((now_us - after_days * DAY_US) // DAY_US))
    open_before = day_name(int((now_us - (after_days + OPEN_DAYS) * DAY_US) // DAY_US))
    for (_, day), some in log.files.parts.items():
        if day < sealed_before:
            yield from (file for file in some if file.level == SEALED or day < open_before)


def move(
    upper: DeltaLog, lower: DeltaLog, files: Sequence[DataFile], committing: threading.Lock
) -> int:
    """Move files down; how many went. Those that were changed meanwhile stay.

    Raises OSError or StorageError if a place fails: then each file is where it was, or in both.
    """
    known = {file.path for file in lower.files}
    for file in files:
        if file.path not in known:
            _copy(upper, lower, file)
    with committing:
        lower.find_out()
        still = [file for file in files if file in upper.files]
        below = {file.path for file in lower.files}
        lower.commit(Change("OPTIMIZE", [file for file in still if file.path not in below]))
        upper.commit(Change("OPTIMIZE", (), still, data_change=False))
    return len(still)


def _copy(upper: DeltaLog, lower: DeltaLog, file: DataFile) -> None:
    draft = lower.place.local_draft(file.path)
    with upper.place.open(file.path) as source, draft.open("wb") as copy:
        shutil.copyfileobj(source, copy, 4 * 1024 * 1024)
    if lower.place.keep(file.path) != file.bytes:
        raise OSError(f"the copy of {file.path} has another size")
