"""Rows beside a rival, where either figure may be missing: a wrong answer has none."""

from __future__ import annotations

from bench.harness import Row


def more(
    measure: str,
    value: float | None,
    unit: str,
    goal: str,
    rival: str,
    rival_value: float | None,
    note: str,
) -> Row:
    """Of which more is better."""
    ratio = value / rival_value if value and rival_value else None
    return Row(measure, value, unit, rival, rival_value, ratio, goal, note)


def quicker(
    measure: str,
    value: float | None,
    unit: str,
    goal: str,
    rival: str,
    rival_value: float | None,
    note: str,
) -> Row:
    """Of which less is better: milliseconds, bytes."""
    ratio = rival_value / value if value and rival_value else None
    return Row(measure, value, unit, rival, rival_value, ratio, goal, note)
