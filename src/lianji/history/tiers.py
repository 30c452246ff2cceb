"""Tiers: the same table in several places by age, asked as one.

A day that moves is first whole in its new place and then leaves the old one. Between the two it is
in both, under the same file names, so a name is read once: where it lies furthest down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lianji.history.delta.files import Files
from lianji.history.delta.log import DeltaLog
from lianji.history.folder_place import FolderPlace
from lianji.history.place import Place
from lianji.history.reading import Stored
from lianji.history.settings import TierSettings
from lianji.history.tables import SAMPLES


@dataclass(frozen=True, slots=True)
class TierFiles:
    """The files of one moment, in every tier. Immutable."""

    tiers: tuple[tuple[Place, Files], ...]

    def between(self, start_us: int, end_us: int) -> list[Stored]:
        """Files that may hold times from start up to end (both included), oldest periods first
        within each tier."""
        if len(self.tiers) == 1:
            place, files = self.tiers[0]
            return [Stored(place, file) for file in files.between(start_us, end_us)]
        found: dict[str, Stored] = {}
        for place, files in self.tiers:
            for file in files.between(start_us, end_us):
                found[file.name] = Stored(place, file)
        return list(found.values())

    def of(self, site: str, period: str) -> list[Stored]:
        """The files of a site's period."""
        found = {
            file.name: Stored(place, file)
            for place, files in self.tiers
            for file in files.of(site, period)
        }
        return list(found.values())

    def __iter__(self) -> Iterator[Stored]:
        found = {file.name: Stored(place, file) for place, files in self.tiers for file in files}
        return iter(found.values())

    @property
    def rows(self) -> int:
        return sum(files.rows for _, files in self.tiers)

    @property
    def bytes(self) -> int:
        return sum(files.bytes for _, files in self.tiers)

    def __len__(self) -> int:
        return sum(len(files) for _, files in self.tiers)


def open_tiers(folder: Path, settings: Sequence[TierSettings], *, create: bool = True) -> Tiers:
    """The table of samples in its folder, and in the places of the tiers below.

    Raises FileNotFoundError if there is none in the folder and ``create`` is False, StorageError
    or InputError for a tier that cannot be opened.
    """
    logs = [DeltaLog(FolderPlace(folder), SAMPLES, create=create)]
    for tier in settings:
        place = _place_of(tier, folder.with_name("scratch"))
        try:
            logs.append(DeltaLog(place, SAMPLES, create=create))
        except FileNotFoundError:
            break  # nothing is that old yet
    return Tiers(logs)


def _place_of(tier: TierSettings, scratch: Path) -> Place:
    if tier.bucket is None:
        return FolderPlace(Path(tier.folder))
    from lianji.history.bucket_place import BucketPlace  # whoever has no bucket need not carry it

    return BucketPlace(tier.bucket, scratch)


class Tiers:
    """The logs of a table's tiers; the first is where new files go."""

    def __init__(self, logs: Sequence[DeltaLog]) -> None:
        self.logs = tuple(logs)

    @property
    def top(self) -> DeltaLog:
        return self.logs[0]

    @property
    def files(self) -> TierFiles:
        return TierFiles(tuple((log.place, log.files) for log in self.logs))

    def log_of(self, stored: Stored) -> DeltaLog:
        """The log of the tier in which a file lies."""
        return next(log for log in self.logs if log.place is stored.place)

    def refresh(self) -> None:
        for log in self.logs:
            log.refresh()
