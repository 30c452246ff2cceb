"""hub limit: how fast one edge may send, and how much a day."""

from __future__ import annotations

from typing import Annotated

import typer

from lianji.cli.speech import t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

Edge = Annotated[str, typer.Argument(metavar="SITE", help=t("The edge's name", "边缘名称"))]


def register(app: typer.Typer) -> None:
    app.command("limit", help=t("How fast an edge may send, how much a day", "设置边缘限额"))(limit)


def limit(
    site: Edge,
    rate: Annotated[
        float | None,
        typer.Option(min=0, help=t("Samples a second; 0: no limit", "每秒样本数；0 表示不限")),
    ] = None,
    gb_a_day: Annotated[
        float | None,
        typer.Option(
            min=0,
            help=t("GB over the line a day (UTC); 0: no limit", "每天 GB（UTC）；0 表示不限"),
        ),
    ] = None,
    clear: Annotated[
        bool, typer.Option("--clear", help=t("As [hub] says for all", "恢复 [hub] 的统一设置"))
    ] = False,
    plant: PlantDir = HERE,
) -> None:
    from lianji.cli.access import by
    from lianji.node.enrolment import quotas_of

    if not clear and rate is None and gb_a_day is None:
        raise typer.BadParameter(
            t("say --rate, --gb-a-day or --clear", "请指定 --rate、--gb-a-day 或 --clear")
        )
    with quotas_of(folder_of(plant)) as quotas:
        if clear:
            quotas.clear(site, by())
        if rate is not None or gb_a_day is not None:
            size = None if gb_a_day is None else round(gb_a_day * 1e9)
            quotas.set(site, rate, size, by())
    tell(
        "The hub minds it within seconds. See `lianji hub sites`.",
        "中心将在数秒内按新限额执行。请用 `lianji hub sites` 查看。",
    )
