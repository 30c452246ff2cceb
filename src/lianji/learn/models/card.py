"""The card of a model: what goes in, what comes out, how good it is and where it may be believed.

A card is all that an edge needs to run a model beside a machine, and all that a person needs to
judge it. It is JSON inside the signed bundle. Times are microseconds since 1970 UTC, units UCUM.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Task = Literal["regression", "forecast", "anomaly"]


class _Model(BaseModel):
    """Numbers are finite: an envelope that ends at NaN would let everything pass."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Input(_Model):
    """One column that goes in: a signal, taken at a time or over a window before it."""

    name: str = Field(min_length=1, max_length=200)
    """Of the column; its place in ``Card.inputs`` is its place in the model's row."""
    tag: str
    """Path of the tag whose samples it is made of."""
    unit: str = ""
    aggregate: Literal[
        "last", "mean", "min", "max", "std", "delta", "hour_of_day", "day_of_week"
    ] = "last"
    """``last`` is the value as of ``lag_s`` before now; the others are over ``window_s``, which
    ends there; ``delta`` is the last value less the one a window before. The last two are when
    that is, in UTC, whatever the tag says: see ``clock``."""
    window_s: float = Field(default=0, ge=0)
    lag_s: float = Field(default=0, ge=0)
    low: float
    """Lowest and highest in training: the envelope. Outside, the output is uncertain."""
    high: float
    required: bool = True
    """Without it there is no output; otherwise the model is given NaN."""


class Output(_Model):
    """One number that comes out, and the tag that it becomes."""

    name: str = Field(min_length=1, max_length=200)
    tag: str
    unit: str = ""
    kind: Literal["linear", "step"] = "linear"
    low: float | None = None
    """Limits of what can be: a number outside is not given out."""
    high: float | None = None
    half_width: float | None = Field(default=None, ge=0)
    """Half of the conformal interval at ``Card.coverage``, in the output's unit."""
    label: str = ""
    """Tag of the true value where one is measured late (a laboratory, an analyser); empty: none."""
    label_delay_s: float = Field(default=0, ge=0)
    title_en: str = ""
    title_zh: str = ""


class Metric(_Model):
    """A figure on rows that the model never saw, beside that of the baseline."""

    name: str
    value: float
    baseline: float | None = None
    unit: str = ""
    better: Literal["low", "high"] = "low"
    on: str = ""
    """Which rows: "test, 2014-01 to 2015-12, in time order"."""


class Correction(_Model):
    """Correction by late labels, added to the output; ``correction.Corrector`` does it.

    ``bias``: with ``forgetting`` a, each label that arrives moves the bias b to
    a*b + (1-a)*residual (exponentially weighted).

    ``gaussian_process``: the residual is foretold from the last ``window`` ones, where the inputs
    are alike and the labels young (Rasmussen and Williams 2006, section 2.2). Two rows that are d
    apart in inputs divided by ``scales``, and k labels apart in age, are taken to covary by
    (constant_variance + local_variance * exp(-d*d / 2 / length**2)) * exp(-k / age).

    Neither ever moves the output further than ``limit``.
    """

    kind: Literal["bias", "gaussian_process"] = "bias"
    forgetting: float = Field(default=0.9, ge=0, lt=1)
    limit: float = Field(gt=0)
    window: int = Field(default=0, ge=0, le=2000)
    """Labels; the work of one grows with its cube: 0.01 s at 500."""
    ahead: float = Field(default=0, ge=0)
    """How many labels are still out when the output is given: the delay, counted in labels."""
    centres: list[float] = Field(default_factory=list)
    """By input: what stands for one that is missing."""
    scales: list[float] = Field(default_factory=list)
    """By input: one standard deviation in training."""
    length: float = Field(default=1, gt=0)
    """Distance, in scaled inputs, at which rows stop being alike."""
    age: float = Field(default=1, gt=0)
    """Labels until a residual counts for 1/e."""
    constant_variance: float = Field(default=0, ge=0)
    """Of what all rows share; this and the others in the square of the output's unit."""
    local_variance: float = Field(default=0, ge=0)
    noise_variance: float = Field(default=1, gt=0)


class Gate(_Model):
    """The operating state in which a model speaks: each tag within its bounds."""

    tag: str
    low: float | None = None
    high: float | None = None


class Drift(_Model):
    """When a model is to be doubted: watched at the edge over a sliding window of runs."""

    window: int = Field(default=168, ge=8)
    """Runs (or late labels, for residuals) that are looked at."""
    outside: float = Field(default=0.2, gt=0, le=1)
    """Share of runs with an input outside its envelope."""
    bias: float | None = Field(default=None, gt=0)
    """Mean residual against late labels, before correction, in the output's unit."""
    error: float | None = Field(default=None, gt=0)
    """Mean absolute residual after correction, in the output's unit."""
    latency_ms: float = Field(default=1000, gt=0)


class Cost(_Model):
    """What making it took."""

    seconds: float = Field(ge=0)
    device: str = "cpu"
    rows: int = Field(default=0, ge=0)


class DataSource(_Model):
    """The frozen data set that it was trained on."""

    name: str = ""
    version: int = 0
    hash: str = ""


class Card(_Model):
    """Everything about a version of a model but its weights."""

    format: Literal[1] = 1
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    version: int = Field(ge=1)
    task: Task
    algorithm: str
    title_en: str = ""
    title_zh: str = ""
    inputs: list[Input] = Field(min_length=1)
    outputs: list[Output] = Field(min_length=1)
    period_s: float = Field(default=1, gt=0)
    """How often it is run at the edge."""
    coverage: float = Field(default=0.9, gt=0, lt=1)
    """What share of true values the intervals hold."""
    correction: Correction | None = None
    gate: list[Gate] = Field(default_factory=list)
    drift: Drift = Field(default_factory=Drift)
    dataset: DataSource = Field(default_factory=DataSource)
    metrics: list[Metric] = Field(default_factory=list)
    baseline: str = ""
    """What it was compared with, in words: "the mean of the last 4 weeks at this hour"."""
    licence: str = ""
    owner: str = ""
    cost: Cost = Field(default_factory=lambda: Cost(seconds=0))
    created_us: int
    expires_us: int
    """After this an edge no longer runs it."""
    parameters: dict[str, str | int | float | bool] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sound(self) -> Card:
        for what, columns in (("input", self.inputs), ("output", self.outputs)):
            names = [one.name for one in columns]
            if len(set(names)) != len(names):
                raise ValueError(f"an {what} is named twice")
        if any(one.low > one.high for one in self.inputs):
            raise ValueError("an input's envelope is upside down")
        local = self.correction
        if local is not None and local.kind == "gaussian_process":
            if local.window < 1 or {len(local.centres), len(local.scales)} != {len(self.inputs)}:
                raise ValueError("its correction does not fit its inputs")
            if min(local.scales) <= 0:
                raise ValueError("its correction scales an input by nothing")
        if self.expires_us <= self.created_us:
            raise ValueError("it expires before it was made")
        return self
