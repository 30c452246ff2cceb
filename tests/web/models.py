"""Real models of a plant that does not run, behind ``DeployingView``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lianji.dictionary.tag import Tag
from lianji.learn.deployment.running import RunningModel
from lianji.learn.deployment.shown import Shown
from lianji.learn.deployment.stages import Stage
from lianji.node.deployed import DeployedModels, put_at_rest
from lianji.node.folder import PlantFolder


class Models:
    """``running`` is what a runtime would know of some of them."""

    def __init__(self, root: Path, tags: Callable[[], Sequence[Tag]]) -> None:
        folder = PlantFolder(root)
        self.deployed = DeployedModels(folder, "plant", tags, put_at_rest(folder))
        self.running: dict[str, RunningModel] = {}

    def any(self) -> bool:
        return bool(self.deployed.store.ledger().models)

    def listed(self) -> list[Shown]:
        return self.deployed.listed(self.running)

    def found(self, name: str, version: int) -> Shown:
        return self.deployed.shown(name, version, self.running)

    def take(self, content: bytes, by: str) -> Shown:
        one = self.deployed.take(content, by).card
        return self.found(one.name, one.version)

    def move(self, name: str, version: int, stage: Stage, by: str) -> Shown:
        self.deployed.move(name, version, stage, by)
        return self.found(name, version)
