"""What a hub says of an edge, by what it knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lianji.base.state import State, url_of
from lianji.relay.overview import Now, Paces, in_order, invited_row, row_of, seen_by
from lianji.relay.plant_row import PlantRow
from lianji.relay.receiving import Received
from lianji.relay.remembered import Line, Remembered
from lianji.relay.trust.invites import Invite
from lianji.relay.trust.peer import EdgeRow
from lianji.spool.record import Gap

S = 1_000_000
DAY = 86_400 * S
T = 1_790_000_000 * S
NOW = Now(T, T - DAY, "1.0")


def edge(name: str = "park1", until_us: int = T + 20 * DAY, **more: Any) -> EdgeRow:
    given = {"revoked_us": None, "joined_us": T - 10 * DAY, "sites": (name,)} | more
    return EdgeRow(name=name, generation=1, serial=1, not_after_us=until_us, created_us=0, **given)


def line(report: Mapping[str, Any] | None = None, heard_us: int = T - 5 * S, **more: Any) -> Line:
    well = {
        "relay": {"live_lag": 2, "backlog": 0, "lanes": 1, "parted": False, "error": None},
        "spool": {"hours_left": 400.0},
        "devices": [{"name": "press", "state": "running"}],
        "disk": {"free_bytes": 40 << 30},
        "versions": {"lianji": "1.0"},
        "samples_per_s": 120.0,
    }
    return Line(heard_us, well | dict(report or {}), newest_us=T - 6 * S, **more)


def test_a_plant_that_is_well_has_no_trouble() -> None:
    row = row_of(edge(), line(), NOW, 0.0)
    assert (row.state, row.troubles, row.severity) == ("up", [], 0)
    assert (row.lag_s, row.lag_records, row.backlog_records) == (6.0, 2, 0)
    assert (row.devices, row.version, row.other_version) == (1, "1.0", False)


def test_silence_is_told_after_a_minute_and_a_half_and_is_an_alarm_after_five() -> None:
    def at(seconds: int) -> PlantRow:
        return row_of(edge(), line(heard_us=T - seconds * S), NOW)

    assert at(80).state == "up"
    assert (at(100).state, at(100).troubles, at(100).severity) == ("silent", ["late"], 1)
    assert (at(299).severity, at(301).severity) == (1, 2)
    assert at(301).troubles == ["silent"]


def test_a_hub_that_has_just_started_gives_its_plants_time_to_speak() -> None:
    young = Now(T, T - 30 * S, "1.0")
    row = row_of(edge(), line(heard_us=T - DAY), young)
    assert (row.state, row.severity, row.heard_us) == ("waiting", 0, T - DAY)
    older = Now(T, T - 400 * S, "1.0")
    assert row_of(edge(), line(heard_us=T - DAY), older).troubles == ["silent"]


@pytest.mark.parametrize(
    ("told", "trouble", "severity"),
    [
        (line({"relay": {"parted": True}}), "parted", 2),
        (line(parted_us=T - 60 * S), "parted", 2),
        (line({"spool": {"hours_left": 3.9}}), "spool", 2),
        (line({"devices": [{"name": "a", "state": "fault"}]}), "devices", 1),
        (line({"problems": [{"code": "x"}]}), "problems", 1),
        (line({"disk": {"free_bytes": 1000}}), "disk", 1),
        (line(refused={"else/a": "not its site"}), "refused", 1),
        (line(last_gaps=[{"end_us": T - 3600 * S}]), "gaps", 1),
    ],
)
def test_each_trouble_is_told_as_grave_as_it_is(told: Line, trouble: str, severity: int) -> None:
    row = row_of(edge(), told, NOW)
    assert (row.troubles, row.severity) == ([trouble], severity)


def test_a_certificate_that_ends_within_three_days_is_an_alarm_where_they_live_for_long() -> None:
    assert row_of(edge(until_us=T + 4 * DAY), line(), NOW).troubles == []
    assert row_of(edge(until_us=T + 2 * DAY), line(), NOW).troubles == ["certificate"]
    assert row_of(edge(until_us=T + DAY), line(), Now(T, T - DAY, "1.0", 2.0)).troubles == []
    over = row_of(edge(until_us=T - 1), line(heard_us=T - DAY), NOW)
    assert (over.state, over.troubles) == ("expired", ["silent", "expired"])


def test_a_revoked_edge_troubles_nobody_and_stands_last() -> None:
    gone = row_of(edge("a", revoked_us=T - DAY), line({"spool": {"hours_left": 1.0}}), NOW)
    assert (gone.state, gone.troubles, gone.severity) == ("revoked", [], 0)
    well, ill = row_of(edge("b"), line(), NOW), row_of(edge("z"), line(heard_us=T - DAY), NOW)
    guest = invited_row(Invite("c", ("c",), T + S))
    assert [row.name for row in in_order([gone, well, ill, guest])] == ["z", "b", "c", "a"]


def test_whatever_an_edge_of_another_version_sends_a_row_comes_of_it() -> None:
    odd: Any = {"relay": [], "spool": "full", "devices": {"a": 1}, "disk": None, "versions": 7}
    row = row_of(edge(), line(odd), NOW)
    assert (row.state, row.backlog_records, row.devices, row.version) == ("up", None, None, "")


def test_who_sees_some_sites_sees_the_edges_that_write_only_those() -> None:
    one, two = row_of(edge("a"), line(), NOW), row_of(edge("b", sites=("a", "b")), line(), NOW)
    assert seen_by([one, two], None) == [one, two]
    assert seen_by([one, two], "a".__eq__) == [one]
    assert seen_by([one, two], "ab".__contains__) == [one, two]
    assert seen_by([one, two], lambda _: False) == []


def test_the_backlogs_end_is_estimated_by_the_last_minutes() -> None:
    paces = Paces()
    assert paces.hours("a") is None
    for minute, left in enumerate((1000, 900, 800)):
        paces.note("a", T + minute * 60 * S, left)
    assert paces.hours("a") == pytest.approx(8 / 60)
    paces.note("a", T + 180 * S, 5000)
    assert paces.hours("a") is None
    paces.note("a", T + 240 * S, 0)
    assert paces.hours("a") == 0.0


def test_what_was_heard_is_there_after_a_restart_and_is_counted_on(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    state = State(url_of(tmp_path))
    life = Received(newest_us=T, refused_rows=3, refused={"else/a": "no"})
    life.note_gap(Gap("disk cap: dropped", 4, 9, 70, T - S, T))
    many = {f"edge{number}": line() for number in range(1200)}
    Remembered(state).keep(many | {"park1": line().with_life(life)})
    Remembered(state).keep({"edge7": line(heard_us=5)})
    found = Remembered(state).load()
    assert len(found) == 1201
    assert found["edge7"].heard_us == 5
    again = found["park1"].with_life(life)
    assert (again.gaps, again.gap_rows, again.refused_rows) == (2, 140, 6)
    assert again.last_gaps[-1]["reason"] == "disk cap: dropped"
    assert again.report == line().report
    state.close()
