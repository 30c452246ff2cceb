"""One moment of a stored history: every question gets its answer from the same files and batches.

Whoever reads a range in pieces, while samples go on arriving, asks this.
"""

from __future__ import annotations

from lianji.history.delta.log import DeltaLog
from lianji.history.history import History
from lianji.history.stored import StoredHistory


class Moment(History):
    """The history as it is when this is made.

    ``table_version`` is the version of the table ``samples`` (of its first tier; -1 if nothing was
    flushed yet), ``behind_table`` how many samples are acknowledged and not in it.
    """

    def __init__(self, stored: StoredHistory) -> None:
        view = stored._view()
        super().__init__(
            stored.site,
            stored._names,
            lambda: view,
            stored._is_linear,
            stored._settings,
            stored._expressions,
        )
        self._sites = stored._sites
        self._stored_history = stored
        self.unreadable = stored.unreadable
        self.table_version = stored._tiers.top.version if stored._tiers is not None else -1
        self.behind_table = sum(map(len, view.batches))

    def _modified_log(self) -> DeltaLog | None:
        return self._stored_history._modified_log()
