"""read, last, at, interpolate, plot, aggregate, gaps, modified, sql: the history's questions."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from lianji.base.clock import now_us
from lianji.cli.output import AsArrow, AsCsv, AsJson, Form, form_of, show, show_in_parts
from lianji.cli.speech import language, t, tell
from lianji.cli.where import HERE, PlantDir, opened

if TYPE_CHECKING:
    from lianji.history.stored import StoredHistory

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
Step = Annotated[str, typer.Option(help=t("10s, 1min, 1h", "如 10s、1min、1h"))]


class Method(StrEnum):
    MINMAX = "minmax"
    LTTB = "lttb"


class _WithFunctions(TyperCommand):
    """Its help ends with all functions, whose words are loaded when somebody asks for them."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.epilog = _functions()
        super().format_help(ctx, formatter)


def register(app: typer.Typer) -> None:
    app.command(help=t("All samples between two times", "读取两个时刻之间的全部样本"))(read)
    app.command(help=t("The newest sample of each tag", "每个标签的最新样本"))(last)
    app.command(help=t("What held at a moment, or at several", "某一时刻（或多个时刻）的值"))(at)
    app.command(help=t("The value at regular instants", "等间隔时刻的插值"))(interpolate)
    app.command(help=t("Few samples that draw the line of all", "绘图所需的少量样本"))(plot)
    app.command(
        help=t("Mean, min, max ... an interval", "按时间间隔聚合：均值、最小、最大等"),
        cls=_WithFunctions,
    )(aggregate)
    app.command(help=t("Stretches without a good sample", "没有良好样本的时段"))(gaps)
    app.command(help=t("What corrections replaced", "被更正替换的样本"))(modified)
    app.command(help=t("Ask in SQL; the table is samples", "用 SQL 查询，表名为 samples"))(sql)


def read(
    tags: Tags,
    start: Start = "-1h",
    end: End = "now",
    bounds: Annotated[
        bool, typer.Option("--bounds", help=t("Also those just outside", "包含范围外紧邻的样本"))
    ] = False,
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_arrow: AsArrow = False,
) -> None:
    form, between = form_of(as_json, as_csv, as_arrow), _range(start, end)
    history = opened(plant).history.exact
    show_in_parts(history.read_in_parts(tags, *between, bounds), form)
    warn_of_unreadable(history)


def last(
    tags: Annotated[
        list[str] | None, typer.Argument(help=t("All, if none", "不写则为全部"))
    ] = None,
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_arrow: AsArrow = False,
) -> None:
    answer(plant, form_of(as_json, as_csv, as_arrow), lambda history: history.last(tags or None))


def at(
    tags: Tags,
    time: Annotated[
        list[str] | None,
        typer.Option("--time", "-t", help=t("When; may be repeated", "时刻，可重复")),
    ] = None,
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_arrow: AsArrow = False,
) -> None:
    from lianji.dictionary.moments import parse_moment

    now = now_us()
    instants = [parse_moment(one, now) for one in time or ["now"]]
    answer(plant, form_of(as_json, as_csv, as_arrow), lambda history: history.at(tags, instants))


def interpolate(
    tags: Tags,
    start: Start = "-1h",
    end: End = "now",
    step: Step = "1min",
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_arrow: AsArrow = False,
) -> None:
    between, step_us = _range_in_steps(start, end, step)
    answer(
        plant,
        form_of(as_json, as_csv, as_arrow),
        lambda history: history.interpolated(tags, *between, step_us),
    )


def plot(
    tags: Tags,
    start: Start = "-1h",
    end: End = "now",
    pixels: Annotated[int, typer.Option(help=t("Width of the chart", "图表宽度（像素）"))] = 1000,
    method: Annotated[
        Method, typer.Option(help=t("minmax loses no peak; lttb takes fewer", "minmax 不漏峰值"))
    ] = Method.MINMAX,
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_arrow: AsArrow = False,
) -> None:
    between = _range(start, end)
    answer(
        plant,
        form_of(as_json, as_csv, as_arrow),
        lambda history: history.plot(tags, *between, pixels, method.value),
    )


def aggregate(
    tags: Tags,
    start: Start = "-1d",
    end: End = "now",
    step: Step = "1h",
    function: Annotated[
        list[str] | None,
        typer.Option(
            "--function",
            "-f",
            help=t(
                "Such as max; --help lists all; may be repeated", "如 max；--help 列出全部；可重复"
            ),
        ),
    ] = None,
    status: Annotated[
        bool, typer.Option("--status", help=t("A status code for each", "附带状态码"))
    ] = False,
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_arrow: AsArrow = False,
) -> None:
    between, step_us = _range_in_steps(start, end, step)
    functions = function or ["mean", "min", "max", "count"]
    answer(
        plant,
        form_of(as_json, as_csv, as_arrow),
        lambda history: history.aggregate(tags, *between, step_us, functions, with_status=status),
    )


def gaps(
    tags: Tags,
    start: Start = "-1d",
    end: End = "now",
    longer: Annotated[
        str, typer.Option(help=t("Than: 10s, 1min, 1h", "长于：10s、1min、1h"))
    ] = "1min",
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_arrow: AsArrow = False,
) -> None:
    between, longer_us = _range(start, end), _span(longer)
    answer(
        plant,
        form_of(as_json, as_csv, as_arrow),
        lambda history: history.gaps(tags, *between, longer_us),
    )


def modified(
    tags: Tags,
    start: Start = "-1d",
    end: End = "now",
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_arrow: AsArrow = False,
) -> None:
    between = _range(start, end)
    answer(
        plant,
        form_of(as_json, as_csv, as_arrow),
        lambda history: history.modified(tags, *between),
    )


def sql(
    query: Annotated[str, typer.Argument(help="select ... from samples")],
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_arrow: AsArrow = False,
) -> None:
    answer(plant, form_of(as_json, as_csv, as_arrow), lambda history: history.sql(query))


def answer(plant: Path, form: Form, ask: Callable[[StoredHistory], Any]) -> None:
    """Ask the plant's history and show what it says, and whether something is missing in it."""
    history = opened(plant).history.exact
    show(ask(history), form)
    warn_of_unreadable(history)


def warn_of_unreadable(history: StoredHistory) -> None:
    if history.unreadable:
        count, first = len(history.unreadable), next(iter(history.unreadable.values()))
        tell(
            f"Warning: {count} files could not be read, and the answer lacks their rows. "
            f"{first.cause.en} {first.remedy.en}",
            f"警告：{count} 个文件无法读取，结果缺少其中的数据。{first.cause.zh}{first.remedy.zh}",
        )


def _range(start: str, end: str) -> tuple[int, int]:
    from lianji.dictionary.moments import parse_range

    return parse_range(start, end, now_us())


def _span(text: str) -> int:
    from lianji.dictionary.moments import parse_span

    return parse_span(text)


def _range_in_steps(start: str, end: str, step: str) -> tuple[tuple[int, int], int]:
    """Range and step; a start relative to now begins with a whole step, so that an hour means
    from o'clock to o'clock."""
    (start_us, end_us), step_us = _range(start, end), _span(step)
    if start.strip().startswith(("-", "now")):
        start_us -= start_us % step_us
    return (start_us, end_us), step_us


def _functions() -> str:
    """All functions with what they mean, for ``--help``."""
    from lianji.history.aggregates.names import AGGREGATES, ALIASES

    lines = [f"{one.name}: {one.meaning.in_language(language())}" for one in AGGREGATES.values()]
    lines.append(", ".join(f"{alias} = {name}" for alias, name in ALIASES.items()))
    return "\n\n".join(lines)
