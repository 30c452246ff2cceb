"""``lianji train`` from a plant's history to a draft, and the same as a job."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lightgbm")
pytest.importorskip("onnxmltools")

from lianji.learn.models.card import Card
from lianji.learn.training.job import run
from tests.learn.datasets.world import SPEC, World, minutes, signals
from tests.system.plant import lianji_command

TRAINING = """
task = "regression"
dataset = "yield"
correction = "bias"
label_delay = "2h"
owner = "quality"
[parameters]
rounds = 40
[output]
tag = "plant/soft/yield"
title_zh = "收率"
"""


@pytest.fixture
def plant(tmp_path: Path) -> World:
    world = World(tmp_path / "plant")
    for path, values in signals().items():
        world.put(path, minutes(), values)
    split = "[split]\ntrain = 0.75\ntest = 0.25\n"
    world.spec("yield", SPEC + 'tags = ["plant/*"]\ntarget = "plant/yield"\n' + split)
    world.make("yield")
    (world.folder.root / "training").mkdir()
    (world.folder.root / "training" / "soft-yield.toml").write_text(TRAINING)
    return world


@dataclass
class Context:
    """What the queue gives a job."""

    plant: Path
    folder: Path
    arguments: dict[str, Any]
    stopping: threading.Event = field(default_factory=threading.Event)
    told: list[float] = field(default_factory=list)

    def progress(self, done: float, of: float = 0.0, **metrics: float) -> None:
        self.told.append(done / of)


def test_from_the_history_to_a_draft(plant: World, tmp_path: Path) -> None:
    root = plant.folder.root
    done = lianji_command("train", "soft-yield", "--json", cwd=root)
    assert done.returncode == 0, done.stderr.decode()
    metrics = {one["name"]: one for one in json.loads(done.stdout)}
    assert metrics["MAE"]["value"] < metrics["MAE"]["baseline"] * 1.2
    assert "soft-yield was trained in" in done.stderr.decode()
    draft = root / "data" / "training" / "soft-yield" / "draft"
    card = Card.model_validate_json((draft / "card.json").read_bytes())
    assert (card.outputs[0].tag, card.outputs[0].unit) == ("plant/soft/yield", "%")
    assert [one.unit for one in card.inputs] == ["m3/h", "", "Cel"]
    assert (card.owner, card.dataset.version) == ("quality", 1)

    job = Context(root, tmp_path / "job", {"spec": "soft-yield"})
    run(job)
    same = tmp_path / "job" / "draft" / "model.onnx"
    assert same.read_bytes() == (draft / "model.onnx").read_bytes()
    assert job.told == sorted(job.told) and job.told[-1] == 1
    job.stopping.set()
    with pytest.raises(SystemExit) as ended:
        run(job)
    assert ended.value.code == 75


def test_what_is_wrong_is_told_with_a_remedy(tmp_path: Path) -> None:
    world = World(tmp_path / "plant")
    done = lianji_command("train", "none", cwd=world.folder.root)
    assert done.returncode == 1 and "training-spec-missing" in done.stderr.decode()
    (world.folder.root / "a.toml").write_text('task = "regression"\ndataset = "none"\n')
    done = lianji_command("train", "a.toml", cwd=world.folder.root, LIANJI_LANG="zh")
    assert done.returncode == 1 and "没有名为 'none' 的数据集" in done.stderr.decode()
