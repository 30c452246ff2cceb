"""What counts as bad, and how much of it spoils an interval (OPC 10000-13, 4.2.1.2)."""

from __future__ import annotations

from dataclasses import dataclass

from lianji.base.errors import InputError, Text


@dataclass(frozen=True, slots=True)
class Rules:
    """The standard's AggregateConfiguration, with the standard's defaults.

    Raises InputError for percentages that the standard calls Bad_AggregateInvalidInputs: beyond
    0 to 100, or so low that an interval could be good and bad at once.
    """

    treat_uncertain_as_bad: bool = True
    percent_data_bad: int = 100
    percent_data_good: int = 100
    use_sloped_extrapolation: bool = False

    def __post_init__(self) -> None:
        bad, good = self.percent_data_bad, self.percent_data_good
        if not (0 <= bad <= 100 and 0 <= good <= 100 and good >= 100 - bad):
            raise InputError(
                "aggregate-percent",
                Text(
                    f"{good} % good and {bad} % bad leave it open what an interval is.",
                    f"良好 {good}% 与不良 {bad}% 的组合无法判定区间的质量。",
                ),
                Text(
                    "Take percentages from 0 to 100 that add up to 100 or more.",
                    "两个百分比都应在 0 到 100 之间，且相加不小于 100。",
                ),
            )


STANDARD = Rules()
"""The standard's defaults."""
