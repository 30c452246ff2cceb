"""A device's tags as points: what its driver can read, and what it cannot and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.base.errors import Text
from lianji.connect.driver import Block, Driver, Limits, Point
from lianji.connect.failures import as_lianji_error
from lianji.connect.plan import PointTooWide, plan
from lianji.connect.refused import Ranges
from lianji.connect.statistics import RejectedTag
from lianji.dictionary.tag import Tag


@dataclass(slots=True)
class Points:
    """Points by their number, which is the row of their tag in the device's list."""

    points: dict[int, Point] = field(default_factory=dict)
    rejected: dict[int, RejectedTag] = field(default_factory=dict)

    def numbers(self) -> NDArray[np.int32]:
        return np.array(list(self.points), dtype=np.int32)


def parse_tags(driver: Driver[Any], tags: Sequence[Tag]) -> Points:
    """Every tag is either a point or rejected with a reason; one bad tag hurts no other."""
    parsed = Points()
    addressed = not plans_itself(driver)
    for number, tag in enumerate(tags):
        try:
            point = driver.parse(tag)
            limits = driver.limits_of(point.space)
            if addressed and point.span > limits.max_span:
                raise PointTooWide(point, number, limits)
            parsed.points[number] = point
        except Exception as error:
            parsed.rejected[number] = RejectedTag(tag.path, _reason(tag, error))
    return parsed


def plans_itself(driver: Driver[Any]) -> bool:
    """True for a driver without an address space, whose blocks are its own."""
    return type(driver).plan is not Driver.plan and driver.plan([], []) is not None


def plan_points(
    driver: Driver[Any], points: dict[int, Point], numbers: Iterable[int], refused: Ranges
) -> list[Block]:
    """The driver's own blocks if it has any, else the fewest that its limits allow."""
    chosen = list(numbers)
    own = driver.plan([points[number] for number in chosen], chosen)
    if own is not None:
        return own
    by_limits: dict[Limits, list[int]] = {}
    limits = {space: driver.limits_of(space) for space in {points[n].space for n in chosen}}
    for number in chosen:
        by_limits.setdefault(limits[points[number].space], []).append(number)
    blocks: list[Block] = []
    for limit, members in by_limits.items():
        blocks += plan([points[number] for number in members], members, limit, refused)
    return blocks


def _reason(tag: Tag, error: Exception) -> Text:
    if isinstance(error, ValueError):
        return Text(str(error), f"地址“{tag.address}”或类型“{tag.type}”无效：{error}")
    return as_lianji_error(error).cause
