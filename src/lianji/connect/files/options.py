"""What a person may say about a file. Everything is found out where it can be, never guessed."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ImportOptions(BaseModel):
    """How a file is to be read. The defaults fit most files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: Literal["auto", "wide", "long"] = "auto"
    """``wide``: a time and a column a tag; ``long``: tag, time, value[, quality][, text]."""
    time: str = ""
    """The time column's name; two columns as ``date+clock``. Empty: by name, then by content."""
    time_format: str = "auto"
    """``auto``, ``iso``, ``ymd``, ``dmy``, ``mdy``, ``epoch_s``, ``epoch_ms``, ``epoch_us``,
    ``epoch_ns``, or a pattern such as ``dd/mm/yyyy HH:MM`` or ``%d/%m/%Y %H:%M``."""
    zone: str = ""
    """The IANA zone of times that name none, such as ``Asia/Shanghai``."""
    fold: Literal["reject", "earlier", "later"] = "reject"
    """What becomes of a local time that is there twice, when clocks go back."""
    midnight_ends_day: bool = False
    """True where 00:00 stands at the end of the day whose date it carries."""
    start: str = ""
    """Time of the first row, for a file without times (a time column is then passed over)."""
    step: str = ""
    """Time from row to row, such as ``15min``, ``1h`` or ``0.5s``; goes with ``start``."""
    prefix: str = ""
    """Put before every tag that is named by the file: ``site/area``."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Wide: column to whole tag path, or to nothing to leave the column out.
    Long: which column is ``tag``, ``value``, ``quality`` or ``text``."""
    decimal: Literal["auto", ".", ","] = "auto"
    """The decimal sign of numbers in text."""
    delimiter: Literal["auto", ",", ";", "\t", "|"] = "auto"
    """What stands between the cells of a CSV file."""
    encoding: str = "utf-8"
    """Of a CSV file. Another than UTF-8 must be said, since a guess would garble names."""
    sheet: str = ""
    """Of an Excel workbook; may be left out where only one sheet holds anything."""
    skip_lines: int = Field(0, ge=0, le=10_000)
    """Lines (rows) above the header."""
