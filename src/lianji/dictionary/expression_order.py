"""Calculated tags that use one another: in which order they stand, and which cannot stand at all.

A calculated tag may use others. Each is worked out of measured tags alone in the end, so that it
needs no samples of the others and is exact at every moment; for that no tag may use itself, by
however long a way, and what it uses must be there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from lianji.base.errors import Text
from lianji.dictionary.expression import Expression

STEPS_MAX = 4_000
"""Of one calculated tag, with all that it uses."""
_SHOWN_MAX = 5


@dataclass(slots=True)
class Untangled:
    """``sound``: by path, each over measured tags alone, inputs first. ``refused``: why not."""

    sound: dict[str, Expression] = field(default_factory=dict)
    refused: dict[str, Text] = field(default_factory=dict)


def untangled(calculated: Mapping[str, Expression], is_known: Callable[[str], bool]) -> Untangled:
    """Sort out the calculated tags of a plant, given by path; ``is_known`` says what else is there.

    A tag that is refused refuses those that use it, and no other.
    """
    found = Untangled()
    for path, expression in calculated.items():
        missing = [t for t in expression.tags if t not in calculated and not is_known(t)]
        if missing:
            found.refused[path] = _missing(missing)
    order = TopologicalSorter(
        {path: [t for t in one.tags if t in calculated] for path, one in calculated.items()}
    )
    with suppress(CycleError):  # what stands in no circle still comes out
        order.prepare()
    while ready := order.get_ready():
        for path in ready:
            if path not in found.refused and _take(found, path, calculated[path]):
                order.done(path)
    _explain(found, calculated)
    return found


def _take(found: Untangled, path: str, expression: Expression) -> bool:
    """Take a tag whose inputs are all sound or measured, unless it grows too large with them."""
    inner = [found.sound.get(expression.tags[place]) for place in expression.places]
    size = len(expression.steps) + sum(len(one.steps) - 1 for one in inner if one)
    if size <= STEPS_MAX:
        found.sound[path] = expression.over(found.sound) if any(inner) else expression
        return True
    found.refused[path] = Text(
        f"the expression with all that it uses takes more than {STEPS_MAX} steps",
        f"表达式连同所引用的计算标签超过 {STEPS_MAX} 步",
    )
    return False


def _explain(found: Untangled, calculated: Mapping[str, Expression]) -> None:
    """Why those that are left never came out: each waits for one that never does either."""
    left = {path for path in calculated if path not in found.sound and path not in found.refused}
    waits_for = {
        path: next(t for t in calculated[path].tags if t in left or t in found.refused)
        for path in calculated
        if path in left
    }
    circled = _circles(waits_for)
    for path, other in waits_for.items():
        found.refused[path] = _circle(circled[path]) if path in circled else _unsound(other)


def _circles(waits_for: Mapping[str, str]) -> dict[str, list[str]]:
    """Those that wait for themselves by some way, each with that way. Every path is walked once."""
    circled: dict[str, list[str]] = {}
    seen: set[str] = set()
    for path in waits_for:
        way: list[str] = []
        while path in waits_for and path not in seen:
            seen.add(path)
            way.append(path)
            path = waits_for[path]
        if path in way:
            circle = way[way.index(path) :]
            circled |= {one: _starting_at(circle, place) for place, one in enumerate(circle)}
    return circled


def _starting_at(circle: list[str], place: int) -> list[str]:
    """As much of a circle as is shown, from a place on and back to it."""
    shown = [circle[(place + n) % len(circle)] for n in range(min(len(circle), _SHOWN_MAX))]
    return [*shown, *(["..."] if len(circle) > _SHOWN_MAX else []), circle[place]]


def _missing(paths: list[str]) -> Text:
    named = [path if len(path) <= 80 else path[:80] + "..." for path in paths[:_SHOWN_MAX]]
    en, zh = ", ".join(f"'{path}'" for path in named), "、".join(f"“{path}”" for path in named)
    more = " and others" if len(paths) > _SHOWN_MAX else ""
    more_zh = "等" if more else ""
    return Text(
        f"the expression names {en}{more}: no tag table has such a row, or the row is wrong",
        f"表达式引用的标签 {zh}{more_zh}在标签表中不存在，或所在行有误",
    )


def _circle(way: list[str]) -> Text:
    shown = " -> ".join(way)
    return Text(f"the expressions run in a circle: {shown}", f"表达式循环引用：{shown}")


def _unsound(path: str) -> Text:
    return Text(
        f"the expression names '{path}', whose own expression is wrong",
        f"表达式引用的“{path}”自身的表达式有误",
    )
