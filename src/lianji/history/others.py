"""What other processes write to the same table, as one historian minds it.

Where the table is this process's alone, all of it costs nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
import structlog
from numpy.typing import NDArray

from lianji.base.errors import StorageError
from lianji.dictionary.batch import Batch
from lianji.history.delta.log import DeltaLog
from lianji.history.history import Names
from lianji.history.memory import Held
from lianji.history.shared import is_there
from lianji.history.sites import Sites

LOOK_S = 1.0
"""Questions look at most so often for what others wrote."""
log = structlog.get_logger(__name__)


class Others:
    """Told of by a table's log. ``look`` is called while nothing else is committed here."""

    def __init__(
        self,
        table: DeltaLog,
        modified: DeltaLog,
        sites: Sites,
        names: Names,
        forget: Callable[[NDArray[np.int32]], None],
        alone: bool,
    ) -> None:
        """``forget`` is called with the tags of which others may have written rows; ``alone``:
        nobody else writes here."""
        self._table = table
        self._modified = modified
        self._sites = sites
        self._names = names
        self._forget = forget
        self._alone = alone
        self._looked_s = -LOOK_S

    @property
    def there(self) -> bool:
        return not self._alone

    def brought(self, batch: Batch) -> bool:
        """Whether another process has brought it into the table, as far as is known here."""
        return not self._alone and is_there(batch, self._table.committed)

    def left_by(self, held: Sequence[Held]) -> Sequence[Held]:
        """Those that no other process has brought in by now. Raises StorageError, OSError."""
        if self._alone:
            return held
        self.look()
        left = [one for one in held if not self.brought(one.batch)]
        if len(left) < len(held):
            log.info("records-were-there", records=len(held) - len(left))
        return left

    def look(self) -> None:
        """See what was committed by now. Raises StorageError, OSError."""
        self._table.catch_up()
        self._modified.catch_up()
        self._looked_s = time.monotonic()
        touched, self._table.touched = self._table.touched, set()
        if touched:
            anywhere, of = self._sites.home in touched, self._sites.of
            paths = enumerate(self._names.paths)
            tags = [tag for tag, path in paths if anywhere or of(path) in touched]
            self._forget(np.array(tags, np.int32))

    def look_if_due(self, committing: threading.Lock) -> None:
        """Before a question. Where the table cannot be reached, its files say so when they are
        read."""
        if self._alone or time.monotonic() - self._looked_s < LOOK_S:
            return
        if committing.acquire(blocking=False):
            try:
                self.look()
            except (StorageError, OSError) as error:
                log.warning("table-away", error=str(error))
            finally:
                committing.release()
