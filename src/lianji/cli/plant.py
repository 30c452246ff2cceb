"""demo, init, run, status, doctor: a plant as a whole."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lianji.base import unwanted
from lianji.cli.output import AsJson, Form, show_rows
from lianji.cli.speech import complain, t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

DEMO = Path("demo-plant")
Port = Annotated[
    int | None,
    typer.Option(help=t("The page's port; 0 takes any", "网页端口；0 为任意"), min=0, max=65535),
]


def register(app: typer.Typer) -> None:
    app.command(help=t("Start a simulated plant and its page", "启动演示工厂及其网页"))(demo)
    app.command(help=t("Make an empty plant", "新建空工厂"))(init)
    app.command(help=t("Run a plant until SIGTERM", "运行工厂"))(run)
    app.command(help=t("How the running plant is", "查看运行状态"))(status)
    app.command(help=t("What is wrong, and what to do", "诊断问题并给出建议"))(doctor)


def demo(
    port: Port = None,
    plant: Annotated[
        Path, typer.Option("--plant", help=t("Where the demo plant lies", "演示工厂的文件夹"))
    ] = DEMO,
) -> None:
    _refuse_unwanted()
    from lianji.node.demo.start import run_demo

    tell(f"Starting the demo plant in {plant} ...", f"正在 {plant} 中启动演示工厂……")
    run_demo(folder_of(plant), port, _ready)


def init(
    folder: Annotated[Path, typer.Argument(help=t("A new folder", "新文件夹"))],
    name: Annotated[
        str, typer.Option(help=t("The site: first part of tag paths", "站点名：标签路径的第一段"))
    ] = "",
) -> None:
    from lianji.node.settings import DEFAULT_PORT, SiteSettings

    site = name or folder.resolve().name
    SiteSettings(name=site)
    folder_of(folder).create(site, DEFAULT_PORT)
    tell(f"A plant is in {folder}. Next:", f"工厂已建在 {folder}。下一步：")
    tell(
        f"  lianji device add press1 modbus host=192.168.0.10 --plant {folder}\n"
        f"  lianji run --plant {folder}",
        f"  lianji device add press1 modbus host=192.168.0.10 --plant {folder}\n"
        f"  lianji run --plant {folder}",
    )


def run(plant: PlantDir = HERE, port: Port = None) -> None:
    _refuse_unwanted()
    from lianji.node.edge import run_plant

    run_plant(folder_of(plant), port, _ready)


def _refuse_unwanted() -> None:
    """Before anything here loads Arrow or structlog."""
    unwanted.refuse()
    unwanted.load_logging()


def _ready(address: str) -> None:
    tell(f"The page: {address}   (Ctrl-C ends)", f"网页：{address}   （Ctrl-C 结束）")


def status(plant: PlantDir = HERE, as_json: AsJson = False) -> None:
    import json

    from lianji.cli.status_text import show_status
    from lianji.node.asked import status_of

    answer = status_of(folder_of(plant))
    if as_json:
        json.dump(answer, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        show_status(answer)


def doctor(
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    bundle: Annotated[
        Path | None,
        typer.Option(
            help=t("Also write a zip for helpers, without secrets", "写出诊断包，不含密码")
        ),
    ] = None,
) -> None:
    from lianji.cli.speech import language
    from lianji.node.doctor import examine

    if bundle is not None:
        from lianji.node.diagnostics import diagnostics_of

        bundle.write_bytes(diagnostics_of(folder_of(plant)))
        tell(f"Wrote {bundle}.", f"已写入 {bundle}。")
    findings = examine(folder_of(plant))
    rows = [
        {
            "check": finding.check.in_language(language()),
            "result": t("ok", "正常") if finding.problem is None else t("problem", "有问题"),
            "what": finding.found.in_language(language()),
        }
        for finding in findings
    ]
    show_rows(rows, Form.JSON if as_json else Form.TABLE, ["check", "result", "what"])
    problems = [finding.problem for finding in findings if finding.problem is not None]
    for problem in problems:
        complain(problem)
    if problems:
        raise typer.Exit(1)
