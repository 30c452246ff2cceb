"""The models of a plant, for the command line: of the process that runs it, or of its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lianji.base.errors import InputError, NotFound, Text
from lianji.learn.deployment.named import parted
from lianji.learn.deployment.stages import Stage
from lianji.node.folder import PlantFolder
from lianji.node.settings import load_settings

ADDRESS = "/api/models/running"
BY = "command line"


def take_bundle(folder: PlantFolder, file: Path) -> dict[str, Any]:
    """Raises NotFound, InputError, Conflict with what is wrong with it."""
    if not file.is_file():
        raise NotFound(
            "file-missing",
            Text(f"There is no file {file}.", f"没有文件 {file}。"),
            Text("Check the path.", "请检查路径。"),
        )
    content = file.read_bytes()
    if _runs(folder):
        from lianji.node.asked import said_by

        return said_by(folder, "POST", ADDRESS, timeout_s=300, content=content)
    from lianji.node.deployed import deployed_at_rest

    deployed = deployed_at_rest(folder)
    card = deployed.take(content, BY).card
    return deployed.shown(card.name, card.version).model_dump(mode="json")


def listed_models(folder: PlantFolder) -> list[dict[str, Any]]:
    if _runs(folder):
        from lianji.node.asked import found_of

        found: list[dict[str, Any]] = found_of(folder, ADDRESS)["models"]
        return found
    from lianji.node.deployed import deployed_at_rest

    return [one.model_dump(mode="json") for one in deployed_at_rest(folder).listed()]


def move_model(folder: PlantFolder, asked: str, stage: str) -> dict[str, Any]:
    """Raises NotFound, InputError, Conflict."""
    name, version = parted(asked)
    if stage not in list(Stage):
        raise InputError(
            "model-stage",
            Text(f"{stage!r} is no stage.", f"{stage!r} 不是阶段名称。"),
            Text(f"There are: {', '.join(Stage)}.", f"可选：{', '.join(Stage)}。"),
        )
    if _runs(folder):
        from lianji.node.asked import said_by

        where = f"{ADDRESS}/{name}/{version}/stage"
        return said_by(folder, "POST", where, timeout_s=60, json={"stage": stage})
    from lianji.node.deployed import deployed_at_rest

    deployed = deployed_at_rest(folder)
    deployed.move(name, version, Stage(stage), BY)
    return deployed.shown(name, version).model_dump(mode="json")


def _runs(folder: PlantFolder) -> bool:
    load_settings(folder.root)
    return folder.running() is not None
