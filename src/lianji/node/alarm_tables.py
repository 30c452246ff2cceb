"""The alarm tables of a plant's folder: ``alarms/*.csv``, and what is wrong with them."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from lianji.act.alarms.table import read_alarm_table
from lianji.act.alarms.tables import AlarmTables, read_tables
from lianji.node.folder import PlantFolder

ALARMS = "alarms"
"""The folder of the tables, beside ``tags``."""


class AlarmFiles:
    """The tables of a folder as they change. Files that are still being written are left alone."""

    def __init__(self, folder: PlantFolder) -> None:
        self._folder = folder
        self._taken = self._seen = self._marks()
        self.tables = load_alarms(folder)

    def look(self, at_once: bool = False) -> bool:
        """Take what has changed and has stood still since the last look; whether that was any.

        ``at_once``: they are whole already, for they were written by us.
        """
        marks = self._marks()
        still, self._seen = at_once or marks == self._seen, marks
        if marks == self._taken or not still:
            return False
        self.tables, self._taken = load_alarms(self._folder, self.tables), marks
        return True

    def _marks(self) -> list[tuple[str, int, int]]:
        marks = []
        for path in sorted((self._folder.root / ALARMS).glob("*.csv")):
            with suppress(FileNotFoundError):  # taken away meanwhile
                found = path.stat()
                marks.append((path.name, found.st_mtime_ns, found.st_size))
        return marks


def load_alarms(folder: PlantFolder, before: AlarmTables | None = None) -> AlarmTables:
    """Read all tables. A wrong file or row keeps no other from working.

    Of a file that cannot be understood as a whole the rows of ``before`` stay in use.
    """
    paths = sorted((folder.root / ALARMS).glob("*.csv"))
    return read_tables(((path.name, partial(read_alarm_table, path)) for path in paths), before)
