"""hub drill: fail over for real, in copies, and write down how long it took."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from lianji.base.errors import Text
from lianji.cli.speech import t, tell
from lianji.cli.where import HERE, PlantDir, folder_of


def register(app: typer.Typer) -> None:
    app.command(help=t("Rehearse the loss of this hub, in copies", "在副本中演练中心失效"))(drill)


def drill(
    report: Annotated[
        Path, typer.Option(help=t("Where the signed report goes", "签名报告的文件"))
    ] = Path("drill.json"),
    standby: Annotated[
        Path | None,
        typer.Option(
            help=t("The second hub's folder, if it is here", "备用中心的文件夹（若在本机）")
        ),
    ] = None,
    edges: Annotated[
        int, typer.Option(min=1, max=100, help=t("So many simulated edges", "模拟边缘数"))
    ] = 3,
    rate: Annotated[
        int,
        typer.Option(min=20, max=100_000, help=t("Samples a second of each", "每边缘每秒样本数")),
    ] = 200,
    seconds: Annotated[
        float, typer.Option(min=0.5, max=3600, help=t("Load in each part", "各阶段加载秒数"))
    ] = 3.0,
    work: Annotated[
        Path | None,
        typer.Option(help=t("Where the copies go; same disk is best", "副本所在文件夹")),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help=t("Leave the copies there", "保留副本"))
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help=t("Only check a report", "仅校验报告"))
    ] = False,
    plant: PlantDir = HERE,
) -> None:
    from lianji.node.drill.course import Plan
    from lianji.node.drill.course import drill as run
    from lianji.node.drill.report import read_report, text_of, write_report
    from lianji.node.enrolment import authority_of

    authority = authority_of(folder_of(plant))
    if not verify:
        place = Path(tempfile.mkdtemp(prefix=".lianji-drill-", dir=work or plant.resolve().parent))
        plan = Plan(edges, rate, seconds)
        try:
            second = None if standby is None else folder_of(standby)
            found = run(folder_of(plant), second, place, plan, _say)
        finally:
            if not keep:
                shutil.rmtree(place, ignore_errors=True)
        write_report(report, authority, plan, found)
    told = read_report(report, authority)
    typer.echo(text_of(told), nl=False)
    if not told["passed"]:
        raise typer.Exit(1)


def _say(text: Text) -> None:
    tell(text.en, text.zh)
