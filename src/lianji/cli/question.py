"""read, last, aggregate, sql: the history's questions."""

from __future__ import annotations

from typing import Annotated

import typer

from lianji.base.clock import now_us
from lianji.cli.output import AsArrow, AsCsv, AsJson, form_of, show
from lianji.cli.speech import t
from lianji.cli.where import HERE, PlantDir, opened

Tags = Annotated[
    list[str],
    typer.Argument(
        help=t("Tag paths or patterns such as 'demo/*/power'", "标签路径或通配，如 'demo/*/power'")
    ),
]
Start = Annotated[
    str,
    typer.Option(
        help=t("From: -1h, now, 2026-01-31T08:00+08:00", "起点：-1h、now、2026-01-31T08:00+08:00")
    ),
]
End = Annotated[str, typer.Option(help=t("Up to, not included", "终点（不含）"))]


def register(app: typer.Typer) -> None:
    app.command(help=t("All samples between two times", "读取两个时刻之间的全部样本"))(read)
    app.command(help=t("The newest sample of each tag", "每个标签的最新样本"))(last)
    app.command(help=t("Mean, min, max ... an interval", "按时间间隔聚合：均值、最小、最大等"))(
        aggregate
    )
    app.command(help=t("Ask in SQL; the table is samples", "用 SQL 查询，表名为 samples"))(sql)


def read(
    tags: Tags,
    start: Start = "-1h",
    end: End = "now",
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_arrow: AsArrow = False,
) -> None:
    from lianji.dictionary.moments import parse_range

    between = parse_range(start, end, now_us())
    show(opened(plant).history.exact.read(tags, *between), form_of(as_json, as_csv, as_arrow))


def last(
    tags: Annotated[
        list[str] | None, typer.Argument(help=t("All, if none", "不写则为全部"))
    ] = None,
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_arrow: AsArrow = False,
) -> None:
    show(opened(plant).history.last(tags or None), form_of(as_json, as_csv, as_arrow))


def aggregate(
    tags: Tags,
    start: Start = "-1d",
    end: End = "now",
    step: Annotated[str, typer.Option(help=t("10s, 1min, 1h", "如 10s、1min、1h"))] = "1h",
    function: Annotated[
        list[str] | None,
        typer.Option("--function", "-f", help="count min max mean sum first last range bad"),
    ] = None,
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_arrow: AsArrow = False,
) -> None:
    from lianji.dictionary.moments import parse_range, parse_span

    (start_us, end_us), step_us = parse_range(start, end, now_us()), parse_span(step)
    if start.strip().startswith(("-", "now")):
        start_us -= start_us % step_us  # an hour means from o'clock to o'clock
    functions = function or ["mean", "min", "max", "count"]
    history = opened(plant).history.exact
    show(
        history.aggregate(tags, start_us, end_us, step_us, functions),
        form_of(as_json, as_csv, as_arrow),
    )


def sql(
    query: Annotated[str, typer.Argument(help="select ... from samples")],
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_arrow: AsArrow = False,
) -> None:
    show(opened(plant).history.sql(query), form_of(as_json, as_csv, as_arrow))
