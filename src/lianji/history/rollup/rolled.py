"""The files of a rollup table at one moment, as a view carries them."""

from __future__ import annotations

from dataclasses import dataclass

from lianji.history.delta.files import Files
from lianji.history.delta.log import DeltaLog
from lianji.history.places.place import Place


@dataclass(frozen=True, slots=True)
class Rolled:
    """``width_us``: how long its buckets are."""

    place: Place
    files: Files
    width_us: int

    @classmethod
    def of(cls, log: DeltaLog, width_us: int) -> Rolled:
        return cls(log.place, log.files, width_us)
