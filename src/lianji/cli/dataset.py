"""dataset: parts of the history, frozen for models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianji.base.errors import InputError, Text
from lianji.cli.output import AsJson, Form, form_of, show_rows
from lianji.cli.progress import bar
from lianji.cli.speech import language, t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

if TYPE_CHECKING:
    from lianji.learn.datasets.manifest import Change, Manifest
    from lianji.node.datasets import PlantDataSets

app = typer.Typer(help=t("Data sets for models", "供模型使用的数据集"), no_args_is_help=True)
Name = Annotated[str, typer.Argument(help=t("NAME or NAME@VERSION", "名称，或 名称@版本"))]


@app.command("make", help=t("Freeze a version", "冻结一个版本"))
def make(
    spec: Annotated[
        str,
        typer.Argument(
            help=t(
                "A file, or the name of one in the folder datasets",
                "规格文件，或 datasets 文件夹中的名称",
            )
        ),
    ],
    plant: PlantDir = HERE,
) -> None:
    with bar(t("Freezing", "冻结")) as progress:
        made = _sets(plant).make(spec, progress)
    manifest = made.manifest
    name, version = manifest.name, manifest.version
    if not made.is_new:
        tell(f"The same as version {version} of {name}.", f"与 {name} 的版本 {version} 相同。")
    else:
        _tell_changes(made.changes)
        tell(
            f"{name} has version {version}: {manifest.rows:,} rows.",
            f"{name} 已生成版本 {version}：{manifest.rows:,} 行。",
        )
    typer.echo(f"{name}@{version} {manifest.hash}")


@app.command("list", help=t("The newest version of each", "列出各数据集的最新版本"))
def listed(plant: PlantDir = HERE, as_json: AsJson = False) -> None:
    rows = [_row(one) for one in _sets(plant).listed()]
    show_rows(rows, form_of(as_json, False), [*_row_columns()])


@app.command("show", help=t("A version and its report", "查看某个版本及其质量报告"))
def show(name: Name, plant: PlantDir = HERE, as_json: AsJson = False) -> None:
    sets = _sets(plant)
    manifest, report, versions = sets.found(*_parted(name))
    if as_json:
        whole = {"manifest": manifest.model_dump(), "report": report.model_dump()}
        typer.echo(json.dumps(whole | {"versions": versions}, ensure_ascii=False))
        return
    typer.echo(f"{manifest.name}@{manifest.version}  {manifest.hash}")
    typer.echo(str(sets.path_of(manifest)))
    files = [one.model_dump() for one in manifest.files]
    show_rows(files, Form.TABLE, ["part", "rows", "bytes", "hash"])
    columns = [one.model_dump() for one in report.columns]
    figures = ["name", "mean", "minimum", "maximum", "missing", "bad", "spikes"]
    show_rows(columns, Form.TABLE, figures)
    for one in report.findings:
        said = one.zh if language() == "zh" else one.en
        typer.echo(f"{_severity(one.severity)}  {one.column}: {said}")
    if not report.findings:
        tell("Nothing was found wrong with it.", "未发现问题。")


@app.command("check", help=t("Compare the files with their hashes", "用哈希核对文件"))
def check(
    name: Name,
    against_history: Annotated[
        bool,
        typer.Option(
            "--against-history",
            help=t("Make it again and compare", "重新生成并比较"),
        ),
    ] = False,
    plant: PlantDir = HERE,
) -> None:
    with bar(t("Checking", "核对")) as progress:
        checked = _sets(plant).check(
            *_parted(name), against_history=against_history, progress=progress
        )
    said = f"{checked.manifest.name}@{checked.manifest.version}"
    for fault in checked.faults:
        typer.echo(fault.in_language(language()))
    _tell_changes(checked.changes or [])
    if not checked.is_sound:
        raise typer.Exit(1)
    if checked.changes is None:
        tell(f"{said} is as it was made.", f"{said} 与生成时一致。")
    else:
        tell(f"The history gives {said} again.", f"历史库可重新得到 {said}。")


def _sets(plant: Any) -> PlantDataSets:
    from lianji.node.datasets import PlantDataSets
    from lianji.node.settings import load_settings

    folder = folder_of(plant)
    load_settings(folder.root)
    return PlantDataSets(folder)


def _parted(text: str) -> tuple[str, int | None]:
    """Name and version of ``name@3``."""
    name, _, version = text.partition("@")
    if version and not version.isdecimal():
        raise InputError(
            "dataset-version",
            Text(f"{version!r} is no version.", f"{version!r} 不是版本号。"),
            Text("Write it as name@3.", "请写成 名称@3。"),
        )
    return name, int(version) if version else None


def _row_columns() -> list[str]:
    return ["name", "version", "kind", "rows", "columns", "created", "hash"]


def _row(manifest: Manifest) -> dict[str, Any]:
    from lianji.base.clock import from_us

    values = (
        manifest.name,
        manifest.version,
        manifest.spec.kind,
        manifest.rows,
        len(manifest.columns),
        from_us(manifest.created_us),
        manifest.hash,
    )
    return dict(zip(_row_columns(), values, strict=True))


def _tell_changes(changes: list[Change]) -> None:
    for one in changes:
        tell(one.en, one.zh)


def _severity(severity: str) -> str:
    words = {
        "serious": t("SERIOUS", "严重"),
        "warning": t("warning", "警告"),
        "notice": t("notice", "提示"),
    }
    return words[severity]
