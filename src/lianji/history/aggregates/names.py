"""Names: every aggregate that can be asked for, what it means, and what its result is in.

The names are the standard's in snake_case (OPC 10000-13, Table 5); ``sum`` and ``bad`` are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from lianji.base.errors import InputError, Text

Bounds = Literal["none", "simple", "interpolated", "previous"]
"""What is needed from beyond the interval: nothing, simple or interpolated bounds, or just the
usable sample before it."""

Unit = Literal["tag", "tag.s", "tag2", "ms", "%", "1"]
"""What the result is in: the tag's own unit, that times seconds, its square, or a fixed one."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """``standard`` is the standard's own name, None for what is not in the standard."""

    name: str
    standard: str | None
    bounds: Bounds
    unit: Unit
    meaning: Text

    @property
    def needs_bounds(self) -> bool:
        return self.bounds != "none"

    @property
    def tells_time(self) -> bool:
        """Is the result told at a time of its own, rather than at the interval's start?"""
        return self.name in ("start", "end") or "actual_time" in self.name


def _of_standard(name: str, bounds: Bounds, unit: Unit, en: str, zh: str) -> Aggregate:
    standard = "".join(word.capitalize() for word in name.split("_"))
    return Aggregate(name, standard, bounds, unit, Text(en, zh))


def _ours(name: str, unit: Unit, en: str, zh: str) -> Aggregate:
    return Aggregate(name, None, "none", unit, Text(en, zh))


