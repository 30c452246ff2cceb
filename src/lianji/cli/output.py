"""Tables on standard output: for eyes, or as JSON, CSV or an Arrow stream."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Annotated, Any

import typer

from lianji.cli.speech import t, tell

ROWS_SHOWN_MAX = 1000


class Form(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"


AsJson = Annotated[bool, typer.Option("--json", help=t("JSON", "JSON"))]
AsCsv = Annotated[bool, typer.Option("--csv", help=t("CSV", "CSV"))]
AsArrow = Annotated[bool, typer.Option("--arrow", help=t("Arrow IPC stream", "Arrow IPC 流"))]


def form_of(as_json: bool, as_csv: bool, as_arrow: bool = False) -> Form:
    """The one form that was asked for. Raises typer.BadParameter for two at once."""
    chosen = [
        form
        for form, wanted in ((Form.JSON, as_json), (Form.CSV, as_csv), (Form.ARROW, as_arrow))
        if wanted
    ]
    if len(chosen) > 1:
        raise typer.BadParameter(t("take one of --json, --csv, --arrow", "只能选一种输出格式"))
    return chosen[0] if chosen else Form.TABLE


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """Whoever reads our output may stop reading (``| head``): that is its right, no failure."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@_reader_may_leave()
def show(table: Any, form: Form) -> None:
    """Write an Arrow table to standard output."""
    import pyarrow as pa

    if form is Form.ARROW:
        with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as writer:
            writer.write_table(table)
    elif form is Form.CSV:
        import pyarrow.csv

        pyarrow.csv.write_csv(_plain(table), sys.stdout.buffer)
    elif form is Form.JSON:
        _show_json(table.to_pylist())
    else:
        _show_table(table)


@_reader_may_leave()
def show_in_parts(parts: Iterator[Any], form: Form) -> None:
    """The same for an answer that comes part by part, at least one; Arrow and CSV leave so too."""
    import pyarrow as pa

    if form is Form.ARROW:
        first = next(parts)
        with pa.ipc.new_stream(sys.stdout.buffer, first.schema) as writer:
            for part in chain([first], parts):
                writer.write_table(part)
    elif form is Form.CSV:
        import pyarrow.csv

        for number, part in enumerate(parts):
            options = pyarrow.csv.WriteOptions(include_header=number == 0)
            pyarrow.csv.write_csv(_plain(part), sys.stdout.buffer, options)
    elif form is Form.TABLE:
        _show_table(*_enough(parts))
    else:
        show(pa.concat_tables(parts), form)


def _enough(parts: Iterator[Any]) -> tuple[Any, int]:
    """As much as is shown to eyes, and how many rows are left, which are counted and not kept."""
    import pyarrow as pa

    some: list[Any] = []
    rows = rest = 0
    for part in parts:
        kept = part.slice(0, ROWS_SHOWN_MAX - rows)
        rows, rest = rows + kept.num_rows, rest + part.num_rows - kept.num_rows
        some.append(kept)
    return pa.concat_tables(some), rest


@_reader_may_leave()
def show_rows(rows: Sequence[Mapping[str, Any]], form: Form, columns: Sequence[str]) -> None:
    """The same for a few rows that were never Arrow, with these columns."""
    if form is Form.JSON:
        _show_json([dict(row) for row in rows])
    elif form is Form.TABLE:
        _print(columns, ([_cell(row.get(name)) for name in columns] for row in rows))
    else:
        import pyarrow as pa

        flat = [{name: _flat(row.get(name)) for name in columns} for row in rows]
        show(pa.Table.from_pylist(flat) if flat else pa.table({}), form)


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _plain(table: Any) -> Any:
    """Without dictionaries, which CSV cannot say."""
    import pyarrow as pa

    for number, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            flat = table.column(number).cast(column.type.value_type)
            table = table.set_column(number, column.name, flat)
    return table


def _show_json(rows: Iterable[Mapping[str, Any]]) -> None:
    json.dump([_jsonable(row) for row in rows], sys.stdout, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def _jsonable(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat()
        if isinstance(value, datetime)
        else None
        if isinstance(value, float) and not math.isfinite(value)
        else value
        for name, value in row.items()
    }


def _show_table(table: Any, rows_left: int = 0) -> None:
    shown = table.slice(0, ROWS_SHOWN_MAX)
    rows = ([_named(*item) for item in row.items()] for row in shown.to_pylist())
    _print(table.column_names, rows)
    rest = rows_left + max(0, table.num_rows - ROWS_SHOWN_MAX)
    if rest:
        tell(
            f"... and {rest:,} more rows: take --csv, --json or --arrow for all.",
            f"……另有 {rest:,} 行：用 --csv、--json 或 --arrow 查看全部。",
        )


def _print(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.console import Console  # a running plant loads the verbs too, and shows no table
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    if sys.stdout.isatty():
        Console(highlight=False, markup=False).print(table)
        return
    console = Console(highlight=False, width=240, markup=False)
    with console.capture() as capture:
        console.print(table)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def _named(column: str, value: Any) -> str:
    """A cell of an answer; a quality is shown by its name."""
    if column == "quality" and isinstance(value, int) and 0 <= value <= 0xFFFF:
        from lianji.dictionary.quality import name_of

        return name_of(value)
    return _cell(value)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
