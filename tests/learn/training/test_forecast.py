"""A forecaster of load beats the same hour of the last weeks, on rows that it never saw."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lianji.base.errors import InputError
from lianji.learn.models.clock import calendar_of
from lianji.learn.training import forecast
from lianji.learn.training.forecast import Spec, half_width
from lianji.learn.training.frozen import Frozen
from lianji.learn.training.graph import runner
from lianji.learn.training.result import Trained
from lianji.learn.training.season import columns_of, same_hour, seen_for, true_later
from lianji.learn.training.trees import folds
from tests.learn.training.in_memory import frozen_of, work_of
from tests.peers import need_data

Floats = NDArray[np.float64]
LOAD = "plant/load"
HOUR_S = 3600
US = 1_000_000


def shop(days: int = 140, seed: int = 1, after: float = 0) -> Floats:
    """Hourly load of a shop that works on weekdays and follows its orders, which last for days.

    ``after`` is added from day 112 on.
    """
    rng = np.random.default_rng(seed)
    hours = np.arange(days * 24)
    works = (hours // 24 % 7 < 5) & (hours % 24 >= 7) & (hours % 24 < 18)
    orders = np.repeat(np.clip(np.cumsum(rng.normal(0, 0.2, days)) + 2, 0.5, 4), 24)
    load = 10 + 50 * works * orders + rng.normal(0, 3, len(hours))
    return np.where(hours >= 112 * 24, load + after, load)


def shop_frozen(after: float = 0) -> Frozen:
    return frozen_of({LOAD: shop(after=after)}, "1h", 112 * 24, LOAD)


def trained(frozen: Frozen, folder: Path, **fields: object) -> Trained:
    spec = Spec(task="forecast", dataset="made", **fields)  # type: ignore[arg-type]
    return forecast.train(work_of(spec, frozen, folder))


def test_it_beats_the_last_weeks_and_its_intervals_hold(tmp_path: Path) -> None:
    made = trained(shop_frozen(), tmp_path)
    wape, coverage = made.metrics
    assert wape.baseline is not None
    assert wape.value < 0.95 * wape.baseline
    assert 0.8 < coverage.value < 0.97
    assert made.card.baseline == "the mean of the last 4 weeks at this hour"


def test_the_graph_gives_what_lightgbm_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = []
    graph = forecast.trees_graph
    monkeypatch.setattr(forecast, "trees_graph", lambda *args: (kept.append(args), graph(*args))[1])
    made = trained(shop_frozen(), tmp_path, horizons=["3h", "24h"])
    (boosters, places, inputs) = kept[0]
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 200, (500, inputs)).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    y = runner(made.onnx)(x)
    assert y.shape == (500, 2)
    for place, (booster, its) in enumerate(zip(boosters, places, strict=True)):
        np.testing.assert_allclose(y[:, place], booster.predict(x[:, its]), rtol=1e-4)
    assert [one.tag for one in made.card.outputs] == [
        "plant/models/model/3h",
        "plant/models/model/24h",
    ]
    assert [one.name for one in made.metrics] == [
        "WAPE, 3 h", "coverage, 3 h", "WAPE, 24 h", "coverage, 24 h"
    ]  # fmt: skip


def test_the_same_rows_make_the_same_bytes_and_test_rows_change_nothing(tmp_path: Path) -> None:
    one, same, other = (trained(shop_frozen(n), tmp_path) for n in (0, 0, 40))
    assert one.onnx == same.onnx == other.onnx
    assert one.golden == same.golden == other.golden
    assert one.card.outputs == other.card.outputs
    assert one.metrics != other.metrics


def test_a_column_is_what_an_edge_makes_of_its_input() -> None:
    load, step_us = shop(60), HOUR_S * US
    times_us = np.arange(len(load)) * step_us
    seen = seen_for(24, HOUR_S, 8 * HOUR_S)
    row = 1000
    now_us = int(times_us[row]) + step_us
    found = columns_of(times_us, load, seen, HOUR_S)[row]
    for column, one in zip(found, seen, strict=True):
        given = one.input(LOAD, "", HOUR_S, 0, 1)
        end_us = now_us - int(given.lag_s) * US
        if given.aggregate in ("hour_of_day", "day_of_week"):
            expected = calendar_of(np.array([end_us]), given.aggregate)[0]
        else:
            ends = times_us + step_us
            within = (ends <= end_us) & (ends > end_us - int(given.window_s) * US)
            assert within.any()
            expected = load[within].mean()
        assert column == pytest.approx(expected, rel=1e-5), one.name


def test_an_edge_feeds_the_model_what_it_learnt_from() -> None:
    windows = pytest.importorskip("lianji.learn.deployment.windows")
    load, step_us = shop(60), HOUR_S * US
    times_us = np.arange(len(load)) * step_us
    seen = seen_for(24, HOUR_S, 8 * HOUR_S)
    learnt = columns_of(times_us, load, seen, HOUR_S)
    good = np.zeros(len(load), np.uint16)
    series = windows.Series.of(times_us + step_us, load, good)
    ends_us = times_us[1000:] + step_us
    for place, one in enumerate(seen):
        given = one.input(LOAD, "", HOUR_S, 0, 1)
        fed = windows.column(series, given, ends_us, windows.stale_us(HOUR_S))
        np.testing.assert_allclose(fed, learnt[1000:, place], rtol=1e-5, err_msg=one.name)


def test_hour_and_weekday_are_of_the_local_time_that_is_forecast() -> None:
    start_us = int(datetime.fromisoformat("2026-01-05T00:00:00+08:00").timestamp()) * US
    times_us = start_us + np.arange(24 * 14) * HOUR_S * US
    seen = seen_for(24, HOUR_S, 8 * HOUR_S)
    hour, weekday = columns_of(times_us, np.zeros(24 * 14), seen, HOUR_S)[:, -2:].T
    assert hour[:3].tolist() == [0, 1, 2]
    assert weekday[:24].tolist() == [1] * 24, "a day after Monday"
    assert weekday[5 * 24] == 6
    assert weekday[6 * 24] == 0


def test_nothing_is_looked_at_before_it_is_known() -> None:
    load = shop(60)
    times_us = np.arange(len(load)) * HOUR_S * US
    for ahead in (1, 24, 48):
        seen = seen_for(ahead, HOUR_S, 0)
        later = load.copy()
        later[1001:] += 1000
        before, after = (columns_of(times_us, one, seen, HOUR_S)[1000] for one in (load, later))
        np.testing.assert_array_equal(before, after)
        assert same_hour(load, ahead, HOUR_S)[1000] == same_hour(later, ahead, HOUR_S)[1000]
        assert true_later(load, ahead)[1000] == load[1000 + ahead]


def test_folds_walk_forward_to_the_last_row() -> None:
    assert folds(600) == [(300, 400), (400, 500), (500, 600)]


def test_the_interval_is_the_conformal_quantile() -> None:
    errors = np.arange(-50, 50.0)
    assert np.mean(np.abs(errors) <= half_width(errors, 0.9)) >= 0.9
    assert half_width(errors, 0.999) == 50


@pytest.mark.parametrize("horizon", ["90min", "8d"])
def test_horizons_are_whole_steps_up_to_a_week(horizon: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="training-forecast-unfit"):
        trained(shop_frozen(), tmp_path, horizons=[horizon])


def test_two_months_are_needed(tmp_path: Path) -> None:
    short = frozen_of({LOAD: shop(50)}, "1h", 45 * 24, LOAD)
    with pytest.raises(InputError, match="training-forecast-unfit"):
        trained(short, tmp_path)


QUARTERS_TRAINED = 35_040 * 3 // 4 // 96 * 96


def real_load(file: Path, column: int, start: str) -> Frozen:
    """A year of quarter hours, the first three quarters to learn from. ``start`` is in UTC."""
    with file.open(encoding="utf-8-sig") as lines:
        rows = [float(row[column]) for row in list(csv.reader(lines))[1:]]
    return frozen_of({LOAD: np.array(rows)}, "15min", QUARTERS_TRAINED, LOAD, start)


def steel() -> Frozen:
    file = need_data("steel_energy", "Steel_industry_data.csv")
    return real_load(file, 1, "2018-01-01T00:00:00Z")


def profile(name: str, start: str) -> Frozen:
    return real_load(need_data("load_profiles_de", f"{name}.csv"), 1, start)


def test_a_day_ahead_at_a_steel_works(tmp_path: Path) -> None:
    wape, coverage = trained(steel(), tmp_path).metrics
    assert wape.baseline == pytest.approx(0.407, abs=0.001)
    assert wape.value < 0.366, "LightGBM without the walk forward"
    assert 0.87 < coverage.value < 0.93
