"""config versions, diff, undo, restore: the configurations that were."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianji.cli.output import AsJson, form_of, show_rows
from lianji.cli.speech import language, t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

if TYPE_CHECKING:
    from lianji.node.configuring.store import ConfigurationStore

app = typer.Typer(help=t("Versions of the configuration", "配置的版本"), no_args_is_help=True)
Version = Annotated[
    str | None,
    typer.Argument(help=t("A version's number; by default the newest", "版本号；默认为最新")),
]


@app.command(help=t("The configurations that are kept, newest first", "列出保留的配置版本"))
def versions(plant: PlantDir = HERE, as_json: AsJson = False) -> None:
    rows = [
        {
            "version": version.id,
            "time": datetime.fromtimestamp(version.time_us / 1e6)
            .astimezone()
            .isoformat(" ", "seconds"),
            "author": version.author,
            "note": version.note,
            "how": version.how if version.rolled_back is None else "rolled back",
            "files": ", ".join(version.paths),
        }
        for version in _store(plant).versions()
    ]
    show_rows(rows, form_of(as_json, False), ["version", "time", "author", "note", "how", "files"])


@app.command(help=t("What a version changed", "显示某版本的修改内容"))
def diff(version: Version = None, plant: PlantDir = HERE) -> None:
    store = _store(plant)
    identity = version or store.current().id
    typer.echo(store.difference(identity), nl=False)
    cause = store.version(identity).rolled_back
    if cause is not None:
        said = cause.cause.zh if language() == "zh" else cause.cause.en
        tell(f"It was rolled back: {said}", f"已自动撤销：{said}")


@app.command(help=t("Take back what a version changed", "撤销某版本的修改"))
def undo(version: Version = None, plant: PlantDir = HERE) -> None:
    made = _store(plant).undo(getpass.getuser(), version)
    _told(plant, made.id, made.paths)


@app.command(help=t("Make the plant what it was at a version", "恢复到某个版本"))
def restore(
    version: Annotated[str, typer.Argument(help=t("A version's number", "版本号"))],
    plant: PlantDir = HERE,
) -> None:
    made = _store(plant).restore(version, getpass.getuser())
    _told(plant, made.id, made.paths)


def _store(plant: Path) -> ConfigurationStore:
    from lianji.node.configuring.store import ConfigurationStore
    from lianji.node.settings import load_settings

    folder = folder_of(plant)
    settings = load_settings(folder.root)
    return ConfigurationStore(folder, versions_max=settings.configuration.versions_max)


def _told(plant: Path, version: str, paths: list[str]) -> None:
    listed = ", ".join(paths)
    tell(f"Version {version}: {listed}.", f"版本 {version}：{listed}。")
    if folder_of(plant).running():
        tell("The running plant takes it within 5 s.", "正在运行的工厂将在 5 秒内生效。")
