"""What an expression computes with: columns of numbers, each with its quality.

A column keeps one law: where its quality is bad it has no value (NaN), and where it has no value
its quality is bad. Every operation keeps it, so an expression never raises, never warns and never
hands on an infinity. The quality is the worst of what was used: a branch that was not taken and an
``and`` that was decided already do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lianji.dictionary.quality import Qualities, Quality, is_bad, is_good


class Column(NamedTuple):
    """Values and their qualities, of one length; a constant has length 1."""

    value: NDArray[np.float64]
    quality: Qualities


Operation = Callable[[Sequence[Column]], Column]


def constant(number: float) -> Column:
    return Column(np.array([number]), np.zeros(1, np.uint16))


def settled(value: NDArray[Any], quality: Qualities, reason: Quality) -> Column:
    """A column that keeps the law; ``reason`` where a value is missing that nobody called bad."""
    value = value.astype(np.float64, copy=False)
    bad = is_bad(quality)
    missing = bad | ~np.isfinite(value)
    if not missing.any():
        return Column(value, quality)
    worse = np.where(missing & ~bad, np.uint16(reason), quality)
    return Column(np.where(missing, np.nan, value), worse)


def _worst(operands: Sequence[Column]) -> Qualities:
    return reduce(np.maximum, [operand.quality for operand in operands])


def _of_all(function: Callable[..., Any]) -> Operation:
    """An operation that uses every operand, and leaves the range where it is not finite."""

    def computed(operands: Sequence[Column]) -> Column:
        value = function(*[operand.value for operand in operands])
        return settled(value, _worst(operands), Quality.BAD_OUT_OF_RANGE)

    return computed


def _folded(function: Callable[[Any, Any], Any]) -> Operation:
    return _of_all(lambda *values: reduce(function, values))


def _chosen(condition: Column, yes: Column, no: Column) -> Column:
    truth, undecided = condition.value != 0, is_bad(condition.quality)
    quality = np.maximum(condition.quality, np.where(truth, yes.quality, no.quality))
    quality = np.where(undecided, condition.quality, quality)
    value = np.where(truth, yes.value, no.value)
    return settled(value, quality, Quality.BAD_OUT_OF_RANGE)


def _and(left: Column, right: Column) -> Column:
    return _chosen(left, right, left)


def _or(left: Column, right: Column) -> Column:
    return _chosen(left, left, right)


def _first_with_value(operands: Sequence[Column]) -> Column:
    found = operands[-1]
    for operand in reversed(operands[:-1]):
        bad = is_bad(operand.quality)
        found = Column(
            np.where(bad, found.value, operand.value),
            np.where(bad, found.quality, operand.quality),
        )
    return found


def _is_good(operands: Sequence[Column]) -> Column:
    quality = operands[0].quality
    return Column(is_good(quality).astype(np.float64), np.zeros_like(quality))


def _rounded(values: NDArray[np.float64], digits: NDArray[np.float64] | None = None) -> Any:
    """Half to even. What is too large to have such digits stays as it is."""
    rounded = np.round(values, 0 if digits is None else int(digits[0]))
    return np.where(np.isfinite(rounded), rounded, values)


def _mean(*values: NDArray[np.float64]) -> Any:
    return reduce(np.add, values) / len(values)


_COMPARISONS: dict[str, Operation] = {
    "<": _of_all(np.less),
    "<=": _of_all(np.less_equal),
    ">": _of_all(np.greater),
    ">=": _of_all(np.greater_equal),
    "==": _of_all(np.equal),
    "!=": _of_all(np.not_equal),
}
_OPERATIONS: dict[str, Operation] = {
    "+": _of_all(np.add),
    "-": _of_all(np.subtract),
    "*": _of_all(np.multiply),
    "/": _of_all(np.divide),
    "//": _of_all(np.floor_divide),
    "%": _of_all(np.remainder),
    "**": _of_all(np.power),
    "negative": _of_all(np.negative),
    "not": _of_all(lambda value: value == 0),
    "and": lambda operands: reduce(_and, operands),
    "or": lambda operands: reduce(_or, operands),
    "if": lambda operands: _chosen(*operands),
    "abs": _of_all(np.abs),
    "ceil": _of_all(np.ceil),
    "clip": _of_all(lambda value, low, high: np.minimum(np.maximum(value, low), high)),
    "coalesce": _first_with_value,
    "cos": _of_all(np.cos),
    "exp": _of_all(np.exp),
    "floor": _of_all(np.floor),
    "isgood": _is_good,
    "log": _of_all(np.log),
    "log10": _of_all(np.log10),
    "max": _folded(np.maximum),
    "mean": _of_all(_mean),
    "min": _folded(np.minimum),
    "pow": _of_all(np.power),
    "round": _of_all(_rounded),
    "sign": _of_all(np.sign),
    "sin": _of_all(np.sin),
    "sqrt": _of_all(np.sqrt),
    "sum": _folded(np.add),
    "tan": _of_all(np.tan),
}


def computed(operation: str, operands: Sequence[Column]) -> Column:
    """The result of an operation by its name; ``< <=`` is a chain of comparisons, as in Python."""
    if operation in _OPERATIONS:
        return _OPERATIONS[operation](operands)
    names = operation.split()
    pairs = zip(names, operands[:-1], operands[1:], strict=True)
    return reduce(_and, [_COMPARISONS[name]((left, right)) for name, left, right in pairs])
