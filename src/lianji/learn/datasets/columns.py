"""Which columns a specification means, of the tags that a history knows, and what they are in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from lianji.base.errors import Text
from lianji.dictionary.tag import Tag
from lianji.history.aggregates.names import aggregate_named
from lianji.history.history import History
from lianji.learn.datasets.manifest import FrozenColumn
from lianji.learn.datasets.spec import Column, DataSetSpec, invalid

QUALITY = ".quality"
"""What the name of a column's quality ends with."""


def columns_of(
    spec: DataSetSpec, history: History, tags: Mapping[str, Tag], where: str
) -> list[FrozenColumn]:
    """Columns in the order told, those of patterns behind them. Raises NotFound for a tag without
    samples, InputError for names that are told twice and for a target that is no column."""
    asked = [one.model_copy(update={"tag": path}) for one in spec.columns
             for path in history.paths([one.tag])]  # fmt: skip
    asked += [Column(tag=path) for path in (history.paths(spec.tags) if spec.tags else ())]
    uses = Counter((one.tag, _aggregate(one, spec)) for one in asked)
    times = Counter(one.tag for one in asked)
    found = []
    for one in asked:
        aggregate = _aggregate(one, spec)
        default = one.tag if times[one.tag] == 1 else f"{one.tag} {aggregate}"
        found.append(_frozen(one.name or default, one.tag, aggregate, tags.get(one.tag)))
    twice = [f"{tag} {aggregate}".strip() for (tag, aggregate), n in uses.items() if n > 1]
    names = [name for one in found for name in (one.name, one.name + QUALITY)]
    twice += [name for name, count in Counter([*names, "time"]).items() if count > 1]
    if twice:
        raise invalid(where, Text(f"{twice[0]!r} is told twice", f"{twice[0]!r} 重复"))
    targets = [one.name for one in found if spec.target in (one.name, one.tag)]
    if spec.target and len(targets) != 1:
        raise invalid(
            where,
            Text(f"target: {spec.target!r} is no column", f"target：没有名为 {spec.target!r} 的列"),
        )
    return found


def target_of(spec: DataSetSpec, columns: list[FrozenColumn]) -> FrozenColumn | None:
    return next((one for one in columns if spec.target in (one.name, one.tag)), None)


def _aggregate(column: Column, spec: DataSetSpec) -> str:
    return "" if spec.kind == "raw" else column.aggregate or spec.aggregate


def _frozen(name: str, path: str, aggregate: str, tag: Tag | None) -> FrozenColumn:
    own = tag.unit if tag is not None else ""
    return FrozenColumn(
        name=name,
        tag=path,
        aggregate=aggregate,
        unit=_unit(own, aggregate),
        tag_unit=own,
        kind="linear" if tag is None else str(tag.kind),
        low=None if tag is None else tag.low,
        high=None if tag is None else tag.high,
    )


def _unit(own: str, aggregate: str) -> str:
    """UCUM of what an aggregate of such a tag is in."""
    kind = aggregate_named(aggregate).unit if aggregate else "tag"
    compound = f"({own})" if any(sign in own for sign in "./") else own
    of_kind = {
        "tag": own,
        "tag.s": f"{own}.s" if own else "s",
        "tag2": f"{compound}2" if own else "",
    }
    return of_kind.get(kind, kind)
