"""What a run gives out: the tags of a version by its stage, its values, and how good they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lianji.dictionary.quality import SEVERITY_MASK, Quality
from lianji.dictionary.tag import Kind, Tag
from lianji.learn.deployment.stages import Stage
from lianji.learn.models.card import Card, Output

LOW, HIGH = "_low", "_high"
"""What the tags of the interval's ends end with."""


@dataclass(slots=True)
class Out:
    """Samples of one time, in columns."""

    paths: list[str] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    quality: list[int] = field(default_factory=list)

    def add(self, paths: list[str], values: list[float], quality: int) -> None:
        self.paths += paths
        self.values += values
        self.quality += [quality] * len(paths)


def place_of(card: Card, output: Output, site: str, stage: Stage, alone: bool) -> str:
    """Where an output goes. ``alone``: no other version of the model is active, so that an advisory
    one may write the real tag."""
    if stage is Stage.ACTIVE or (stage is Stage.ADVISORY and alone):
        return output.tag
    return f"{site}/models/{card.name}/{stage}/{output.name}"


def paths_of(card: Card, output: Output, site: str, stage: Stage, alone: bool) -> list[str]:
    """The output's tag, and behind it those of its interval if it has one."""
    place = place_of(card, output, site, stage, alone)
    return [place] if output.half_width is None else [place, place + LOW, place + HIGH]


def tags_of(card: Card, site: str) -> Iterator[Tag]:
    """All that a version may write, as tags of the dictionary."""
    for output in card.outputs:
        en, zh = output.title_en or output.name, output.title_zh or output.title_en or output.name
        for stage, words in (
            (Stage.ACTIVE, ("", "")),
            (Stage.ADVISORY, (", advisory", "（建议）")),
            (Stage.SHADOW, (", shadow", "（影子）")),
        ):
            ends = (("", ("", "")), (LOW, (", lower end", "下限")), (HIGH, (", upper end", "上限")))
            paths = paths_of(card, output, site, stage, alone=False)
            for path, (_, said) in zip(paths, ends, strict=False):
                yield Tag(
                    path=path,
                    unit=output.unit,
                    kind=Kind(output.kind),
                    description_en=en + said[0] + words[0],
                    description_zh=zh + said[1] + words[1],
                )


def quality_of(stage: Stage, outside: bool, uncertain: bool) -> int:
    """Of an output that was computed."""
    if outside:
        return int(Quality.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED)
    if uncertain or stage is Stage.ADVISORY:
        return int(Quality.UNCERTAIN)
    return int(Quality.GOOD)


def given(
    output: Output, value: float, half: float | None, quality: int
) -> tuple[list[float], int]:
    """The values behind ``paths_of``: nothing outside the limits of what can be is given out."""
    low = float("-inf") if output.low is None else output.low
    high = float("inf") if output.high is None else output.high
    if not low <= value <= high:
        none = float("nan")
        out = int(Quality.BAD_OUT_OF_RANGE)
        return ([none] if output.half_width is None else [none] * 3), out
    if output.half_width is None:
        return [value], quality
    width = output.half_width if half is None else half
    return [value, max(low, value - width), min(high, value + width)], quality


def is_uncertain(quality: int) -> bool:
    return quality & SEVERITY_MASK == Quality.UNCERTAIN
