"""One row of an alarm table: what is wrong when, how urgent it is, and what to do then.

The same model validates the file, the API and the documentation, so that what one accepts the
others accept. A row may hold for many tags: ``plant/*/barrel_temperature`` makes one alarm each.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lianji.base.errors import Text
from lianji.dictionary.expression import parse
from lianji.dictionary.tag import check_path

DELAY_S_MAX = 86_400
NAME_LENGTH_MAX = 80


class AlarmKind(StrEnum):
    """What an alarm looks at. The limits are those of OPC 10000-9, section 5.8.18 and after."""

    HIGH_HIGH = "HH"
    HIGH = "H"
    LOW = "L"
    LOW_LOW = "LL"
    RATE = "rate"
    STALE = "stale"
    BAD = "bad"
    STATE = "state"
    EXPRESSION = "expression"


class Priority(IntEnum):
    """How urgent; what is only written down asks nobody for anything."""

    CRITICAL = 1
    HIGH = 2
    MEDIUM = 3
    LOW = 4
    JOURNAL = 5


LIMITS = {AlarmKind.HIGH_HIGH: 1, AlarmKind.HIGH: 1, AlarmKind.LOW: -1, AlarmKind.LOW_LOW: -1}
"""The kinds that compare a value with a limit, and in which direction."""
_WITH_LIMIT = frozenset((*LIMITS, AlarmKind.RATE, AlarmKind.STALE))
_KIND_NAMES = {
    "hh": "HH", "highhigh": "HH", "high_high": "HH", "hihi": "HH", "高高": "HH", "高高限": "HH",
    "h": "H", "high": "H", "hi": "H", "高": "H", "高限": "H", "上限": "H",
    "l": "L", "low": "L", "lo": "L", "低": "L", "低限": "L", "下限": "L",
    "ll": "LL", "lowlow": "LL", "low_low": "LL", "lolo": "LL", "低低": "LL", "低低限": "LL",
    "变化率": "rate", "速率": "rate", "rate_of_change": "rate", "roc": "rate",
    "停滞": "stale", "数据停滞": "stale", "无数据": "stale", "超时": "stale",
    "坏质量": "bad", "质量差": "bad", "bad_quality": "bad",
    "状态": "state", "表达式": "expression", "公式": "expression",
}  # fmt: skip
_PRIORITY_NAMES = {
    "critical": 1, "紧急": 1, "high": 2, "高": 2, "medium": 3, "中": 3, "low": 4, "低": 4,
    "journal": 5, "记录": 5, "仅记录": 5,
}  # fmt: skip


class DefinitionError(ValueError):
    """A row that makes no sense; ``text`` says why in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(en, zh)


