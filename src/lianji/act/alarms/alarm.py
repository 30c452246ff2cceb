"""A row and a tag make an alarm: its id, its group, its words, and the tags that it looks at."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lianji.act.alarms.definition import AlarmDefinition, AlarmKind, Priority
from lianji.base.errors import Text
from lianji.dictionary.expression import Expression, parse
from lianji.dictionary.tag import Tag

ALARMS_MAX = 200_000
"""More than that is a pattern that matches what nobody meant."""

_SIGNS = {"Cel": "°C", "1": "", "m3/h": "m³/h", "kW.h": "kWh", "m/s2": "m/s²"}


@dataclass(frozen=True, slots=True)
class Row:
    """A definition and where it stands."""

    definition: AlarmDefinition
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Defined:
    """A row, how many alarms it makes, and why it makes none."""

    row: Row
    alarms: int
    problem: Text | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm. ``id`` is for ever: the tag's path (if any), ``#``, the row's name."""

    id: str
    definition: AlarmDefinition
    row: int
    """The place of its row among all definitions; alarms of one row are worked out together."""
    tag: str
    group: str
    message: Text
    action: Text
    unit: str = ""
    number: float | None = None
    """Of kind ``state``: the number to equal, where it is one."""

    @property
    def priority(self) -> Priority:
        return self.definition.priority

    @property
    def asks(self) -> bool:
        """Whether anybody has to acknowledge it."""
        return self.definition.priority is not Priority.JOURNAL


@dataclass(slots=True)
class Expanded:
    """All alarms of a plant, and the rows that make none, by their place."""

    alarms: list[Alarm] = field(default_factory=list)
    without: dict[int, Text] = field(default_factory=dict)


def expand(
    definitions: Sequence[AlarmDefinition], paths: Sequence[str], tags: Mapping[str, Tag]
) -> Expanded:
    """Every alarm that the rows mean, given all paths of the plant and what its tables say of them.

    A row that names a tag which is not there makes no alarm, and is named. Where two rows mean
    the same tag and name, the one that names it without a pattern holds, else the earlier.
    """
    found = Expanded()
    known = set(paths)
    alarms: dict[str, Alarm] = {}
    exact_first = sorted(range(len(definitions)), key=lambda row: definitions[row].is_pattern)
    for row in exact_first:
        definition = definitions[row]
        matched = _matched(definition, paths, known)
        if not matched:
            found.without[row] = _no_match(definition)
        for path in matched:
            one = _alarm(definition, row, path, tags.get(path))
            alarms.setdefault(one.id, one)
        if matched and not any(alarms[_id(definition, path)].row == row for path in matched):
            found.without[row] = Text(
                "other rows have the same tags and name: give it a name of its own",
                "其他行的标签和名称相同：请另取名称",
            )
        if len(alarms) > ALARMS_MAX:
            found.without[row] = Text(
                f"the rows make more than {ALARMS_MAX:,} alarms", f"报警总数超过 {ALARMS_MAX:,} 个"
            )
            break
    found.alarms = sorted(alarms.values(), key=lambda alarm: alarm.row)
    return found


def _matched(definition: AlarmDefinition, paths: Sequence[str], known: set[str]) -> Sequence[str]:
    if not definition.tag:
        return [""]
    if definition.is_pattern:
        return fnmatch.filter(paths, definition.tag)
    return [definition.tag] if definition.tag in known else []


def _no_match(definition: AlarmDefinition) -> Text:
    if definition.is_pattern:
        return Text(
            f"no tag matches '{definition.tag}' (yet)", f"（目前）没有标签匹配“{definition.tag}”"
        )
    return Text(f"there is no tag '{definition.tag}' (yet)", f"（目前）没有标签“{definition.tag}”")


