"""The report finds each known defect, and has nothing to say of a plant without one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from lianji.dictionary.quality import Quality
from lianji.learn.datasets.report import drift, figures, leakage
from lianji.learn.datasets.report.finding import Finding
from tests.learn.datasets.world import MINUTES, SPEC, SPLIT, World, minutes, signals

Signals = dict[str, NDArray[np.float64]]
FULL = SPEC + 'tags = ["plant/*"]\ntarget = "plant/yield"\n' + SPLIT
FLOW, YIELD, TEMPERATURE = "plant/flow", "plant/yield", "plant/temperature"


def findings(world: World, spec: str = FULL) -> list[Finding]:
    world.spec("d", spec)
    world.make("d")
    return world.report("d").findings


def told(found: list[Finding]) -> list[tuple[str, str]]:
    return [(one.column, one.code) for one in found]


def put(world: World, values: Signals) -> None:
    for path, column in values.items():
        world.put(path, minutes(len(column)), column)


@pytest.mark.parametrize("seed", range(5))
def test_a_sound_plant_gives_no_finding(world: World, seed: int) -> None:
    put(world, signals(seed))
    assert told(findings(world)) == []
    report = world.report("d")
    assert {one.name for one in report.columns if one.lag is None} == {YIELD}
    assert [one.part for one in report.columns[0].drift] == ["validation", "test"]


def test_sound_samples_as_they_are_give_no_finding(world: World) -> None:
    put(world, signals())
    spec = SPEC.replace('step = "1min"', 'kind = "raw"') + 'tags = ["plant/*"]\n' + SPLIT
    assert told(findings(world, spec)) == []


def stuck(values: Signals) -> None:
    values[FLOW][3000:3100] = values[FLOW][3000]


def spiky(values: Signals) -> None:
    values[FLOW][[100, 2000, 7000]] += 500


def out_of_range(values: Signals) -> None:
    values[TEMPERATURE][500:520] = 201 + np.arange(20) / 100


def drifting(values: Signals) -> None:
    values[FLOW][MINUTES // 2 :] += 4


def constant(values: Signals) -> None:
    values[FLOW][:] = 3


def the_target_itself(values: Signals) -> None:
    values[FLOW] = 5 + 2 * values[YIELD]


def made_of_the_target(values: Signals) -> None:
    values[FLOW] = np.round(values[YIELD]) / 3


def out_of_the_future(values: Signals) -> None:
    values[FLOW] = np.roll(values[YIELD], -7) + np.random.default_rng(1).normal(0, 0.02, MINUTES)


def a_result(values: Signals) -> None:
    values[FLOW] = np.roll(values[YIELD], 3) + np.random.default_rng(1).normal(0, 0.2, MINUTES)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (stuck, "stuck"),
        (spiky, "spikes"),
        (out_of_range, "range"),
        (drifting, "drift"),
        (constant, "constant"),
        (the_target_itself, "equals-target"),
        (made_of_the_target, "near-target"),
        (out_of_the_future, "knows-future"),
        (a_result, "known-after"),
    ],
)
def test_a_defect_is_found_and_nothing_else(
    world: World, spoil: Callable[[Signals], None], code: str
) -> None:
    values = signals()
    spoil(values)
    put(world, values)
    [finding] = findings(world)
    assert finding.code == code
    assert finding.column == (TEMPERATURE if spoil is out_of_range else FLOW)
    assert finding.en and finding.zh


def test_figures_say_where_and_how_much(world: World) -> None:
    values = signals()
    stuck(values)
    out_of_the_future(values | {})
    put(world, values)
    findings(world)
    [column] = [one for one in world.report("d").columns if one.name == FLOW]
    assert column.stuck_rows == 100
    assert column.stuck_from_us == minutes()[3000]
    assert column.mean == pytest.approx(values[FLOW].mean())


def test_lags_are_told_in_steps(world: World) -> None:
    values = signals()
    out_of_the_future(values)
    put(world, values)
    assert findings(world)[0].severity == "serious"
    [column] = [one for one in world.report("d").columns if one.name == FLOW]
    assert column.lag is not None and column.lag.leads_steps == 7


def test_a_state_may_stand(world: World) -> None:
    values = signals()
    values["plant/state"] = np.zeros(MINUTES)
    values["plant/state"][::1440] = 1
    put(world, values)
    assert told(findings(world)) == []


def test_missing_rows_are_found(world: World) -> None:
    values = signals()
    flow = values.pop(FLOW)
    put(world, values)
    world.put(FLOW, minutes()[600:], flow[600:])
    [finding] = findings(world)
    assert (finding.code, finding.severity) == ("missing", "warning")
    assert finding.value == pytest.approx(600 / MINUTES)


def test_days_that_are_drawn_across_are_found(world: World) -> None:
    values = signals()
    flow = values.pop(FLOW)
    put(world, values)
    gap = np.arange(MINUTES) // 1440 == 2
    world.put(FLOW, minutes()[~gap], flow[~gap])
    found = findings(world, FULL.replace("tags", 'aggregate = "interpolative"\ntags'))
    assert (FLOW, "silent") in told(found)
    assert (FLOW, "missing") not in told(found)


def test_samples_that_stayed_away_are_found(world: World) -> None:
    times = minutes()
    keep = np.abs(np.arange(MINUTES) - 4000) > 500
    world.put(FLOW, times[keep], signals()[FLOW][keep])
    spec = SPEC.replace('step = "1min"', 'kind = "raw"') + 'tags = ["plant/*"]\n'
    [finding] = findings(world, spec)
    assert finding.code == "silent"
    assert finding.value == pytest.approx(1002 / MINUTES)


@pytest.mark.parametrize("code", ["bad", "uncertain"])
def test_quality_is_found(world: World, code: str) -> None:
    values = signals()
    flow = values.pop(FLOW)
    put(world, values)
    quality = np.zeros(MINUTES, np.uint16)
    of_code = {"bad": Quality.BAD_SENSOR_FAILURE, "uncertain": Quality.UNCERTAIN}
    quality[1000:2000] = of_code[code]
    world.put(FLOW, minutes(), flow, quality)
    spec = SPEC.replace('step = "1min"', 'kind = "raw"') + 'tags = ["plant/*"]\n'
    [finding] = findings(world, spec)
    assert finding.code == code
    assert finding.value == pytest.approx(1000 / MINUTES)


def test_bad_samples_are_bad_on_a_grid_too(world: World) -> None:
    values = signals()
    flow = values.pop(FLOW)
    put(world, values)
    quality = np.zeros(MINUTES, np.uint16)
    quality[1000:2000] = Quality.BAD_SENSOR_FAILURE
    world.put(FLOW, minutes(), flow, quality)
    [finding] = findings(world)
    assert finding.code == "bad"


def test_times_that_came_again_are_found(world: World) -> None:
    values = signals()
    put(world, values)
    world.put(FLOW, minutes(200), values[FLOW][:200] + 0.1)
    [finding] = findings(world)
    assert (finding.code, finding.value) == ("replaced", 200)


def test_words_are_not_numbers(world: World) -> None:
    world.put(FLOW, minutes(100), np.full(100, np.nan), texts=["recipe"] * 100)
    spec = SPEC.replace('step = "1min"', 'kind = "raw"') + 'tags = ["plant/*"]\n'
    assert told(findings(world, spec)) == [(FLOW, "empty")]


# -- the figures themselves ------------------------------------------------------------------------


def test_drift_of_equal_populations_is_nothing() -> None:
    random = np.random.default_rng(0)
    one, other = random.normal(size=20_000), random.normal(size=20_000)
    assert drift.psi(one, other) < 0.01
    assert drift.ks(one, other) < 0.03


def test_drift_is_as_the_definitions_say() -> None:
    """Two uniform populations, one shifted by half: KS is 0.5 exactly; PSI by hand over tenths."""
    grid = (np.arange(10_000) + 0.5) / 10_000
    assert drift.ks(grid, grid + 0.5) == pytest.approx(0.5, abs=1e-3)
    shares = np.array([1e-4] * 5 + [0.1] * 4 + [0.6])
    expected = ((shares - 0.1) * np.log(shares / 0.1)).sum()
    assert drift.psi(grid, grid + 0.5) == pytest.approx(expected, rel=1e-3)


def test_correlation_looks_past_gaps_and_at_nothing_that_stands() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=500), random.normal(size=500)
    expected = np.corrcoef(a[100:], b[100:])[0, 1]
    a[:100] = np.nan
    assert leakage.correlation(a, b) == pytest.approx(expected)
    assert leakage.correlation(a, np.ones(500)) is None


def test_a_signal_that_often_jumps_has_no_spikes() -> None:
    random = np.random.default_rng(0)
    value = random.normal(size=10_000)
    value[random.choice(10_000, 500, replace=False)] += 100
    assert figures.spikes(value) == 0
    few = random.normal(size=10_000)
    few[[10, 5000]] += 100
    assert figures.spikes(few) == 2


def test_a_plant_that_stands_each_night_is_not_stuck() -> None:
    random = np.random.default_rng(0)
    value = random.normal(size=20_000)
    for night in range(0, 20_000, 1000):
        value[night : night + 300] = 0
    run = figures.longest_run(value)
    assert (run.rows, run.usual) == (300, 300)
