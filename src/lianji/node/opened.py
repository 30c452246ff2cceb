"""A plant opened to be asked: ``lianji.open(path)``. It may run meanwhile, or not.

Nothing is written and nobody is disturbed: the answers come from the files.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa

from lianji.base.clock import to_us
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_ids import TagIds
from lianji.history.stored import StoredHistory
from lianji.node.configuration import load_tags
from lianji.node.folder import PlantFolder

Moment = datetime | str | int
"""A datetime with zone, ISO 8601 with zone, or microseconds since 1970 UTC."""


class OpenedHistory:
    """``read`` and ``sql`` as a notebook wants them; every question has its twin in ``exact``."""

    def __init__(self, exact: StoredHistory) -> None:
        self.exact = exact

    def tags(self) -> list[str]:
        return self.exact.tags()

    def read(self, tags: str | list[str], start: Moment, end: Moment) -> pa.Table:
        """All samples with start <= time < end: tag, time, value, text, quality.

        A tag may be a pattern such as ``demo/*/power``. Raises NotFound, InputError.
        """
        wanted = [tags] if isinstance(tags, str) else tags
        return self.exact.read(wanted, moment_us(start), moment_us(end))

    def last(self, tags: str | list[str] | None = None) -> pa.Table:
        return self.exact.last([tags] if isinstance(tags, str) else tags)

    def sql(self, query: str) -> pa.Table:
        """The answer of a read-only query over ``samples(tag, time, value, text, ...)``."""
        return self.exact.sql(query)


class OpenedPlant:
    """What can be asked of a plant's folder. Raises NotFound if there is no plant in it."""

    def __init__(self, root: Path) -> None:
        self.folder = PlantFolder(root)
        self.configuration = load_tags(self.folder)
        settings = self.configuration.settings
        names = TagIds.open(self.folder.tag_ids, read_only=True)
        exact = StoredHistory(
            self.folder.history,
            self.folder.spool,
            settings.site.name,
            names,
            self.configuration.is_linear,
            settings.history,
            names.refresh,
        )
        self.history = OpenedHistory(exact)

    @property
    def tags(self) -> list[Tag]:
        return list(self.configuration.tags.values())


def moment_us(moment: Moment) -> int:
    """Microseconds since 1970 UTC. Raises ValueError for a time without a zone."""
    if isinstance(moment, int):
        return moment
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return to_us(moment)
