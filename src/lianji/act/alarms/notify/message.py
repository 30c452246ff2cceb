"""What a notification says. Pure: folded alarms in, words out.

A flood of one group is one line that counts its alarms; the page has them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal

from lianji.act.alarms.flood import Fold
from lianji.act.alarms.lines import AlarmLine
from lianji.base.clock import from_us
from lianji.base.errors import Text

Tongue = Literal["en", "zh", "both"]
LINES_MAX = 50
_PRIORITIES = {
    1: Text("critical", "紧急"),
    2: Text("high", "高"),
    3: Text("medium", "中"),
    4: Text("low", "低"),
}


@dataclass(frozen=True, slots=True)
class Message:
    """One notification. ``folds`` hold only what is new or repeated, the most urgent first."""

    site: str
    folds: tuple[Fold[AlarmLine], ...]
    flood_sizes: tuple[int, ...]
    """How many alarms each fold's flood has in all, told before or not; 1: no flood."""
    zone: tzinfo = UTC
    tongue: Tongue = "both"
    page: str = ""

    @property
    def alarms(self) -> list[AlarmLine]:
        return [line for fold in self.folds for line in fold.lines]

    @property
    def title(self) -> str:
        """One line: how many, where, and the most urgent in words."""
        alarms = self.alarms
        first, count = alarms[0], len(alarms)
        words = _both(first.message, self.tongue)
        if count == 1:
            return _plain(f"[{self.site}] {_priority(first, self.tongue)}: {words}")
        more = _both(Text(f"{count} alarms", f"{count} 条报警"), self.tongue)
        return _plain(f"[{self.site}] {more}: {words}")

    def paragraphs(self) -> list[str]:
        """One paragraph an alarm or flood."""
        shown = [
            _paragraph(fold, size, self)
            for fold, size in zip(self.folds, self.flood_sizes, strict=True)
        ]
        rest = len(shown) - LINES_MAX
        if rest > 0:
            more = Text(f"... and {rest} more", f"……另有 {rest} 条")
            shown = [*shown[:LINES_MAX], _both(more, self.tongue)]
        return shown

    def text(self) -> str:
        page = [f"{self.page.rstrip('/')}/alarms"] if self.page else []
        return "\n\n".join([*self.paragraphs(), *page]) + "\n"

    def as_json(self) -> dict[str, Any]:
        """What a webhook gets."""
        return {
            "site": self.site,
            "title": self.title,
            "text": self.text(),
            "alarms": [_alarm_json(line) for line in self.alarms],
            "floods": [
                {"group": fold.group, "alarms": size}
                for fold, size in zip(self.folds, self.flood_sizes, strict=True)
                if size > 1
            ],
        }


def _paragraph(fold: Fold[AlarmLine], size: int, message: Message) -> str:
    tongue, line = message.tongue, fold.lines[0]
    head = f"[{_priority(line, tongue)}]"
    if size > 1:
        new = len(fold.lines)
        count = Text(
            f"{fold.group}: {size} alarms at once ({new} not told before)",
            f"{fold.group}：同时 {size} 条报警（其中 {new} 条为新通知）",
        )
        return _plain(f"{head} {_both(count, tongue)}")
    since = _clock(line.raised_us, message.zone)
    value = "" if line.value is None else f" ({line.value:g} {line.unit})".replace(" )", ")")
    sentences = [f"{head} {_both(line.message, tongue)}{value}, {since}"]
    action = _both(line.action, tongue)
    if action:
        sentences.append(f"{_both(Text('What to do', '处理方法'), tongue)}: {action}")
    return "\n".join(map(_plain, sentences))


def _priority(line: AlarmLine, tongue: Tongue) -> str:
    return _both(_PRIORITIES.get(int(line.priority), Text("", "")), tongue)


def _both(text: Text, tongue: Tongue) -> str:
    if tongue != "both":
        return text.in_language(tongue)
    return text.en if text.en == text.zh else f"{text.zh} / {text.en}".strip(" /")


def _clock(time_us: int | None, zone: tzinfo) -> str:
    if time_us is None:
        return ""
    when: datetime = from_us(time_us).astimezone(zone)
    return when.strftime("%Y-%m-%d %H:%M:%S %z")


def _plain(text: str) -> str:
    """Without line ends and control characters, which names from outside may hold."""
    return "".join(one if one.isprintable() else " " for one in text)


def _alarm_json(line: AlarmLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "state": line.state.value,
        "priority": int(line.priority),
        "group": line.group,
        "tag": line.tag,
        "message": {"en": line.message.en, "zh": line.message.zh},
        "action": {"en": line.action.en, "zh": line.action.zh},
        "value": line.value,
        "unit": line.unit,
        "raised": from_us(line.raised_us).isoformat() if line.raised_us is not None else None,
    }


def due_folds(
    folds: Sequence[Fold[AlarmLine]], due: set[str]
) -> tuple[tuple[Fold[AlarmLine], ...], tuple[int, ...]]:
    """Of a folded list what is to be told now, and how large each flood is in all."""
    found, sizes = [], []
    for fold in folds:
        lines = tuple(line for line in fold.lines if line.id in due)
        if lines:
            found.append(Fold(fold.group, lines))
            sizes.append(len(fold.lines))
    return tuple(found), tuple(sizes)
