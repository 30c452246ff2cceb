"""The demo plant's arithmetic: the same for ever, without seams, and physically sound."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from lianji.base.clock import to_us
from lianji.base.errors import InputError
from lianji.node.demo.air import COMPRESSORS
from lianji.node.demo.moulding import MACHINES, State
from lianji.node.demo.noise import Floats, uniform, wander, white
from lianji.node.demo.physics import Ledger, plant_day, simulate
from lianji.node.demo.shift_calendar import EPOCH, day_off
from lianji.node.demo.signals import SIGNALS

PATH = {signal.key: signal.path for signal in SIGNALS}
NUMBERS = [signal for signal in SIGNALS if not signal.is_text]


def local(*moment: int) -> int:
    return to_us(datetime(*moment, tzinfo=ZoneInfo("Asia/Shanghai")))  # type: ignore[misc,arg-type]


HOUR_US = 3_600_000_000
TUESDAY = local(2026, 11, 17)


@pytest.fixture(scope="module")
def week() -> dict[str, Floats]:
    """Monday to Sunday, every 20 seconds, by key."""
    found = simulate(local(2026, 11, 16), local(2026, 11, 23), 20.0)
    return {signal.key: found[signal.path] for signal in SIGNALS}


def day_of_week(values: Floats, day: int) -> Floats:
    rows = len(values) // 7
    return values[day * rows : (day + 1) * rows]


def test_there_are_sixty_to_a_hundred_signals_with_sound_tags() -> None:
    assert 60 <= len(SIGNALS) <= 100
    assert len({signal.path for signal in SIGNALS}) == len(SIGNALS)
    for signal in SIGNALS:
        tag = signal.tag
        assert tag.description_en and tag.description_zh and tag.device and tag.address


def test_the_same_moment_always_gives_the_same_values() -> None:
    first = simulate(TUESDAY, TUESDAY + HOUR_US, 7.0)
    plant_day.cache_clear()
    second = simulate(TUESDAY, TUESDAY + HOUR_US, 7.0)
    assert all(np.array_equal(first[path], second[path]) for path in first)


def test_a_moment_asked_for_alone_is_the_same_as_within_a_month() -> None:
    history = simulate(TUESDAY, TUESDAY + 86_400_000_000, 61.0)
    for row in (0, 500, 731, 1100, 1416):
        time_us = TUESDAY + row * 61_000_000
        live = simulate(time_us, time_us + 1)
        for signal in NUMBERS:
            step = 1.01 * 10.0**-signal.decimals
            assert abs(live[signal.path][0] - history[signal.path][row]) <= step, signal.key


def test_the_ledger_does_not_depend_on_what_it_was_asked_before() -> None:
    patient, hasty = Ledger(), Ledger()
    last = hasty.at(200)
    assert [patient.at(day) for day in (1, 5, 77, 200)][-1] == last
    assert hasty.at(77) == patient.at(77) != last


def test_slow_signals_do_not_jump_at_midnight() -> None:
    around = simulate(TUESDAY - 5_000_000, TUESDAY + 5_000_000, 1.0)
    for name in ("barrel_1_temperature", "mould_temperature"):
        assert np.ptp(around[PATH[f"imm-01.{name}"]]) < 1.5
    for key in ("dryer.temperature", "climate.hall_temperature", "chiller.supply_temperature"):
        assert np.ptp(around[PATH[key]]) < 1.5, key


def test_counters_never_go_back(week: dict[str, Floats]) -> None:
    names = ("shots", "rejects", "running_hours", "loaded_hours", "energy", "reactive_energy")
    counters = [key for key in week if key.split(".")[1] in names]
    assert len(counters) == 2 * 4 + 2 * 2 + 3 * 2
    for key in counters:
        assert (np.diff(week[key]) >= 0).all(), key


@pytest.mark.parametrize("meter", ["meter-main", "meter-moulding", "meter-utilities"])
def test_a_meters_energy_is_the_integral_of_its_power(meter: str) -> None:
    start = local(2026, 11, 17, 6, 30)
    found = simulate(start, start + 3 * HOUR_US, 0.25)
    power, energy = found[PATH[f"{meter}.active_power"]], found[PATH[f"{meter}.energy"]]
    integral = power[:-1].sum() * 0.25 / 3600
    assert energy[-1] - energy[0] == pytest.approx(integral, rel=1e-3, abs=0.03)


def test_the_main_meter_sees_its_feeders_and_more(week: dict[str, Floats]) -> None:
    feeders = week["meter-moulding.active_power"] + week["meter-utilities.active_power"]
    assert (week["meter-main.active_power"] > feeders).all()


def test_the_machines_own_power_adds_up_to_their_feeder(week: dict[str, Floats]) -> None:
    machines = sum(week[f"{machine.name}.power"] for machine in MACHINES)
    assert machines == pytest.approx(week["meter-moulding.active_power"], rel=0.04, abs=0.1)


def test_the_power_factor_belongs_to_the_powers(week: dict[str, Floats]) -> None:
    factor = week["meter-main.power_factor"]
    assert ((factor > 0.6) & (factor <= 1.0)).all()
    busy = week["meter-moulding.active_power"] > 50
    assert week["meter-moulding.power_factor"][busy].std() > 0.005


def test_sunday_is_idle_but_the_leak_is_not(week: dict[str, Floats]) -> None:
    for machine in MACHINES:
        assert (day_of_week(week[f"{machine.name}.state"], 6) == State.OFF).all()
        assert np.ptp(day_of_week(week[f"{machine.name}.shots"], 6)) == 0
    assert day_of_week(week["meter-moulding.active_power"], 6).max() < 1.0
    states = [day_of_week(week[f"{name}.state"], 6) for name in COMPRESSORS]
    assert 0.05 < np.mean(np.maximum(*states) == 2) < 0.3


def test_work_stops_for_lunch_and_for_the_night(week: dict[str, Floats]) -> None:
    shots = day_of_week(week["imm-01.shots"], 1)
    rows_an_hour = len(shots) // 24
    at = (rows_an_hour * np.array([1, 5, 7.5, 11.25, 11.55, 12.2])).astype(int)
    night, lunch = shots[at[1]] - shots[at[0]], shots[at[5]] - shots[at[4]]
    assert night == 0 and lunch == 0
    assert shots[at[3]] - shots[at[2]] > 150


def test_a_shot_takes_the_cycle_time_that_is_shown() -> None:
    start = local(2026, 11, 17, 8)
    found = simulate(start, start + 3 * HOUR_US, 1.0)
    for machine in MACHINES:
        shots = found[PATH[f"{machine.name}.shots"]]
        taken = np.diff(np.flatnonzero(np.diff(shots) > 0))
        assert np.median(taken) == pytest.approx(machine.cycle_s, rel=0.06)


def test_force_and_pressure_follow_the_phases_of_the_cycle(week: dict[str, Floats]) -> None:
    state, force = week["imm-01.state"], week["imm-01.clamp_force"]
    pressure = week["imm-01.injection_pressure"]
    assert force[state == State.HOLDING].min() > 2500
    assert force[state == State.OPENING].max() < 1000
    assert (force[state <= State.STANDBY] == 0).all()
    assert pressure[state == State.INJECTING].mean() > 3 * pressure[state == State.COOLING].mean()
    assert {State.ALARM, State.MOULD_CHANGE} < set(week["imm-01.state"])


def test_barrels_are_hot_when_the_machine_produces(week: dict[str, Floats]) -> None:
    for machine in (MACHINES[0], MACHINES[2]):
        producing = week[f"{machine.name}.state"] >= State.CLOSING
        for zone, target in enumerate(machine.barrel_cel[:2], start=1):
            heat = week[f"{machine.name}.barrel_{zone}_temperature"][producing]
            assert np.median(heat) == pytest.approx(target, abs=1.0)
            assert heat.min() > target - 25


def test_the_header_pressure_saws_between_its_limits(week: dict[str, Floats]) -> None:
    for name in COMPRESSORS:
        pressure = week[f"{name}.pressure"]
        assert 6.5 < pressure.min() < 6.65 and 7.55 < pressure.max() < 7.75
        loaded = week[f"{name}.state"] == 2
        assert week[f"{name}.power"][loaded].mean() > 2.5 * week[f"{name}.power"][~loaded].mean()


def test_the_second_compressor_only_helps_when_the_first_cannot(week: dict[str, Floats]) -> None:
    helping = np.minimum(*(week[f"{name}.state"] for name in COMPRESSORS)) > 0
    assert 0.02 < helping.mean() < 0.7
    assert helping[week["meter-moulding.active_power"] < 5].mean() < 0.02


def test_water_comes_back_warmer_and_dry_air_is_dry(week: dict[str, Floats]) -> None:
    cooling = (week["chiller.flow"] > 10) & (week["meter-moulding.active_power"] > 40)
    warmed = week["chiller.return_temperature"] - week["chiller.supply_temperature"]
    assert warmed[cooling].mean() > 1.5
    assert (week["dryer.dew_point"] < week["dryer.temperature"]).all()
    assert week["dryer.dew_point"][week["dryer.temperature"] > 80].mean() < -35


def test_it_is_warmer_at_three_than_at_dawn() -> None:
    for month in (1, 4, 7, 10):
        found = simulate(local(2026, month, 6), local(2026, month, 20), 3600.0)
        outdoor = found[PATH["climate.outdoor_temperature"]].reshape(-1, 24).mean(axis=0)
        assert outdoor[15] - outdoor[3] > 5


def test_every_value_lies_in_its_tags_range(week: dict[str, Floats]) -> None:
    for signal in NUMBERS:
        values, shape = week[signal.key], signal.shape
        assert np.isfinite(values).all(), signal.key
        assert shape.low is None or values.min() >= shape.low, signal.key
        assert shape.high is None or values.max() <= shape.high, signal.key
        if shape.enumeration:
            assert set(np.unique(values)) <= set(shape.enumeration), signal.key


def test_the_calendar_knows_sundays_holidays_and_stock_taking() -> None:
    def off(*day: int) -> bool:
        return day_off((date(*day) - EPOCH).days)

    assert off(2026, 11, 22)  # a Sunday
    assert off(2026, 10, 1) and off(2027, 1, 1)  # National Day, New Year
    assert off(2026, 2, 16) and off(2026, 2, 19) and not off(2026, 2, 20)  # Spring Festival
    assert off(2026, 10, 31) and not off(2026, 10, 24)  # a month's last Saturday
    assert not off(2026, 11, 17)


def test_before_its_founding_the_plant_says_so() -> None:
    with pytest.raises(InputError) as refused:
        simulate(local(2024, 5, 1), local(2024, 5, 2), 60.0)
    assert refused.value.code == "demo-before-epoch"


def test_noise_is_a_function_with_the_promised_spread() -> None:
    numbers = np.arange(200_000)
    noise, even = white(1, numbers), uniform(1, numbers)
    assert abs(noise.mean()) < 0.01 and noise.std() == pytest.approx(1, abs=0.01)
    assert even.min() >= 0 and even.max() < 1 and even.mean() == pytest.approx(0.5, abs=0.005)
    assert not np.array_equal(white(2, numbers), noise)
    walk = wander(7, numbers * 1.0, 600.0)
    assert np.abs(walk).max() <= 1 and np.abs(np.diff(walk)).max() < 0.01
    assert walk[777] == wander(7, np.array([777.0]), 600.0)[0]
