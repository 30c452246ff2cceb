"""Marks say how long a batch waited and was served; their sum tells percentiles."""

from __future__ import annotations

import time

import pytest

from lianji.trace.marks import Marks, Stage
from lianji.trace.stages import Stages


def test_a_mark_holds_stage_wait_and_service() -> None:
    marks = Marks()
    started = time.monotonic_ns()
    ended = marks.add(Stage.READ, started - 500, started)
    assert list(marks) == [Stage.READ, 500, ended - started]


def test_percentiles_are_right_within_a_tenth() -> None:
    stages = Stages()
    stages.fold([Marks([Stage.SPOOL, 1000 * n, 1_000_000 * n]) for n in range(1, 1001)])
    [spool] = stages.figures()
    assert spool.stage == "spool"
    assert spool.count == 1000
    assert spool.wait_p50_us == pytest.approx(500, rel=0.1)
    assert spool.wait_p99_us == pytest.approx(990, rel=0.1)
    assert spool.served_p50_us == pytest.approx(500_000, rel=0.1)


def test_stages_come_in_the_order_of_the_way_and_only_if_passed() -> None:
    stages = Stages()
    assert stages.figures() == []
    stages.fold([Marks([Stage.COMMIT, 1, 1, Stage.READ, 1, 1]), Marks()])
    assert [figure.stage for figure in stages.figures()] == ["read", "commit"]
