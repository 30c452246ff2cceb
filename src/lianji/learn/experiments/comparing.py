"""Runs side by side: what differs between them, and which is best in what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lianji.learn.experiments import faults
from lianji.learn.experiments.record import Better, DataUsed, Found, Value


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter, or something else that was the same or not, in the order of the runs."""

    name: str
    values: list[Value]
    differs: bool


@dataclass(frozen=True, slots=True)
class MetricRow:
    """The last value of a metric in each run; ``best`` are the places of the best of them."""

    name: str
    values: list[float | None]
    better: Better | None
    best: frozenset[int]
    by_step: bool
    """Whether any run has it at several steps, so that it can be drawn."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """``runs`` in their order; rows have a value a run."""

    runs: list[Found]
    parameters: list[Row]
    circumstances: list[Row]
    metrics: list[MetricRow]

    @property
    def same(self) -> list[Row]:
        """What all have alike."""
        return [row for row in (*self.parameters, *self.circumstances) if not row.differs]

    def metric(self, name: str) -> MetricRow:
        """Raises NotFound."""
        for row in self.metrics:
            if row.name == name:
                return row
        raise faults.unknown_metric(name, [row.name for row in self.metrics])


def compare(runs: Sequence[Found], sort: str = "", worst_first: bool = False) -> Comparison:
    """Set runs side by side, sorted by a metric: the best first where it is known which way is
    good, else the lowest. Runs without it come last. Without a metric they stay in their order.

    Raises NotFound for a metric that none of them has.
    """
    found = _compared(runs)
    if not sort:
        return found
    row = found.metric(sort)
    sign = -1 if (row.better == "high") != worst_first else 1
    told = [(value, run) for value, run in zip(row.values, runs, strict=True) if value is not None]
    rest = [run for value, run in zip(row.values, runs, strict=True) if value is None]
    told.sort(key=lambda item: sign * item[0])
    return _compared([*(run for _, run in told), *rest])


def _compared(runs: Sequence[Found]) -> Comparison:
    names = _in_order(name for run in runs for name in run.record.parameters)
    parameters = [
        _row(name, [run.record.parameters.get(name) for run in runs]) for name in sorted(names)
    ]
    metrics = _in_order(name for run in runs for name in run.metrics)
    return Comparison(
        list(runs), parameters, _circumstances(runs), [_metric(name, runs) for name in metrics]
    )


def _circumstances(runs: Sequence[Found]) -> list[Row]:
    records = [run.record for run in runs]
    told: list[tuple[str, list[Value]]] = [
        ("data", [", ".join(map(data_text, one.data)) for one in records]),
        ("code", [code_text(run) for run in runs]),
        ("machine", [one.machine.host for one in records]),
        ("device", [one.cost.device for one in records]),
    ]
    return [_row(name, values) for name, values in told if any(values)]


def data_text(data: DataUsed) -> str:
    """``name@version`` with the beginning of its hash."""
    version = f"@{data.version}" if data.version else ""
    part = f" {data.part}" if data.part else ""
    return f"{data.name}{version}{part} {data.hash[:12]}".strip()


def code_text(run: Found) -> str:
    code = run.record.code
    commit = code.commit[:12] + ("+" if code.changed else "")
    return f"lianji {code.lianji} {commit}".strip()


def _row(name: str, values: list[Value]) -> Row:
    return Row(name, values, len({(type(value), value) for value in values}) > 1)


def _metric(name: str, runs: Sequence[Found]) -> MetricRow:
    values = [run.value(name) for run in runs]
    ways = {run.record.better_of(name) for run in runs if name in run.metrics}
    better = ways.pop() if len(ways) == 1 else None
    finite = [value for value in values if value is not None]
    best: frozenset[int] = frozenset()
    if better and len(finite) > 1:
        top = min(finite) if better == "low" else max(finite)
        best = frozenset(n for n, value in enumerate(values) if value == top)
    many = any(run.metrics[name].count > 1 for run in runs if name in run.metrics)
    return MetricRow(name, values, better, best, many)


def _in_order(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
