"""A tag: one signal of one machine, and all that is known of it before it says anything.

The path is a Unified Namespace path: ``site/area/line/machine/signal``. The same model validates
the CSV table, the page's form and the API, so that what one accepts the others accept.
"""

from __future__ import annotations

import math
import re
import sys
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from lianji.dictionary.expression import parse
from lianji.dictionary.expression_words import ExpressionError
from lianji.dictionary.units import check_unit

PATH_LENGTH_MAX = 256
_PART = r"[^/\s\x00-\x1f\"'`\\,;](?:[^/\x00-\x1f\"'`\\,;]*[^/\s\x00-\x1f\"'`\\,;])?"
_PATH = re.compile(f"{_PART}(?:/{_PART})*")
_FORBIDDEN = re.compile(r"[\x00-\x1f\"'`\\,;]+")


class Kind(StrEnum):
    """How a signal moves between two samples (OPC 10000-13, ``Stepped``)."""

    STEP = "step"
    LINEAR = "linear"


def check_path(path: str) -> str:
    """The path itself if it is a well-formed tag path. Raises ValueError in plain words."""
    if len(path) > PATH_LENGTH_MAX:
        raise ValueError(f"a tag path has at most {PATH_LENGTH_MAX} characters")
    if not _PATH.fullmatch(path):
        raise ValueError(
            f"'{path}' is not a tag path: parts are joined by '/', none is empty, begins or "
            "ends with a space, or holds quotes, commas, semicolons or backslashes"
        )
    return path


def tidied_path(name: str) -> str:
    """A name that some machine or program gave, as a path: what no path may hold becomes ``_``."""
    parts = (_FORBIDDEN.sub("_", part).strip() for part in name.split("/"))
    return "/".join(part for part in parts if part) or "unnamed"


_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(slots=True, frozen=True, kw_only=True, config=_STRICT)
class Tag:
    """One signal. ``address`` and ``type`` mean what the device's driver says they mean.

    Raises pydantic's ValidationError, one entry a field that is wrong. (A plant holds a hundred
    thousand of these, so it has slots and no defaults that allocate.)
    """

    path: str
    """Its name: parts joined by ``/``, the site's first, at most 256 characters."""
    device: str = ""
    """The device that it is read from; empty for a tag that is pushed or imported."""
    address: str = ""
    """Where the device has it; how it is written depends on the driver."""
    type: str = ""
    """What the bytes or the payload mean; depends on the driver."""
    unit: str = ""
    """A UCUM code such as ``kW``, ``Cel``, ``bar``; empty: dimensionless."""
    kind: Kind = Kind.LINEAR
    """``linear`` moves in a slope between samples, ``step`` holds its value, as a state does."""
    low: float | None = None
    """The lower end of the range, for people: what lies outside is kept as it is."""
    high: float | None = None
    """The upper end of the range."""
    scale: float = 1.0
    """The value is raw x scale + offset."""
    offset: float = 0.0
    """See ``scale``."""
    interval_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 0
    """0 means: as the device says."""
    deadband: Annotated[float, Field(ge=0)] = 0.0
    """In the tag's own unit. 0 sends every change and, with the heartbeat, every silence."""
    description_en: str = ""
    """What it is, in English."""
    description_zh: str = ""
    """What it is, in Chinese."""
    enumeration: dict[int, str] | None = None
    """What the numbers of a state mean, such as {0: "stopped", 1: "running"}."""
    expression: str = ""
    """What a calculated tag is worked out of, such as "a/b/power" + "a/c/power"; else empty."""

    @field_validator("path")
    @classmethod
    def _well_formed_path(cls, path: str) -> str:
        return sys.intern(check_path(path))

    @field_validator("unit")
    @classmethod
    def _known_unit(cls, unit: str) -> str:
        return check_unit(unit)

    @field_validator("expression")
    @classmethod
    def _readable_expression(cls, expression: str) -> str:
        return parse(expression).text if expression else ""

    @model_validator(mode="after")
    def _calculated_or_read(self) -> Tag:
        if self.expression and (self.device or self.address):
            raise ExpressionError(
                "a calculated tag is read from no device: leave device and address empty",
                "计算标签不从设备读取：请将设备（device）和地址（address）留空",
            )
        if self.expression and (self.scale != 1 or self.offset != 0):
            raise ExpressionError(
                "scale and offset are for raw values: write them into the expression",
                "比例（scale）和偏移（offset）只用于原始值：请写入表达式",
            )
        return self

    @model_validator(mode="after")
    def _sound_numbers(self) -> Tag:
        if not (math.isfinite(self.scale) and math.isfinite(self.offset)) or self.scale == 0:
            raise ValueError("scale must be a finite number other than 0, offset a finite number")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"the range is empty: low {self.low} is not below high {self.high}")
        return self
