"""The specification of a training: ``training/<name>.toml`` in the plant's folder.

What every task has in common is here; what a task adds is in the module that trains it, which
``TASKS`` names. The file's name is the model's.
"""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from lianji.base.errors import InputError, NotFound, Text
from lianji.connect.field_errors import in_words
from lianji.dictionary.moments import parse_span
from lianji.dictionary.tag import check_path
from lianji.learn.spec_fields import Span, SpecError
from lianji.learn.training.result import Trained
from lianji.learn.training.work import Work

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
DATASET = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}(@[1-9][0-9]{0,8})?")
TASKS = {
    "regression": "lianji.learn.training.regression",
    "anomaly": "lianji.learn.training.anomaly",
    "forecast": "lianji.learn.training.forecast",
}
"""Task -> the module that trains it; it has what ``Trainer`` says."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class OutputSpec(_Model):
    """The tag that the model's number becomes."""

    tag: str = ""
    """Empty: ``<site>/models/<name>``."""
    unit: str | None = None
    """By default the target's."""
    low: float | None = None
    """Limits of what can be; by default those of the target's tag."""
    high: float | None = None
    title_en: str = ""
    title_zh: str = ""

    @field_validator("tag")
    @classmethod
    def _path(cls, tag: str) -> str:
        if tag:
            try:
                check_path(tag)
            except ValueError as error:
                raise SpecError(f"{tag!r} is no tag path", f"{tag!r} 不是标签路径") from error
        return tag


class GateSpec(_Model):
    """The operating state in which the model learns and speaks: a column within its bounds."""

    column: str
    low: float | None = None
    high: float | None = None


class TrainingSpec(_Model):
    """What every task has. A task's own class adds its algorithm and its parameters."""

    task: str
    dataset: str
    """Name, or name@version; by default its newest version."""
    target: str = ""
    """The column to be foretold; by default the data set's own target."""
    inputs: list[str] = Field(default_factory=list)
    """Columns; by default all but the target."""
    title_en: str = ""
    title_zh: str = ""
    period: Span = ""
    """How often the model is run; by default the data set's step."""
    label: str = ""
    """Tag of the true value where it is measured late; by default the target's."""
    label_delay: Span = ""
    """How late the true value comes; empty: never, the model goes uncorrected."""
    coverage: float = Field(default=0.9, gt=0, lt=1)
    """What share of true values the intervals are to hold."""
    output: OutputSpec = Field(default_factory=OutputSpec)
    gate: list[GateSpec] = Field(default_factory=list)
    expires: Span = "365d"
    """How long after its training an edge may run the model."""
    licence: str = ""
    owner: str = ""

    @field_validator("dataset")
    @classmethod
    def _named(cls, name: str) -> str:
        if not DATASET.fullmatch(name):
            raise SpecError(
                f"{name!r} is no name of a data set, such as press or press@2",
                f"{name!r} 不是数据集名称，应如 press 或 press@2",
            )
        return name

    @property
    def dataset_name(self) -> tuple[str, int | None]:
        """Name, and the version where one is asked for."""
        name, _, version = self.dataset.partition("@")
        return name, int(version) if version else None

    @property
    def label_delay_us(self) -> int | None:
        return parse_span(self.label_delay) if self.label_delay else None

    @property
    def expires_us(self) -> int:
        return parse_span(self.expires)

    @property
    def period_us(self) -> int | None:
        return parse_span(self.period) if self.period else None


class Trainer(Protocol):
    """A module of ``TASKS``. ``Spec`` is its subclass of TrainingSpec."""

    Spec: type[TrainingSpec]

    def train(self, work: Work) -> Trained:
        """``work.spec`` is of the class ``Spec``. Raises LianjiError, Stopped."""
        ...


class _Task(BaseModel):
    """Which task a file is of, before anything else is looked at."""

    task: Literal["regression", "forecast", "anomaly"]


def trainer_of(task: str) -> Trainer:
    """The module that trains a task of ``TASKS``."""
    module: Any = import_module(TASKS[task])
    trainer: Trainer = module
    return trainer


def read_spec(path: Path) -> TrainingSpec:
    """Raises NotFound, and InputError that names every wrong field."""
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise NotFound(
            "training-spec-missing",
            Text(f"There is no file {path}.", f"文件 {path} 不存在。"),
            Text(
                "Write it: see the guide to training a soft sensor.", "请编写该文件，参见训练指南。"
            ),
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise invalid(str(path), Text(f"no TOML: {error}", f"不是有效的 TOML：{error}")) from error
    return spec_of(content, str(path))


def spec_of(content: dict[str, object], where: str) -> TrainingSpec:
    """Of the class that the task's module gives. Raises InputError."""
    try:
        task = _Task.model_validate(content).task
        if task not in TASKS:
            raise invalid(where, Text(f"no task {task!r} here", f"没有任务 {task!r}"))
        return trainer_of(task).Spec.model_validate(content)
    except ValidationError as error:
        raise invalid(where, in_words(error)) from error


def invalid(where: str, what: Text) -> InputError:
    return InputError(
        "training-spec-invalid",
        Text(f"In {where}: {what.en}.", f"{where}：{what.zh}。"),
        Text("Mend the specification and try again.", "请修改该文件后重试。"),
    )


def check_name(name: str) -> str:
    """A model's name is that of its specification's file. Raises InputError."""
    if not NAME.fullmatch(name):
        raise InputError(
            "training-name",
            Text(f"{name!r} is no name of a model.", f"{name!r} 不能用作模型名称。"),
            Text(
                "Take small letters, digits, - and _, at most 63.",
                "请使用小写字母、数字、- 和 _，最多 63 个字符。",
            ),
        )
    return name
