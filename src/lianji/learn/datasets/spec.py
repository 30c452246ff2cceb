"""The specification of a data set: ``datasets/<name>.toml`` in the plant's folder.

Times are absolute: a data set that means another range tomorrow cannot be made again.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from lianji.base.errors import InputError, LianjiError, NotFound, Text
from lianji.connect.field_errors import in_words
from lianji.dictionary.moments import parse_moment, parse_span
from lianji.history.aggregates.names import aggregate_named
from lianji.learn.spec_fields import SpecError, checked_span

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SPLITS = ("train", "validation", "test")
ALL = "all"
"""The one part of a data set without a split."""
INTERVALS_MAX = 5_000_000
"""Nine years of minutes. The report holds one column of it at a time."""


def _absolute(value: object) -> object:
    """TOML's own time or text; it means the same whenever it is read."""
    text = value.isoformat() if isinstance(value, datetime) else value
    if not isinstance(text, str):
        return text
    try:
        early, late = parse_moment(text, 0), parse_moment(text, 3_600_000_000)
    except LianjiError as error:
        raise SpecError(error.cause.en, error.cause.zh) from error
    if early != late:
        raise SpecError(
            f"{text} means another time each day: write a date and time with a zone",
            f"{text} 每次含义不同：请写带时区的日期和时间",
        )
    return text


def _span(value: object) -> object:
    return checked_span(value) if value else value