def _alarm(definition: AlarmDefinition, row: int, path: str, tag: Tag | None) -> Alarm:
    unit = sign_of(tag.unit if tag else "")
    return Alarm(
        id=_id(definition, path),
        definition=definition,
        row=row,
        tag=path,
        group=definition.group or area_of(path),
        message=_message(definition, path, tag),
        action=_filled(Text(definition.action_en, definition.action_zh), path),
        unit=unit,
        number=_number(definition.state, tag) if definition.kind is AlarmKind.STATE else None,
    )


def _id(definition: AlarmDefinition, path: str) -> str:
    return f"{path}#{definition.known_as}"


def sign_of(unit: str) -> str:
    """A UCUM code as people write the unit."""
    return _SIGNS.get(unit, unit.strip("{}"))


def area_of(path: str) -> str:
    """The second part of ``site/area/line/machine/signal``; of a short path the first."""
    parts = path.split("/")
    return parts[1] if len(parts) > 3 else parts[0]


def _number(state: str, tag: Tag | None) -> float | None:
    """The number of a state: itself, or what the tag's enumeration calls so."""
    for number, label in ((tag.enumeration if tag else None) or {}).items():
        if label == state:
            return float(number)
    try:
        return float(state)
    except ValueError:
        return None


def _message(definition: AlarmDefinition, path: str, tag: Tag | None) -> Text:
    """The row's own words; else what the tag is and what is wrong with it. One language alone
    serves both."""
    en, zh = definition.message_en, definition.message_zh
    if en or zh:
        return _filled(Text(en or zh, zh or en), path)
    name_en = (tag and (tag.description_en or tag.description_zh)) or path or definition.known_as
    name_zh = (tag and (tag.description_zh or tag.description_en)) or path or definition.known_as
    why = _why(definition, sign_of(tag.unit if tag else ""))
    return Text(f"{name_en}: {why.en}", f"{name_zh}：{why.zh}")


def _why(definition: AlarmDefinition, unit: str) -> Text:
    kind, limit = definition.kind, definition.limit or 0.0
    shown = f"{limit:g} {unit}".strip()
    match kind:
        case AlarmKind.HIGH_HIGH:
            return Text(f"much too high (above {shown})", f"过高（高于 {shown}，高高限）")
        case AlarmKind.HIGH:
            return Text(f"high (above {shown})", f"偏高（高于 {shown}）")
        case AlarmKind.LOW:
            return Text(f"low (below {shown})", f"偏低（低于 {shown}）")
        case AlarmKind.LOW_LOW:
            return Text(f"much too low (below {shown})", f"过低（低于 {shown}，低低限）")
        case AlarmKind.RATE:
            word = ("rises", "上升") if limit > 0 else ("falls", "下降")
            fast = f"{abs(limit):g} {unit}".strip()
            return Text(
                f"{word[0]} too fast (over {fast} a minute)", f"{word[1]}过快（每分钟超过 {fast}）"
            )
        case AlarmKind.STALE:
            return Text(f"no new value for {limit:g} s", f"{limit:g} 秒没有新值")
        case AlarmKind.BAD:
            return Text("bad quality", "数据质量差")
        case AlarmKind.STATE:
            return Text(f"is {definition.state}", f"为 {definition.state}")
    return Text(definition.known_as, definition.known_as)


def _filled(text: Text, path: str) -> Text:
    """``{tag}``, ``{machine}`` and ``{signal}`` in a row's words stand for parts of the path."""
    parts = path.split("/")
    words = {"tag": path, "machine": parts[-2] if len(parts) > 1 else path, "signal": parts[-1]}

    def fill(sentence: str) -> str:
        return re.sub(r"\{(tag|machine|signal)\}", lambda found: words[found[1]], sentence)

    return Text(fill(text.en), fill(text.zh))


def expression_of(text: str, path: str) -> Expression:
    """An expression for one tag: ``.`` is the tag itself, ``./x`` the signal ``x`` beside it."""
    expression = parse(text)
    return replace(expression, tags=tuple(_beside(name, path) for name in expression.tags))


def _beside(name: str, path: str) -> str:
    if name == ".":
        return path
    if name.startswith("./"):
        return f"{path.rpartition('/')[0]}/{name[2:]}"
    return name
