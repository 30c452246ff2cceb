"""tag check, tag import, tag export: the plant's tag tables."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianji.base.errors import counted
from lianji.cli.output import AsJson, Form, form_of, show_rows
from lianji.cli.speech import language, t, tell
from lianji.cli.where import HERE, PlantDir, folder_of


class Order(StrEnum):
    """The byte order of numbers; else that program's own default."""

    AS_THERE = "as-there"
    ABCD = "ABCD"
    CDAB = "CDAB"
    BADC = "BADC"
    DCBA = "DCBA"


if TYPE_CHECKING:
    from lianji.node.tag_tables import TableReport

app = typer.Typer(help=t("The plant's tag tables", "标签表"), no_args_is_help=True)


@app.command(help=t("Check all tables and addresses", "检查全部标签表和地址"))
def check(plant: PlantDir = HERE, as_json: AsJson = False) -> None:
    from lianji.connect.devices import driver_for
    from lianji.connect.points import parse_tags
    from lianji.node.configuration import load_configuration

    configuration = load_configuration(folder_of(plant))
    problems = list(configuration.problems)
    rows = [{"where": p.code, "problem": p.cause.in_language(language())} for p in problems]
    for name, tags in configuration.by_device().items():
        parsed = parse_tags(driver_for(configuration.devices[name]), tags)
        for rejected in parsed.rejected.values():
            reason = rejected.reason.in_language(language())
            rows.append({"where": rejected.path, "problem": f"{name}: {reason}"})
    if rows or as_json:
        show_rows(rows, form_of(as_json, False), ["where", "problem"])
    tell(
        f"{counted(len(configuration.tags), 'tag')}, {counted(len(rows), 'problem')}.",
        f"{len(configuration.tags)} 个标签，{len(rows)} 个问题。",
    )
    if rows:
        raise typer.Exit(1)


@app.command("import", help=t("Take a tag table into the plant", "导入标签表"))
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help=t(
                "CSV or .xlsx; also that of Kepware, Neuron or Ignition (JSON)",
                "CSV 或 .xlsx，也可以是 Kepware、Neuron、Ignition（JSON）的标签表",
            )
        ),
    ],
    plant: PlantDir = HERE,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help=t("Change tags that other tables hold, there", "更新其他表中已有的标签"),
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=t("Only check", "只检查，不写入"))
    ] = False,
    below: Annotated[
        str,
        typer.Option(help=t("Of other programs: the path above", "其他软件的表：上级路径")),
    ] = "",
    device: Annotated[
        str, typer.Option(help=t("Of other programs: the device", "其他软件的表：设备"))
    ] = "",
    order: Annotated[
        Order,
        typer.Option(help=t("Of other programs: the byte order", "其他软件的表：字节序")),
    ] = Order.AS_THERE,
) -> None:
    from lianji.connect.foreign.incoming import Into, order_of
    from lianji.node.tag_tables import import_table

    folder = folder_of(plant)
    into = Into(below.strip("/"), device, order_of(order.value), file.name)
    report = import_table(folder, file, replace=replace, dry_run=dry_run, into=into)
    _tell(report, dry_run)
    if report.rejected:
        raise typer.Exit(1)


@app.command(help=t("Write all tags as one CSV table", "导出全部标签为一个 CSV 表"))
def export(
    file: Annotated[Path, typer.Argument(help=t("Where to", "目标文件"))], plant: PlantDir = HERE
) -> None:
    from lianji.dictionary.tag_table import write_table
    from lianji.node.configuration import load_configuration

    configuration = load_configuration(folder_of(plant))
    write_table(configuration.tags.values(), file.resolve())
    tell(
        f"{counted(len(configuration.tags), 'tag')} in {file}.",
        f"{len(configuration.tags)} 个标签写入 {file}。",
    )


def _tell(report: TableReport, dry_run: bool) -> None:
    rows = [
        {"line": r.line or "", "tag": r.path, "reason": r.reason.in_language(language())}
        for r in report.rejected
    ]
    if rows:
        show_rows(rows, Form.TABLE, ["line", "tag", "reason"])
    if report.replaced:
        tell(
            f"{counted(report.replaced, 'tag')} {'would be' if dry_run else 'were'} changed in "
            "the tables that hold them.",
            f"{report.replaced} 个标签{'将' if dry_run else '已'}在原有标签表中更新。",
        )
    tell(
        f"{counted(report.added, 'tag')} {'would go' if dry_run else 'went'} into "
        f"{report.target}, {len(rows)} rejected.",
        f"{report.added} 个标签{'将' if dry_run else '已'}写入 {report.target}，"
        f"{len(rows)} 行被拒绝。",
    )
    if not dry_run and report.added + report.replaced:
        tell("A running plant takes them at once.", "正在运行的工厂会立即采用。")