class AlarmDefinition(BaseModel):
    """One row. Raises pydantic's ValidationError, one entry a field that is wrong."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = Field("", max_length=NAME_LENGTH_MAX)
    """Its name, which the journal keeps; empty: the kind. A tag and a name are one alarm."""
    tag: str = ""
    """The tag, or a pattern such as ``plant/*/temperature``: an alarm for each that matches."""
    kind: AlarmKind
    """``HH``, ``H``, ``L``, ``LL`` (limits), ``rate`` (of change), ``stale`` (no new sample),
    ``bad`` (quality), ``state`` (equals), ``expression`` (is true)."""
    limit: float | None = None
    """Of a limit: in the tag's unit. Of a rate: in its unit a minute, negative for falling. Of
    ``stale``: in seconds."""
    state: str = ""
    """Of ``state``: the number, text or meaning (from the tag's enumeration) that is an alarm."""
    expression: str = ""
    """Of ``expression``: what is an alarm when it is not 0, such as
    ``"plant/a/flow" < 2 and "plant/a/pump" == 1``. ``"./flow"`` is a signal beside the tag."""
    window_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    """Of ``rate``: over how long the change is measured, in seconds."""
    deadband: Annotated[float, Field(ge=0)] = 0.0
    """How far the value must come back behind the limit before the alarm ends."""
    on_delay_s: Annotated[float, Field(ge=0, le=DELAY_S_MAX)] = 0.0
    """So long it must be true without a break before the alarm is raised, in seconds."""
    off_delay_s: Annotated[float, Field(ge=0, le=DELAY_S_MAX)] = 0.0
    """So long it must be untrue without a break before the alarm ends, in seconds."""
    priority: Priority = Priority.MEDIUM
    """1 critical, 2 high, 3 medium, 4 low, or ``journal``: only written down."""
    group: str = ""
    """What belongs together, such as ``boiler house``: a flood of alarms of one group becomes one
    line. Empty: the area, which is the second part of a path of four parts and more."""
    message_en: str = ""
    """What is wrong, in English; empty: made of the tag's description and the limit."""
    message_zh: str = ""
    """The same in Chinese."""
    action_en: str = ""
    """What to do, in English."""
    action_zh: str = ""
    """The same in Chinese."""
    suppress_when: str = ""
    """An expression: while it is true the alarm is suppressed by design, such as
    ``"./state" == 0`` for a machine that is off."""

    @field_validator("kind", mode="before")
    @classmethod
    def _kind_by_any_name(cls, kind: Any) -> Any:
        return _KIND_NAMES.get(kind.strip().lower(), kind) if isinstance(kind, str) else kind

    @field_validator("priority", mode="before")
    @classmethod
    def _priority_by_any_name(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        plain = given.strip().lower()
        number = _PRIORITY_NAMES.get(plain, plain)
        if str(number) not in "12345" or not str(number):
            raise DefinitionError(
                f"priority '{given}' is not 1, 2, 3, 4 or journal",
                f"优先级（priority）“{given}”应为 1、2、3、4 或 journal（仅记录）",
            )
        return int(number)

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if "#" in name or not name.isprintable():
            raise DefinitionError(
                f"name '{name}' holds '#' or a control character",
                f"名称（name）“{name}”含有“#”或控制字符",
            )
        return name.strip()

    @field_validator("tag")
    @classmethod
    def _path_or_pattern(cls, tag: str) -> str:
        if not tag:
            return tag
        try:
            return check_path(tag)
        except ValueError as error:
            raise DefinitionError(
                str(error), f"“{tag}”不是有效的标签路径或通配（各段用“/”连接）"
            ) from None

    @field_validator("expression", "suppress_when")
    @classmethod
    def _readable(cls, expression: str) -> str:
        return parse(expression).text if expression else ""

    @model_validator(mode="after")
    def _belongs_together(self) -> AlarmDefinition:
        kind = self.kind
        if kind in _WITH_LIMIT and self.limit is None:
            raise DefinitionError(
                f"an alarm of kind {kind} needs a limit", f"{kind} 报警缺少 limit（限值）"
            )
        if kind is AlarmKind.STATE and not self.state:
            raise DefinitionError(
                "an alarm of kind state needs the state", "state（状态）报警缺少 state 列的取值"
            )
        if kind is AlarmKind.EXPRESSION and not self.expression:
            raise DefinitionError(
                "an alarm of kind expression needs an expression", "expression 报警缺少表达式"
            )
        if not self.tag and kind is not AlarmKind.EXPRESSION:
            raise DefinitionError(
                f"an alarm of kind {kind} needs a tag", f"{kind} 报警缺少 tag（标签）"
            )
        if not self.tag and not self.name:
            raise DefinitionError(
                "an alarm without a tag needs a name", "没有标签的报警必须有名称（name）"
            )
        self._check_numbers()
        return self

    def _check_numbers(self) -> None:
        if self.kind is AlarmKind.STALE and not 1 <= (self.limit or 0) <= 366 * 86_400:
            raise DefinitionError(
                "the limit of stale is 1 second to a year", "stale 报警的 limit 应为 1 秒到 1 年"
            )
        if self.kind is AlarmKind.RATE and self.limit == 0:
            raise DefinitionError("a rate of 0 is no limit", "变化率的 limit 不能为 0")
        foreign = {"state": AlarmKind.STATE, "expression": AlarmKind.EXPRESSION}
        for field, kind in foreign.items():
            if getattr(self, field) and self.kind is not kind:
                raise DefinitionError(
                    f"{field} is only for alarms of kind {kind}", f"{field} 只用于 {kind} 报警"
                )

    @property
    def known_as(self) -> str:
        """The name, or the kind where no name was given."""
        return self.name or self.kind.value

    @property
    def key(self) -> tuple[str, str]:
        """What no two rows of a plant may share."""
        return (self.tag, self.known_as)

    @property
    def is_pattern(self) -> bool:
        return "*" in self.tag or "?" in self.tag
