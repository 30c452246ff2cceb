"""What a report is made of: figures of each column, and findings with what to do."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lianji.base.errors import Text

Severity = Literal["serious", "warning", "notice"]
SEVERITIES: tuple[Severity, ...] = ("serious", "warning", "notice")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Finding(_Model):
    """``value`` is the figure behind it: a share, a count or a coefficient, as ``code`` says."""

    column: str
    code: str
    severity: Severity
    value: float
    en: str
    zh: str

    @classmethod
    def of(cls, column: str, code: str, severity: Severity, value: float, text: Text) -> Finding:
        return cls(column=column, code=code, severity=severity, value=value, en=text.en, zh=text.zh)


class Drift(_Model):
    """How far a part is from the training part: population stability index, Kolmogorov-Smirnov."""

    part: str
    psi: float
    ks: float


class Lag(_Model):
    """Correlation with the target: now, and the strongest with the column so many steps before
    (``leads``) and behind (``follows``) the target."""

    now: float
    leads: float
    leads_steps: int
    follows: float
    follows_steps: int


class ColumnReport(_Model):
    """Shares are of ``rows``, of ``days`` for silent days. Values are in the column's unit."""

    name: str
    rows: int
    mean: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    missing: float = 0.0
    bad: float = 0.0
    uncertain: float = 0.0
    stuck_rows: int = 0
    stuck_from_us: int | None = None
    spikes: int = 0
    out_of_range: float = 0.0
    silent: float = 0.0
    """Share of days (of the time, for samples as they are) without any sample."""
    replaced: int = 0
    """Samples whose time came again with another value."""
    drift: list[Drift] = Field(default_factory=list)
    lag: Lag | None = None


class Report(_Model):
    format: Literal[1] = 1
    columns: list[ColumnReport]
    findings: list[Finding]

    def count(self, severity: str) -> int:
        return sum(one.severity == severity for one in self.findings)
