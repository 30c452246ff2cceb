"""Which plant a command is about: ``--plant DIR``, else LIANJI_PLANT, else the current folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianji.cli.speech import t

if TYPE_CHECKING:
    from lianji.node.folder import PlantFolder
    from lianji.node.opened import OpenedPlant

PlantDir = Annotated[
    Path,
    typer.Option(
        "--plant",
        envvar="LIANJI_PLANT",
        help=t("The plant's folder", "工厂所在文件夹"),
        show_default=t("the current folder", "当前文件夹"),
    ),
]
HERE = Path()


def folder_of(plant: Path) -> PlantFolder:
    from lianji.node.folder import PlantFolder

    return PlantFolder(plant)


def opened(plant: Path) -> OpenedPlant:
    """The plant, open for questions. Raises NotFound."""
    from lianji.node.opened import OpenedPlant

    return OpenedPlant(plant)
