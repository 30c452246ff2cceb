"""train: a model out of a frozen data set, in this process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianji.cli.output import AsJson, Form, show_rows
from lianji.cli.progress import bar
from lianji.cli.speech import t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

if TYPE_CHECKING:
    from lianji.learn.training.result import Trained


def register(app: typer.Typer) -> None:
    app.command("train", help=t("Train a model", "训练模型"))(train)


def train(
    spec: Annotated[
        str,
        typer.Argument(
            help=t(
                "A file, or the name of one in the folder training",
                "规格文件，或 training 文件夹中的名称",
            )
        ),
    ],
    plant: PlantDir = HERE,
    as_json: AsJson = False,
) -> None:
    # Read when numpy is loaded. A system of 500 equations waits for a busy machine's other cores
    # ten times longer than it takes one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from lianji.node.settings import load_settings
    from lianji.node.training import PlantTraining

    folder = folder_of(plant)
    load_settings(folder.root)
    with bar(t("Training", "训练")) as progress:
        trained, draft = PlantTraining(folder).train(
            spec, lambda done, of, **_: progress(round(100 * done), round(100 * of))
        )
    _show(trained, draft, as_json)


def _show(trained: Trained, draft: Path, as_json: bool) -> None:
    card = trained.card
    rows = [one.model_dump(exclude={"on", "better"}) for one in card.metrics]
    show_rows(rows, Form.JSON if as_json else Form.TABLE, ["name", "value", "baseline", "unit"])
    on = card.metrics[0].on if card.metrics else "-"
    seconds = card.cost.seconds
    tell(
        f"{card.name} was trained in {seconds:.1f} s. Figures: {on}; baseline: {card.baseline}.",
        f"{card.name} 训练完成，用时 {seconds:.1f} 秒。指标：{on}；基线：{card.baseline}。",
    )
    typer.echo(str(draft), err=as_json)
