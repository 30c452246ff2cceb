"""Stages, moves, fallback and rollback, kept over a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianji.base.errors import Conflict, LianjiError, NotFound, Text
from lianji.learn.deployment.admission import Grounds, admit
from lianji.learn.deployment.stages import MOVES, Stage
from lianji.learn.deployment.store import LEDGER, Deployments
from tests.learn.deployment.models import START_US, TRUSTED, card, packed
from tests.learn.deployment.test_admission import TAGS

WHY = Text("it drifts", "漂移")


def kept(store: Deployments, version: int) -> None:
    entries = store.ledger().models
    grounds = Grounds(TAGS, "plant", START_US)
    store.keep(admit(packed(card(version=version)), TRUSTED, entries, grounds), START_US, "me")


def up(store: Deployments, version: int, *stages: Stage) -> None:
    for stage in stages:
        store.move("yield", version, stage, START_US, "me")


def stages(store: Deployments) -> dict[int, str]:
    entry = store.ledger().models["yield"]
    return {number: str(one.stage) for number, one in entry.versions.items()}


WHOLE_WAY = (Stage.SHADOW, Stage.ADVISORY, Stage.ACTIVE)


@pytest.fixture
def store(tmp_path: Path) -> Deployments:
    return Deployments(tmp_path / "models")


def test_a_model_goes_up_one_step_at_a_time(store: Deployments) -> None:
    kept(store, 1)
    for stage in (Stage.ADVISORY, Stage.ACTIVE, Stage.FALLBACK):
        with pytest.raises(Conflict, match="model-move"):
            up(store, 1, stage)
    up(store, 1, *WHOLE_WAY)
    assert stages(store) == {1: "active"}
    assert set(MOVES) == set(Stage)


def test_the_one_before_is_the_fallback_and_comes_back(store: Deployments) -> None:
    kept(store, 1)
    up(store, 1, *WHOLE_WAY)
    kept(store, 2)
    up(store, 2, *WHOLE_WAY)
    assert stages(store) == {1: "fallback", 2: "active"}
    assert store.roll_back("yield", 2, START_US, WHY) is Stage.SHADOW
    assert stages(store) == {1: "active", 2: "shadow"}
    assert store.roll_back("yield", 1, START_US, WHY) is Stage.SHADOW
    assert stages(store) == {1: "shadow", 2: "shadow"}
    assert store.roll_back("yield", 1, START_US, WHY) is None


def test_an_advisory_one_that_is_doubted_leaves_the_active_one_alone(store: Deployments) -> None:
    kept(store, 1)
    up(store, 1, *WHOLE_WAY)
    kept(store, 2)
    up(store, 2, Stage.SHADOW, Stage.ADVISORY)
    store.roll_back("yield", 2, START_US, WHY)
    assert stages(store) == {1: "active", 2: "shadow"}


def test_a_restart_finds_stages_and_reasons_again(store: Deployments) -> None:
    kept(store, 1)
    up(store, 1, *WHOLE_WAY)
    store.roll_back("yield", 1, START_US, WHY)
    again = Deployments(store.folder)
    assert stages(again) == {1: "shadow"}
    last = again.ledger().models["yield"].moves[-1]
    assert (last.why_zh, last.by_itself, last.old, last.new) == ("漂移", True, "active", "shadow")
    assert again.open("yield", 1).card == card()


def test_a_bundle_that_was_changed_on_the_disk_does_not_open(store: Deployments) -> None:
    kept(store, 1)
    place = store.path("yield", 1)
    content = bytearray(place.read_bytes())
    content[len(content) // 2] ^= 1
    place.write_bytes(content)
    with pytest.raises(LianjiError):
        store.open("yield", 1)
    with pytest.raises(NotFound):
        store.open("yield", 2)


def test_a_ledger_that_is_no_ledger_is_told(store: Deployments) -> None:
    kept(store, 1)
    (store.folder / LEDGER).write_text("{")
    with pytest.raises(LianjiError, match="models-unreadable"):
        Deployments(store.folder)