_ALL = (
    _of_standard(
        "interpolative", "interpolated", "tag",
        "The value at the interval's start, drawn between the usable samples around it.",
        "区间起点处的值，由前后可用样本插值得出。",
    ),
    _of_standard(
        "average", "none", "tag",
        "The mean of the good samples, each weighing the same.",
        "良好样本的算术平均，各样本权重相同。",
    ),
    _of_standard(
        "time_average", "interpolated", "tag",
        "The mean over time, drawn in slopes across bad samples.",
        "时间加权平均，以斜线跨过不良样本。",
    ),
    _of_standard(
        "time_average2", "simple", "tag",
        "The mean over the time that had a value; bad stretches are left out.",
        "仅对有值时段的时间加权平均，不良时段不计入。",
    ),
    _of_standard(
        "total", "interpolated", "tag.s",
        "The integral over time, drawn in slopes across bad samples.",
        "对时间的积分，以斜线跨过不良样本。",
    ),
    _of_standard(
        "total2", "simple", "tag.s",
        "The integral over the time that had a value; bad stretches add nothing.",
        "仅对有值时段的时间积分，不良时段不计入。",
    ),
    _of_standard(
        "minimum", "none", "tag",
        "The lowest good sample.",
        "最小的良好样本值。",
    ),
    _of_standard(
        "maximum", "none", "tag",
        "The highest good sample.",
        "最大的良好样本值。",
    ),
    _of_standard(
        "minimum_actual_time", "none", "tag",
        "The lowest good sample, with the time when it was first reached.",
        "最小的良好样本值及其首次出现的时间。",
    ),
    _of_standard(
        "maximum_actual_time", "none", "tag",
        "The highest good sample, with the time when it was first reached.",
        "最大的良好样本值及其首次出现的时间。",
    ),
    _of_standard(
        "range", "none", "tag",
        "The highest good sample less the lowest.",
        "良好样本的最大值与最小值之差。",
    ),
    _of_standard(
        "minimum2", "simple", "tag",
        "The lowest value, those at the interval's edges included.",
        "最小值，包含区间边界处的值。",
    ),
    _of_standard(
        "maximum2", "simple", "tag",
        "The highest value, those at the interval's edges included.",
        "最大值，包含区间边界处的值。",
    ),
    _of_standard(
        "minimum_actual_time2", "simple", "tag",
        "The lowest value, edges included, with the time when it was first reached.",
        "最小值（含边界）及其首次出现的时间。",
    ),
    _of_standard(
        "maximum_actual_time2", "simple", "tag",
        "The highest value, edges included, with the time when it was first reached.",
        "最大值（含边界）及其首次出现的时间。",
    ),
    _of_standard(
        "range2", "simple", "tag",
        "The highest value less the lowest, edges included.",
        "最大值与最小值之差（含边界）。",
    ),
    _of_standard(
        "count", "none", "1",
        "How many good samples there are.",
        "良好样本的个数。",
    ),
    _of_standard(
        "duration_in_state_zero", "simple", "ms",
        "How long the value was good and zero.",
        "数值良好且为零的时长。",
    ),
    _of_standard(
        "duration_in_state_non_zero", "simple", "ms",
        "How long the value was good and not zero.",
        "数值良好且不为零的时长。",
    ),
    _of_standard(
        "number_of_transitions", "previous", "1",
        "How often the value changed from one usable sample to the next.",
        "相邻可用样本之间数值变化的次数。",
    ),
    _of_standard(
        "start", "none", "tag",
        "The first sample, good or not, with its time.",
        "第一个样本（不论质量）及其时间。",
    ),
    _of_standard(
        "end", "none", "tag",
        "The last sample, good or not, with its time.",
        "最后一个样本（不论质量）及其时间。",
    ),
    _of_standard(
        "delta", "none", "tag",
        "The last good sample less the first.",
        "最后一个与第一个良好样本之差。",
    ),
    _of_standard(
        "start_bound", "simple", "tag",
        "The value at the interval's start, from the samples next to it.",
        "区间起点处的值，由紧邻样本得出。",
    ),
    _of_standard(
        "end_bound", "simple", "tag",
        "The value at the interval's end, from the samples next to it.",
        "区间终点处的值，由紧邻样本得出。",
    ),
    _of_standard(
        "delta_bounds", "simple", "tag",
        "The value at the interval's end less the one at its start.",
        "区间终点与起点处的值之差。",
    ),
    _of_standard(
        "duration_good", "simple", "ms",
        "How long the quality was good.",
        "质量为良好的时长。",
    ),
    _of_standard(
        "duration_bad", "simple", "ms",
        "How long the quality was bad.",
        "质量为不良的时长。",
    ),
    _of_standard(
        "percent_good", "simple", "%",
        "For what part of the time the quality was good.",
        "质量为良好的时间占比。",
    ),
    _of_standard(
        "percent_bad", "simple", "%",
        "For what part of the time the quality was bad.",
        "质量为不良的时间占比。",
    ),
    _of_standard(
        "worst_quality", "none", "1",
        "The worst status code of the samples, as a number.",
        "样本中最差的状态码（以数值表示）。",
    ),
    _of_standard(
        "worst_quality2", "simple", "1",
        "The worst status code of the samples and of the value at the interval's start.",
        "样本及区间起点处的值中最差的状态码。",
    ),
    _of_standard(
        "standard_deviation_sample", "none", "tag",
        "The standard deviation of the good samples, taken as a sample (n - 1).",
        "良好样本的样本标准差（n − 1）。",
    ),
    _of_standard(
        "variance_sample", "none", "tag2",
        "The variance of the good samples, taken as a sample (n - 1).",
        "良好样本的样本方差（n − 1）。",
    ),
    _of_standard(
        "standard_deviation_population", "none", "tag",
        "The standard deviation of the good samples, taken as all there are (n).",
        "良好样本的总体标准差（n）。",
    ),
    _of_standard(
        "variance_population", "none", "tag2",
        "The variance of the good samples, taken as all there are (n).",
        "良好样本的总体方差（n）。",
    ),
    _ours(
        "sum", "tag",
        "The sum of the good samples. Not of the standard.",
        "良好样本之和（非标准聚合）。",
    ),
    _ours(
        "bad", "1",
        "How many samples are not good. Not of the standard.",
        "质量不为良好的样本个数（非标准聚合）。",
    ),
)  # fmt: skip

AGGREGATES: dict[str, Aggregate] = {aggregate.name: aggregate for aggregate in _ALL}

ALIASES: dict[str, str] = {
    "mean": "average",
    "min": "minimum",
    "max": "maximum",
    "first": "start",
    "last": "end",
    "twa": "time_average2",
    "std": "standard_deviation_sample",
}


def aggregate_named(name: str) -> Aggregate:
    """By its name or an alias. Raises InputError with the nearest name that there is."""
    found = AGGREGATES.get(ALIASES.get(name, name))
    if found is None:
        raise _unknown(name, [*AGGREGATES, *ALIASES])
    return found


def _unknown(name: str, known: Sequence[str]) -> InputError:
    cause = Text(f"There is no aggregate {name!r}.", f"没有名为 {name!r} 的聚合函数。")
    near = get_close_matches(name.lower(), known, n=1)
    if near:
        remedy = Text(f"Did you mean {near[0]!r}?", f"您是否想用 {near[0]!r}？")
    else:
        remedy = Text(f"Take one of {', '.join(known)}.", f"可用：{'、'.join(known)}。")
    return InputError("aggregate-unknown", cause, remedy)