Absolute = Annotated[str, BeforeValidator(_absolute)]
Share = Annotated[float, Field(gt=0, lt=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RandomSplit(_Model):
    """Rows are dealt out by chance. ``because`` must say why that is no lie here."""

    because: str = ""
    seed: int = 0


class Split(_Model):
    """Parts by time: shares of the range that add up to 1, or the times when parts begin."""

    train: Share | None = None
    validation: Share | None = None
    test: Share | None = None
    validation_from: Absolute | None = None
    test_from: Absolute | None = None
    random: RandomSplit | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Split:
        dated = self.validation_from is not None or self.test_from is not None
        shares = [share for share in (self.train, self.validation, self.test) if share is not None]
        if dated and (shares or self.random is not None):
            raise SpecError(
                "give either shares or the times when parts begin", "比例与起始时刻只能选其一"
            )
        if not dated and (self.train is None or len(shares) < 2 or abs(sum(shares) - 1) > 1e-9):
            raise SpecError(
                "the shares train, validation and test add up to 1: train and at least another",
                "train、validation、test 为比例，合计应为 1，至少包括 train 和另一部分",
            )
        return self


class Column(_Model):
    """A column: a tag and how the samples of a step become one number (OPC UA Part 13)."""

    tag: str = Field(min_length=1)
    aggregate: str = ""
    name: str = ""

    @field_validator("aggregate")
    @classmethod
    def _known(cls, name: str) -> str:
        return _own_name(name)


class DataSetSpec(_Model):
    """What is frozen."""

    kind: Literal["grid", "raw"] = "grid"
    description: str = ""
    start: Absolute
    end: Absolute
    step: Annotated[str, BeforeValidator(_span)] = ""
    aggregate: str = "average"
    """Of the columns that do not say their own."""
    tags: list[str] = Field(default_factory=list)
    """Paths or patterns."""
    columns: list[Column] = Field(default_factory=list)
    target: str = ""
    """The column that is to be foretold: the report looks for what gives it away."""
    split: Split | None = None

    @field_validator("aggregate")
    @classmethod
    def _known(cls, name: str) -> str:
        return _own_name(name)

    @model_validator(mode="after")
    def _sound(self) -> DataSetSpec:
        if self.start_us >= self.end_us:
            raise SpecError("the start is not before the end", "起点不早于终点")
        if not self.tags and not self.columns:
            raise SpecError("name tags or columns", "请写出 tags 或 columns")
        if self.kind == "raw" and (self.step or self.columns):
            raise SpecError(
                "samples as they are have neither a step nor columns: write tags",
                "原始样本没有步长和列：请只写 tags",
            )
        if self.kind == "raw" and self.target:
            raise SpecError("a target is looked at on a grid only", "target 只适用于网格")
        if self.kind == "grid" and not self.step:
            raise SpecError("a grid needs a step such as 1min", "网格需要步长，如 1min")
        if self.kind == "grid" and (self.end_us - self.start_us) // self.step_us > INTERVALS_MAX:
            raise SpecError(
                f"the grid has more than {INTERVALS_MAX:,} steps: take longer ones or less time",
                f"网格超过 {INTERVALS_MAX:,} 步：请增大步长或缩短时间",
            )
        self._check_split()
        return self

    def _check_split(self) -> None:
        split = self.split
        edges = [self.start_us]
        for text in (split.validation_from, split.test_from) if split else ():
            edges += [] if text is None else [parse_moment(text, 0)]
        edges.append(self.end_us)
        if any(early >= late for early, late in pairwise(edges)):
            raise SpecError(
                "the parts must begin one after the other within the range",
                "各部分的起始时刻应依次位于时间范围之内",
            )

    @property
    def start_us(self) -> int:
        return parse_moment(self.start, 0)

    @property
    def end_us(self) -> int:
        return parse_moment(self.end, 0)

    @property
    def step_us(self) -> int:
        """0 where there is no grid."""
        return parse_span(self.step) if self.step else 0


def _own_name(name: str) -> str:
    """An aggregate by its own name, whatever alias was written."""
    if not name:
        return name
    try:
        return aggregate_named(name).name
    except LianjiError as error:
        said = error.cause.en + " " + error.remedy.en, error.cause.zh + error.remedy.zh
        raise SpecError(*said) from error


def read_spec(path: Path) -> DataSetSpec:
    """Raises NotFound, and InputError that names every wrong field."""
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise NotFound(
            "dataset-spec-missing",
            Text(f"There is no file {path}.", f"文件 {path} 不存在。"),
            Text("Write it: see the guide to data sets.", "请编写该文件，参见数据集指南。"),
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise invalid(str(path), Text(f"no TOML: {error}", f"不是有效的 TOML：{error}")) from error
    return spec_of(content, str(path))


def spec_of(content: object, where: str) -> DataSetSpec:
    """Raises InputError."""
    try:
        spec = DataSetSpec.model_validate(content)
    except ValidationError as error:
        raise invalid(where, in_words(error)) from error
    random = spec.split.random if spec.split else None
    if random is not None and not random.because.strip():
        raise InputError(
            "dataset-split-random",
            Text(
                "Rows next to each other in time are nearly the same, so a random split lets a "
                "model remember instead of foretell.",
                "相邻时刻的数据几乎相同，随机划分会让模型记忆而非预测。",
            ),
            Text(
                'Split by time, or say why not: [split.random] because = "...".',
                '请按时间划分，或写明理由：[split.random] because = "……"。',
            ),
        )
    return spec


def invalid(where: str, what: Text) -> InputError:
    return InputError(
        "dataset-spec-invalid",
        Text(f"In {where}: {what.en}.", f"{where}：{what.zh}。"),
        Text("Mend the specification and try again.", "请修改该文件后重试。"),
    )


def check_name(name: str) -> str:
    """A data set's name is that of its folder. Raises InputError."""
    if not NAME.fullmatch(name):
        raise InputError(
            "dataset-name",
            Text(f"{name!r} is no name of a data set.", f"{name!r} 不能用作数据集名称。"),
            Text(
                "Take small letters, digits, - and _, at most 64.",
                "请使用小写字母、数字、- 和 _，最多 64 个字符。",
            ),
        )
    return name


def parts_of(spec: DataSetSpec) -> Sequence[str]:
    """The names of the parts, in their order in time."""
    split = spec.split
    if split is None:
        return (ALL,)
    if split.train is not None:
        return [name for name in SPLITS if getattr(split, name) is not None]
    dated = (("validation", split.validation_from), ("test", split.test_from))
    return ["train", *(name for name, begins in dated if begins is not None)]
