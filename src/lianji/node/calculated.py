"""The calculated tags of a plant whose configuration may change: always those of now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lianji.dictionary.expression import Expression


class Calculated(Mapping[str, Expression]):
    """Reads what ``now`` gives at each question; the mappings themselves are never changed."""

    def __init__(self, now: Callable[[], Mapping[str, Expression]]) -> None:
        self._now = now

    def __getitem__(self, path: str) -> Expression:
        return self._now()[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def __contains__(self, path: object) -> bool:
        return path in self._now()
