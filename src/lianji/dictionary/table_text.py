"""A tag table as its text: rows known by their paths, changed cell by cell (``TableRows``)."""

from __future__ import annotations

from lianji.dictionary.table_rows import TableRows
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_cells import COLUMNS, cell_of, unguarded
from lianji.dictionary.tag_table import FORM


class TableText(TableRows):
    """One table. Raises InputError where it cannot be understood as a whole."""

    def __init__(self, content: bytes | None = None) -> None:
        super().__init__(FORM, content)
        self._places: dict[str, int] = {}
        path_at = self.columns.index("path")
        for number, record in enumerate(self.records):
            if number and not record.problem and len(record.cells) > path_at:
                path = unguarded(record.cells[path_at].strip())
                self._places.setdefault(path, number)
        self.records.clear()  # a table may have a hundred thousand

    def __contains__(self, path: str) -> bool:
        return path in self._places

    def change(self, before: Tag, after: Tag) -> None:
        """Write the cells in which two tags differ into the row of the first."""
        place = self._places.pop(before.path)
        differing = [name for name in COLUMNS if getattr(before, name) != getattr(after, name)]
        self.put(place, {column: cell_of(after, column) for column in differing})
        self._places[after.path] = place

    def add(self, tag: Tag) -> None:
        """A new last row."""
        self._places[tag.path] = self.append({name: cell_of(tag, name) for name in COLUMNS})

    def remove(self, path: str) -> None:
        self.drop(self._places.pop(path))
