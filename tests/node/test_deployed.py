"""Bundles that a hub vouches for, and what the hub is told of models."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianji.base.errors import InputError
from lianji.learn.deployment.stages import Stage
from lianji.node.deployed import deployed_at_rest
from lianji.node.folder import PlantFolder
from lianji.node.models import PlantModels
from lianji.node.reporting import report_of
from lianji.node.settings import Settings
from tests.learn.deployment.models import bundle, packed
from tests.web.plant import MemoryPlant

TAGS = "path,unit\nplant/temperature,Cel\nplant/flow,m3/h\n"


@pytest.fixture
def folder(tmp_path: Path) -> PlantFolder:
    folder = PlantFolder(tmp_path / "plant")
    folder.create("plant", 0)
    (folder.tags / "m.csv").write_text(TAGS)
    return folder


def test_a_stranger_is_believed_only_where_the_hub_vouches(folder: PlantFolder) -> None:
    deployed = deployed_at_rest(folder)
    with pytest.raises(InputError, match="bundle-untrusted"):
        deployed.take(packed(), "hub")
    deployed.take(packed(), "hub", vouched=True)
    [one] = deployed_at_rest(folder).listed()
    assert (one.stage, one.owner) == ("staged", "hub")
    assert Settings().models.trust_hub


def test_a_plant_believes_what_it_signed_itself(folder: PlantFolder) -> None:
    models = PlantModels(folder)
    models.register(bundle(), "me", {})
    models.sign("yield", 1, "me")
    deployed_at_rest(folder).take(models.bundle("yield")[1], "me")
    [one] = deployed_at_rest(folder).listed()
    assert (one.stage, one.owner) == ("staged", "plant")


def test_one_that_cannot_be_read_keeps_no_other_from_the_list(folder: PlantFolder) -> None:
    deployed = deployed_at_rest(folder)
    deployed.take(packed(), "hub", vouched=True)
    deployed.move("yield", 1, Stage.SHADOW, "me")
    deployed.store.path("yield", 1).write_bytes(b"")
    assert deployed_at_rest(folder).listed() == []


def test_output_tags_that_somebody_deleted_come_back(folder: PlantFolder) -> None:
    deployed = deployed_at_rest(folder)
    card = deployed.take(packed(), "hub", vouched=True).card
    table = folder.tags / "models.csv"
    table.unlink()
    deployed.tell_tags(card)
    assert "plant/soft/yield," in table.read_text("utf-8-sig")


def test_the_hub_hears_of_models_where_there_are_some() -> None:
    status = MemoryPlant().status()
    assert "models" not in report_of(status)
    told = report_of(status, (), [{"name": "yield", "stage": "active"}])
    assert told["models"] == [{"name": "yield", "stage": "active"}]
