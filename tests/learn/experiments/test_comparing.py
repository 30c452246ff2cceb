"""Runs side by side: differences, the best, and the order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lianji.base.errors import NotFound
from lianji.learn.experiments import Experiments, compare


@pytest.fixture
def experiments(tmp_path: Path) -> Experiments:
    return Experiments(tmp_path / "experiments")


def tried(
    experiments: Experiments, name: str, depth: Any, metrics: dict[str, float], **more: Any
) -> None:
    parameters = {"depth": depth, "seed": 1}
    with experiments.begin("kiln", run=name, parameters=parameters, **more) as run:
        run.log_metrics(metrics)


def test_differences_and_the_best_are_marked(experiments: Experiments) -> None:
    tried(experiments, "a", 4, {"test.mae": 3.0, "r2": 0.7, "odd": 1.0})
    tried(experiments, "b", 6, {"test.mae": 2.0, "r2": 0.7, "odd": 2.0})
    tried(experiments, "c", 8, {"r2": 0.5})
    found = compare(experiments.runs("kiln"))
    assert [run.run for run in found.runs] == ["c", "b", "a"], "the newest first"
    assert {row.name: row.differs for row in found.parameters} == {"depth": True, "seed": False}
    assert "seed" in {row.name for row in found.same}
    assert found.metric("test.mae").values == [None, 2.0, 3.0]
    assert found.metric("test.mae").best == {1}
    assert found.metric("r2").best == {1, 2}, "both that are equally good"
    assert found.metric("odd").best == set(), "nobody said which way is good"


def test_sorting_puts_the_best_first_and_what_lacks_the_metric_last(
    experiments: Experiments,
) -> None:
    tried(experiments, "a", 4, {"mae": 3.0, "r2": 0.7})
    tried(experiments, "b", 6, {"mae": 2.0, "r2": 0.6})
    tried(experiments, "c", 8, {"r2": 0.9})

    def order(sort: str, worst_first: bool = False) -> str:
        found = compare(experiments.runs("kiln"), sort, worst_first)
        return "".join(run.run for run in found.runs)

    assert order("mae") == "bac"
    assert order("mae", worst_first=True) == "abc"
    assert order("r2") == "cab"
    assert order("r2", worst_first=True) == "bac"
    with pytest.raises(NotFound, match="metric-unknown"):
        order("none")


def test_a_run_may_say_which_way_is_good(experiments: Experiments) -> None:
    tried(experiments, "a", 4, {"yield": 3.0}, better={"yield": "high"})
    tried(experiments, "b", 4, {"yield": 2.0}, better={"yield": "high"})
    assert compare(experiments.runs("kiln")).metric("yield").best == {1}
    tried(experiments, "c", 4, {"yield": 1.0}, better={"yield": "low"})
    assert compare(experiments.runs("kiln")).metric("yield").best == set(), "they disagree"
