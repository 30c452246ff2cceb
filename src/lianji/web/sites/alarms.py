"""The alarms of some sites: those whose tag is below one; alarms of no tag are the plant's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lianji.act.alarms.alarm import Defined
from lianji.act.alarms.definition import AlarmDefinition
from lianji.act.alarms.lines import AlarmLine, Summary, summary_of
from lianji.act.alarms.troubles import unknown
from lianji.base.errors import LianjiError, Text
from lianji.dictionary.expression import parse
from lianji.dictionary.expression_words import ExpressionError
from lianji.web.access.sites import Sites
from lianji.web.ports import AlarmsView

PAGE = 1_000
_WILD = frozenset("*?[")


class SiteAlarms:
    """An AlarmsView over the plant's own."""

    def __init__(self, whole: AlarmsView, sites: Sites) -> None:
        self._whole = whole
        self._sites = sites

    @property
    def error(self) -> LianjiError | None:
        """That nobody watches, without the words of what is wrong: they may name anything."""
        if self._whole.error is None:
            return None
        return LianjiError(
            "alarms-unsure",
            Text(
                "Alarms are not evaluated, or not kept, at present.", "报警目前未被计算或未被保存。"
            ),
            Text("Tell whoever looks after the plant.", "请通知工厂负责人。"),
        )

    @property
    def version(self) -> int:
        return self._whole.version

    def listed(self) -> list[AlarmLine]:
        return [line for line in self._whole.listed() if self._sites.sees(line.tag)]

    def standing_out(self) -> list[AlarmLine]:
        return [line for line in self._whole.standing_out() if self._sites.sees(line.tag)]

    def summary(self) -> Summary:
        return summary_of(self.standing_out())

    def defined(self) -> list[Defined]:
        """Rows of one site that name nothing of another."""
        return [one for one in self._whole.defined() if self._names_own(one.row.definition)]

    def _names_own(self, definition: AlarmDefinition) -> bool:
        if _WILD & set(definition.tag.partition("/")[0]):
            return False
        named = [definition.tag]
        for text in (definition.expression, definition.suppress_when):
            try:
                named += parse(text).tags if text else ()
            except ExpressionError:
                return False
        return all(name.startswith("./") or self._sites.sees(name) for name in named)

    def journal(
        self,
        start_us: int,
        end_us: int,
        alarm: str = "",
        before: int | None = None,
        limit: int = 200,
    ) -> list[dict[str, Any]]:
        if alarm:
            seen = self._sees(alarm)
            return self._whole.journal(start_us, end_us, alarm, before, limit) if seen else []
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            lines = self._whole.journal(start_us, end_us, "", before, PAGE)
            found += [line for line in lines if self._sees(line["alarm"])]
            if len(lines) < PAGE:
                break
            before = lines[-1]["id"]
        return found[:limit]

    def acknowledge(self, alarms: Sequence[str], who: str, note: str = "") -> int:
        return self._whole.acknowledge(self._own(alarms), who, note)

    def shelve(self, alarms: Sequence[str], minutes: float, who: str, note: str) -> int:
        return self._whole.shelve(self._own(alarms), minutes, who, note)

    def unshelve(self, alarms: Sequence[str], who: str) -> int:
        return self._whole.unshelve(self._own(alarms), who)

    def take_out(self, alarms: Sequence[str], who: str, note: str) -> int:
        return self._whole.take_out(self._own(alarms), who, note)

    def put_back(self, alarms: Sequence[str], who: str) -> int:
        return self._whole.put_back(self._own(alarms), who)

    def _own(self, alarms: Sequence[str]) -> Sequence[str]:
        """The same. Raises NotFound for one of another site, as for one that is not there."""
        for alarm in alarms:
            if not self._sees(alarm):
                raise unknown(alarm)
        return alarms

    def _sees(self, alarm: str) -> bool:
        return self._sites.sees(alarm.rpartition("#")[0])
