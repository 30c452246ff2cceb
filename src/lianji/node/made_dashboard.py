"""The dashboard of a plant for which nobody has made one: machines, energy, air, heat.

It is made of what the dictionary says alone: units, states with names, limits and the words of
the paths. The same tags always give the same dashboard.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lianji.base.errors import Text
from lianji.dictionary.tag import Kind, Tag
from lianji.web.dashboard import COLUMNS, Dashboard, Tile, TileKind

POWER = {"W", "kW", "MW"}
ENERGY = {"W.h", "kW.h", "MW.h", "J", "kJ", "MJ", "GJ"}
PRESSURE = {"bar", "mbar", "Pa", "kPa", "MPa", "[psi]"}
HEAT = {"Cel", "K", "[degF]"}
METERS = ("energy", "meter", "mains", "main", "total", "feeder", "电", "能源", "总")
MAINS = ("mains", "main", "total", "总")
AIR = ("air", "compressor", "compressed", "pneumatic", "空压", "压缩")
STATES_MAX = 16
LINES_MAX = 6
BARS_MAX = 10
ROWS_MAX = 14
NUMBERS_MAX = 4


@dataclass(slots=True)
class _Sorted:
    """The tags by what they are for, in the order of the dictionary."""

    states: list[Tag] = field(default_factory=list)
    counters: list[Tag] = field(default_factory=list)
    power: list[Tag] = field(default_factory=list)
    energy: list[Tag] = field(default_factory=list)
    air: list[Tag] = field(default_factory=list)
    heat: list[Tag] = field(default_factory=list)
    rest: list[Tag] = field(default_factory=list)


def made_from(tags: Sequence[Tag]) -> Dashboard:
    """A dashboard that shows something of every group that there is."""
    found = _sorted(tags)
    tiles = [*_machines(found), *_energy(found), *_air(found), *_heat(found)]
    if not tiles and found.rest:
        tiles = _rest(found.rest)
    return Dashboard(title_en="Overview", title_zh="总览", tiles=tiles)


def _sorted(tags: Iterable[Tag]) -> _Sorted:
    found = _Sorted()
    for tag in tags:
        _group(found, tag).append(tag)
    return found


def _group(found: _Sorted, tag: Tag) -> list[Tag]:
    unit = tag.unit
    if tag.enumeration:
        return found.states
    if unit in POWER:
        return found.power
    if unit in ENERGY:
        return found.energy
    if unit in PRESSURE and _says(tag, AIR):
        return found.air
    if unit in HEAT:
        return found.heat
    if tag.kind is Kind.STEP and unit.startswith("{"):
        return found.counters
    return found.rest


def _says(tag: Tag, words: Sequence[str]) -> bool:
    """Whether a part of the path, or of a part, is one of the words."""
    parts = tag.path.casefold().replace("/", "-").replace("_", "-").split("-")
    return any(word in parts or (not word.isascii() and word in tag.path) for word in words)


def _machines(found: _Sorted) -> list[Tile]:
    if not found.states and not found.counters:
        return []
    states, counters = found.states[:STATES_MAX], found.counters[:ROWS_MAX]
    width = 8 if states and counters else COLUMNS
    height = max(_rows(len(states), 0.5), _rows(len(counters), 0.42)) + 1
    tiles = [_heading("Machines", "机器")]
    if states:
        title = Text("States", "状态")
        tiles.append(_tile(TileKind.STATES, states, width, height, title))
    if counters:
        title = Text("Counted", "计数")
        tiles.append(_tile(TileKind.TABLE, counters, COLUMNS - width or width, height, title))
    return tiles


def _energy(found: _Sorted) -> list[Tile]:
    if not found.power and not found.energy:
        return []
    tiles = [_heading("Energy", "能源")]
    meters = [tag for tag in found.power if _says(tag, METERS)] or found.power
    mains = [tag for tag in meters if _says(tag, MAINS)] or meters[:1]
    others = [tag for tag in found.power if tag not in meters[:LINES_MAX]]
    if found.power:
        tiles.append(_tile(TileKind.NUMBER, mains[:1], 3, 4))
        tiles.append(_tile(TileKind.TREND, meters[:LINES_MAX], 9, 4, Text("Power", "功率"), "1d"))
    if others:
        shown = others[:BARS_MAX]
        title = Text("Power of the machines", "各机器功率")
        tiles.append(_tile(TileKind.BAR, shown, 8, _rows(len(shown), 0.5) + 1, title))
    if found.energy:
        shown = found.energy[:ROWS_MAX]
        height = max(_rows(len(shown), 0.42), _rows(min(len(others), BARS_MAX), 0.5)) + 1
        tiles.append(_tile(TileKind.TABLE, shown, 4, height, Text("Meters", "电能表")))
    return tiles


def _air(found: _Sorted) -> list[Tile]:
    if not found.air:
        return []
    numbers = found.air[:NUMBERS_MAX]
    title = Text("Pressure", "压力")
    return [
        _heading("Compressed air", "压缩空气"),
        *(_tile(TileKind.NUMBER, [tag], 3, 3) for tag in numbers),
        _tile(TileKind.TREND, found.air[:LINES_MAX], COLUMNS - 3 * (len(numbers) % 4), 3, title),
    ]


def _heat(found: _Sorted) -> list[Tile]:
    if not found.heat:
        return []
    by_machine: dict[str, list[Tag]] = {}
    for tag in found.heat:
        by_machine.setdefault(tag.path.rpartition("/")[0], []).append(tag)
    lines = [tags[0] for tags in by_machine.values()][:LINES_MAX]
    bars = [tag for tags in by_machine.values() for tag in tags[:2]][:BARS_MAX]
    height = _rows(len(bars), 0.5) + 1
    return [
        _heading("Temperatures", "温度"),
        _tile(TileKind.TREND, lines, 7, height, Text("One of each machine", "每台机器一条")),
        _tile(TileKind.BAR, bars, 5, height, Text("Against their limits", "与上下限比较")),
    ]


def _rest(tags: Sequence[Tag]) -> list[Tile]:
    lines = [tag for tag in tags if tag.kind is Kind.LINEAR][:LINES_MAX]
    rows = list(tags[: ROWS_MAX * 2])
    tiles = [_tile(TileKind.TREND, lines, COLUMNS, 4)] if lines else []
    title = Text("Last values", "最新值")
    return [*tiles, _tile(TileKind.TABLE, rows, COLUMNS, _rows(len(rows), 0.42) + 1, title)]


def _rows(lines: int, each: float) -> int:
    return min(math.ceil(lines * each), 11)


def _heading(en: str, zh: str) -> Tile:
    return Tile(kind=TileKind.TEXT, title_en=en, title_zh=zh, width=COLUMNS, height=1)


def _tile(
    kind: TileKind,
    tags: Sequence[Tag],
    width: int,
    height: int,
    title: Text | None = None,
    span: str = "8h",
) -> Tile:
    title = title or Text("", "")
    return Tile(
        kind=kind,
        title_en=title.en,
        title_zh=title.zh,
        tags=[tag.path for tag in tags],
        span=span,
        width=width,
        height=max(height, 2),
    )
