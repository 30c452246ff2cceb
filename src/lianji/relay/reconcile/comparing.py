"""Two digests laid side by side: which tags and hours differ, and how. Free of I/O.

``here`` is the hub, ``there`` the edge, as the hub sees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from lianji.relay.naming import path_at_hub

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


class Kind(StrEnum):
    """How an hour differs."""

    HUB_LACKS = "hub_lacks"
    EDGE_LACKS = "edge_lacks"
    DIFFERS = "differs"
    """As many on both sides, and not the same."""


class Outcome(StrEnum):
    """What became of a difference."""

    FOUND = "found"
    UNDER_WAY = "under_way"
    """The edge still has records to send that reach into this hour: nothing is missing yet."""
    REPAIRED = "repaired"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Difference:
    """Some hours of one tag, one after the other, that differ in the same way."""

    tag: str
    """The path at the hub."""
    start_us: int
    end_us: int
    here: int
    """Samples that the hub has in these hours."""
    there: int
    """Samples that the edge has."""
    kind: Kind
    outcome: Outcome
    reason: str = ""
    """The code of why it is left."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One tag under its two names."""

    here: str
    there: str


@dataclass(frozen=True, slots=True)
class Cells:
    """Counts of some tags by hour on both sides, and where they differ: shapes (tags, hours)."""

    pairs: Sequence[Pair]
    start_us: int
    here: NDArray[np.int64]
    there: NDArray[np.int64]
    differ: NDArray[np.bool_]

    def differences(
        self,
        outcomes: Sequence[tuple[NDArray[np.bool_], Outcome]],
        rest: Outcome,
        reason: str = "",
    ) -> Iterator[Difference]:
        """Every hour that differs, neighbours as one. The first of ``outcomes`` that is marked is
        what became of an hour, else ``rest``, for this ``reason``."""
        return joined(self._singly(outcomes, rest, reason))

    def _singly(
        self,
        outcomes: Sequence[tuple[NDArray[np.bool_], Outcome]],
        rest: Outcome,
        reason: str,
    ) -> Iterator[Difference]:
        for tag, hour in np.argwhere(self.differ).tolist():
            here, there = int(self.here[tag, hour]), int(self.there[tag, hour])
            start_us = self.start_us + hour * HOUR_US
            outcome = next((one for which, one in outcomes if which[tag, hour]), rest)
            why = reason if outcome is rest else ""
            path, kind = self.pairs[tag].here, kind_of(here, there)
            yield Difference(path, start_us, start_us + HOUR_US, here, there, kind, outcome, why)


def kind_of(here: int, there: int) -> Kind:
    if here == there:
        return Kind.DIFFERS
    return Kind.HUB_LACKS if here < there else Kind.EDGE_LACKS


def joined(differences: Iterable[Difference]) -> Iterator[Difference]:
    """Neighbouring hours of a tag that differ alike, as one. They come by tag and time."""
    last: Difference | None = None
    for one in differences:
        if last is not None and continues(last, one):
            last = replace(
                last, end_us=one.end_us, here=last.here + one.here, there=last.there + one.there
            )
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last


def continues(last: Difference, one: Difference) -> bool:
    return (
        last.tag == one.tag
        and last.end_us == one.start_us
        and (last.kind, last.outcome, last.reason) == (one.kind, one.outcome, one.reason)
    )


def under_way(
    start_us: int, hours: int, stretches: Sequence[tuple[int, int]] | None
) -> NDArray[np.bool_]:
    """Which hours the edge's unsent records may reach into, shape (hours,); ``stretches`` are from
    and to (both included), None for all."""
    touched = np.zeros(hours, dtype=bool)
    if stretches is None:
        touched[:] = True
        return touched
    for first_us, last_us in stretches:
        first = (first_us - start_us) // HOUR_US
        touched[max(0, first) : max(0, (last_us - start_us) // HOUR_US + 1)] = True
    return touched


@dataclass(frozen=True, slots=True)
class Keep:
    """How long a plant keeps what: pattern of paths, days."""

    rules: tuple[tuple[str, float], ...] = ()

    def from_us(self, path: str, now_us: int) -> int:
        """What is older than this the plant may have removed, as it was told to."""
        days = [days for pattern, days in self.rules if fnmatchcase(path, pattern)]
        if not days:
            return np.iinfo(np.int64).min
        return int((now_us - min(days) * DAY_US) // DAY_US + 1) * DAY_US


@dataclass(frozen=True, slots=True)
class Naming:
    """How an edge's paths and the hub's belong together."""

    sites: tuple[str, ...]
    home: str
    own_site: str = ""
    """What the edge's own paths begin with."""

    def here(self, there: str) -> str | None:
        return path_at_hub(there, self.sites, self.home)

    def there(self, here: str) -> str:
        """What the edge would call a path of the hub that it does not know any more."""
        _, _, rest = here.partition("/")
        if rest.startswith(f"{self.own_site}/") and self.here(rest) == here:
            return rest
        return here

    def may_be_its(self, here: str) -> bool:
        first = here.partition("/")[0]
        return first == self.home or any(fnmatchcase(first, site) for site in self.sites)


def pairs_of(
    naming: Naming, there: Iterable[str], here: Iterable[str], others: Iterable[Naming]
) -> list[Pair]:
    """All tags to compare, by the hub's path: those that the edge knows, and those of the hub that
    can be of no other edge."""
    found: dict[str, str] = {}
    for path in there:
        named = naming.here(path)
        if named is not None:
            found.setdefault(named, path)
    rest = list(others)
    for path in here:
        if path in found or not naming.may_be_its(path):
            continue
        if not any(other.may_be_its(path) for other in rest):
            found[path] = naming.there(path)
    return [Pair(path, found[path]) for path in sorted(found)]
