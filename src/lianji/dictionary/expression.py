"""Expressions: what a calculated tag is worked out of, such as ``'a/power' + 'b/power'``.

An expression is text that anybody may have written, so it is read and never run: it is checked
word by word (``expression_words``), read into steps (``expression_syntax``), and the steps know
nothing but arithmetic on columns (``expression_arithmetic``). Whatever the text and whatever the
numbers, it either is refused in plain words when read, or has a value or no value at each moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lianji.dictionary.expression_arithmetic import Column, computed, constant, settled
from lianji.dictionary.expression_syntax import NUMBER, TAG, Step, steps_of
from lianji.dictionary.quality import Qualities, Quality


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was read: its text, and the tags that it names in order of first use."""

    text: str
    tags: tuple[str, ...]
    steps: tuple[Step, ...] = field(repr=False)

    @property
    def places(self) -> list[int]:
        """The place in ``tags`` of each use of a tag, in order."""
        return [int(step.number) for step in self.steps if step.operation == TAG]

    def evaluate(
        self, values: Sequence[NDArray[np.float64]], qualities: Sequence[Qualities]
    ) -> tuple[NDArray[np.float64], Qualities]:
        """The value and quality of each row, given one column (NaN: no value) for each of ``tags``.

        All columns are of one length, which is the result's; the result is new or one of them. An
        input that is bad or has no value gives none, with a bad quality: its own, or
        ``BAD_NO_DATA``. So does what no number stands for (division by zero, the logarithm of a
        negative, an overflow): ``BAD_OUT_OF_RANGE``. Never raises, never warns.
        """
        inputs = [
            settled(value, quality, Quality.BAD_NO_DATA)
            for value, quality in zip(values, qualities, strict=True)
        ]
        stack: list[Column] = []
        with np.errstate(all="ignore"):
            for step in self.steps:
                _do(step, inputs, stack)
        [result] = stack
        length = (len(inputs[0].value),)
        if result.value.shape == result.quality.shape == length:
            return result.value, result.quality
        return np.resize(result.value, length), np.resize(result.quality, length)

    def over(self, calculated: Mapping[str, Expression]) -> Expression:
        """The same with each tag that is itself calculated replaced by how it is calculated."""
        tags: dict[str, int] = {}
        steps: list[Step] = []
        for step in self.steps:
            path = self.tags[int(step.number)] if step.operation == TAG else ""
            inner = calculated.get(path)
            for one in (step,) if inner is None else inner.steps:
                if one.operation == TAG:
                    name = path if inner is None else inner.tags[int(one.number)]
                    one = Step(TAG, 0, tags.setdefault(name, len(tags)))
                steps.append(one)
        return Expression(self.text, tuple(tags), tuple(steps))


def _do(step: Step, inputs: Sequence[Column], stack: list[Column]) -> None:
    if step.operation == TAG:
        stack.append(inputs[int(step.number)])
    elif step.operation == NUMBER:
        stack.append(constant(step.number))
    else:
        operands = stack[-step.operands :]
        del stack[-step.operands :]
        stack.append(computed(step.operation, operands))


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Read an expression. Raises ExpressionError, a ValueError, with what is wrong and where."""
    text = text.strip()
    return Expression(text, *steps_of(text))
