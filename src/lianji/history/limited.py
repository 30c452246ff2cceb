"""A history of which somebody sees some tags only: the others are as if they had never been.

Patterns mean only what may be seen, another tag by its name is one that never had a sample, and
SQL runs over a table that holds nothing else (not over a view of one that does: whoever writes SQL
could look behind a view).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

import pyarrow as pa

from lianji.base.errors import StorageError
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN
from lianji.history.annotations import unknown_annotation
from lianji.history.delta.log import DeltaLog
from lianji.history.history import History
from lianji.history.questions.asked import Known
from lianji.history.rows import Rows
from lianji.history.sql import run_sql
from lianji.history.view.view import View

Sees = Callable[[str], bool]
"""Whether a path may be seen; of one path always the same."""
_WILD = frozenset("*?[")


class LimitedHistory(History):
    """Asked like the whole one, of which it is a view; it holds nothing of its own."""

    def __init__(self, whole: History, sees: Sees) -> None:
        super().__init__(
            whole.site,
            _SeenNames(whole, sees),
            whole._moment,
            whole._is_linear,
            whole._settings,
            whole._expressions,
            whole._notes,
        )
        self._whole = whole
        self._sees = sees
        self._known = Known(self._names, _Seen(whole._expressions, sees))
        self.unreadable: dict[str, StorageError] = whole.unreadable

    def _stored(self) -> Sequence[str]:
        return self._whole._stored()

    def _last(self, view: View, paths: Sequence[str]) -> Rows:
        return self._whole._last(view, paths)

    def _modified_log(self) -> DeltaLog | None:
        return self._whole._modified_log()

    def sql(self, query: str, limit: int | None = None) -> pa.Table:
        """As of the whole, over the rows of the tags that may be seen."""
        view = self._moment()
        paths = self._whole._names.paths
        seen = dict.fromkeys(self._known.stored)
        return run_sql(query, view, paths, self._settings, limit, seen)

    # -- notes: of one site that may be seen, so none whose pattern goes over all sites -----------

    def annotate(
        self,
        tag: str,
        start_us: int,
        end_us: int,
        text: str,
        author: str = "",
        identity: str = "",
    ) -> str:
        if not self._is_of_seen_site(tag):
            raise self._known.unknown(tag)
        if identity:
            self._check_note(identity)
        return super().annotate(tag, start_us, end_us, text, author, identity)

    def annotations(
        self,
        tags: Sequence[str] | None = None,
        start_us: int = TIME_US_MIN,
        end_us: int = TIME_US_MAX,
    ) -> pa.Table:
        found = super().annotations(tags, start_us, end_us)
        seen = [self._is_of_seen_site(tag) for tag in found["tag"].to_pylist()]
        return found.filter(pa.array(seen, pa.bool_()))

    def delete_annotation(self, identity: str) -> None:
        self._check_note(identity)
        super().delete_annotation(identity)

    def _check_note(self, identity: str) -> None:
        """Raises NotFound for a note that may not be seen, as for one that is not there."""
        notes = (note for note in self._annotations().all() if note.id == identity)
        if not any(self._is_of_seen_site(note.tag) for note in notes):
            raise unknown_annotation(identity)

    def _is_of_seen_site(self, tag: str) -> bool:
        return not _WILD & set(tag.partition("/")[0]) and self._sees(tag)


class _SeenNames:
    """The stored tags that may be seen, in their order; their places are not their ids."""

    def __init__(self, whole: History, sees: Sees) -> None:
        self._whole, self._sees = whole, sees
        self._kept: tuple[int, list[str]] = (0, [])

    @property
    def paths(self) -> Sequence[str]:
        """Stored tags are only ever added: what is new is all that must be looked at."""
        looked, seen = self._kept
        every = self._whole._names.paths
        if len(every) != looked:
            seen = [*seen, *filter(self._sees, every[looked:])]
            self._kept = (len(every), seen)
        return seen

    def find(self, path: str) -> int | None:
        return self._whole._names.find(path) if self._sees(path) else None


class _Seen(Collection[str]):
    """Those of some paths that may be seen."""

    def __init__(self, every: Collection[str], sees: Sees) -> None:
        self._every, self._sees = every, sees

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and path in self._every and self._sees(path)

    def __iter__(self) -> Iterator[str]:
        return filter(self._sees, self._every)

    def __len__(self) -> int:
        return sum(1 for _ in self)
