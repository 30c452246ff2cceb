"""Tiers: the same table in several places by age, asked as one.

A day that moves is first whole in its new place and then leaves the old one. Between the two it is
in both, under the same file names, so a name is read once: where it lies furthest down.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lianji.base.durable import write_atomically
from lianji.base.errors import StorageError, Text
from lianji.dictionary.batch import TIME_US_MIN
from lianji.history.delta.files import Files
from lianji.history.delta.log import DeltaLog
from lianji.history.parquet.reading import Stored
from lianji.history.places.folder import FolderPlace
from lianji.history.places.place import Place
from lianji.history.settings import TierSettings
from lianji.history.tables import SAMPLES

DAY_US = 86_400_000_000
AWAY = "tier-away"


@dataclass(frozen=True, slots=True)
class TierFiles:
    """The files of one moment, in every tier. Immutable."""

    tiers: tuple[tuple[Place, Files], ...]

    def between(
        self, start_us: int, end_us: int, sites: Collection[str] | None = None
    ) -> list[Stored]:
        """Files (of these sites, if not None) that may hold times from start up to end (both
        included), oldest periods first within each tier and site."""
        if len(self.tiers) == 1:
            place, files = self.tiers[0]
            return [Stored(place, file) for file in files.between(start_us, end_us, sites)]
        found: dict[str, Stored] = {}
        for place, files in self.tiers:
            for file in files.between(start_us, end_us, sites):
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


class Tiers:
    """The logs of a table's tiers; the first is where new files go.

    A tier below that cannot be reached is away: the rest is answered, ``away`` says what is
    missing and why, and ``refresh`` looks for it again.
    """

    def __init__(
        self,
        folder: Path,
        settings: Sequence[TierSettings] = (),
        *,
        create: bool = True,
        top: Place | None = None,
    ) -> None:
        """The table of samples in its folder (or at ``top``), and in the places of the tiers below.

        Raises FileNotFoundError if there is none in the folder and ``create`` is False,
        StorageError for one that is damaged, InputError for a tier that is not well told.
        """
        self.away: dict[str, StorageError] = {}
        self._create = create
        self._begun = Begun(folder.with_name("tiers.json"))
        scratch = folder.with_name("scratch")
        self._places = [_place_of(tier, scratch) for tier in settings]
        self.ages_days = [tier.after_days for tier in settings]
        self._slots: list[DeltaLog | None] = [
            DeltaLog(top or FolderPlace(folder), SAMPLES, create=create)
        ]
        self._slots += [self._opened(place) for place in self._places]

    @property
    def logs(self) -> tuple[DeltaLog, ...]:
        """Of the tiers that are there."""
        return tuple(log for log in self._slots if log is not None)

    @property
    def top(self) -> DeltaLog:
        return self.logs[0]

    @property
    def steps(self) -> list[tuple[DeltaLog, DeltaLog, float]]:
        """Each tier, the one below it, and at what age days move down; only of those there."""
        found = zip(self._slots, self._slots[1:], self.ages_days, strict=False)
        return [(upper, lower, age) for upper, lower, age in found if upper and lower]

    @property
    def files(self) -> TierFiles:
        return TierFiles(tuple((log.place, log.files) for log in self.logs))

    def log_of(self, stored: Stored) -> DeltaLog:
        """The log of the tier in which a file lies."""
        return next(log for log in self.logs if log.place is stored.place)

    def refresh(self) -> None:
        """See what others have committed, and which tiers are back or away."""
        self.top.refresh()
        for number, place in enumerate(self._places, 1):
            log = self._slots[number]
            if log is None:
                self._slots[number] = self._opened(place)
                continue
            try:
                log.refresh()
            except (StorageError, OSError) as error:
                self.away[place.url] = _away(place, error)
            else:
                self.away.pop(place.url, None)

    def tell(self, unreadable: dict[str, StorageError]) -> None:
        """Name the tiers that are away among what cannot be read, and those only."""
        for name in [name for name, error in unreadable.items() if error.code == AWAY]:
            del unreadable[name]
        unreadable.update(self.away)

    def out_of_reach(self, now_us: int) -> tuple[int, StorageError | None]:
        """Before what time samples may lie in a tier that is away, where nobody can say whether one
        that comes now is new; and why."""
        away = [
            (int(now_us - age_days * DAY_US), self.away[place.url])
            for place, age_days in zip(self._places, self.ages_days, strict=True)
            if place.url in self.away
        ]
        return max(away, key=lambda one: one[0]) if away else (TIME_US_MIN, None)

    def _opened(self, place: Place) -> DeltaLog | None:
        """Its log; None if it is away, or not begun and not ours to begin. A tier that was begun
        once is never begun again: an empty folder may be a disk that is not mounted."""
        begun = self._begun.has(place.url)
        try:
            log = DeltaLog(place, SAMPLES, create=self._create and not begun)
        except FileNotFoundError as error:
            if begun:
                self.away[place.url] = _away(place, error)
            return None
        except (StorageError, OSError) as error:
            self.away[place.url] = _away(place, error)
            return None
        if self._create and not begun:
            self._begun.note(place.url)
        self.away.pop(place.url, None)
        return log


class Begun:
    """Which tiers were begun, in a file beside the table."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def has(self, url: str) -> bool:
        try:
            return url in json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return False

    def note(self, url: str) -> None:
        known = json.loads(self._file.read_text()) if self._file.exists() else []
        write_atomically(self._file, json.dumps([*known, url]).encode())


def _place_of(tier: TierSettings, scratch: Path) -> Place:
    if tier.bucket is None:
        return FolderPlace(Path(tier.folder))
    from lianji.history.places.bucket import BucketPlace  # whoever has no bucket need not carry it

    return BucketPlace(tier.bucket, scratch)


def _away(place: Place, error: Exception) -> StorageError:
    why = error.cause if isinstance(error, StorageError) else Text(f"{error}.", f"{error}。")
    return StorageError(
        AWAY,
        Text(
            f"The tier {place.url} cannot be reached. {why.en}",
            f"无法访问存储层 {place.url}。{why.zh}",
        ),
        Text(
            "Mount the disk or see to the store. Answers lack the days that lie there until then.",
            "请挂载磁盘或检查对象存储；在此之前，结果缺少存放在该处的日期。",
        ),
    )
