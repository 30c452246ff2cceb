"""What must hold after a drill: every site's range is whole, its counts and sums are right, and
nothing is there twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lianji.base.errors import NotFound
from lianji.history.backup.logs import open_log
from lianji.node.drill.edges import STEP_US, SimulatedEdge
from lianji.node.folder import PlantFolder
from lianji.node.opened import OpenedPlant


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``what`` says it in plain words."""

    name: str
    passed: bool
    what: str


@dataclass(frozen=True, slots=True)
class SiteSum:
    """What the table has of a site. Times are microseconds, UTC."""

    rows: int
    start_us: int
    end_us: int


def count_of(folder: PlantFolder, edge: SimulatedEdge) -> int:
    """How many samples of an edge a hub has, its table and its spool together."""
    return len(_times(folder, edge))


def check_edge(hub: str, folder: PlantFolder, edge: SimulatedEdge) -> list[Check]:
    """Range, count and aggregates of an edge at a hub against what it sent."""
    start_us, end_us = edge.start_us, edge.start_us + edge.sent * STEP_US
    times = _times(folder, edge)
    wanted = edge.start_us + np.arange(edge.sent) * STEP_US
    missing = len(np.setdiff1d(wanted, times))
    doubled = int(len(times) - len(np.unique(times)))
    checks = [
        Check(f"range {hub} {edge.name}", not missing,
              f"{hub} lacks {missing:,} of {edge.sent:,} samples of {edge.name}"),
        Check(f"once {hub} {edge.name}", not doubled and len(times) <= edge.sent,
              f"{hub} has {doubled:,} samples of {edge.name} twice"),
    ]  # fmt: skip
    if not edge.sent:
        return checks
    history = OpenedPlant(folder.root).history
    found = history.aggregate(
        edge.tag, start_us, end_us, end_us - start_us, ["count", "minimum", "maximum"]
    ).to_pylist()[0]
    told = [float(found[name]) for name in ("count", "minimum", "maximum")]
    right = [float(edge.sent), 0.0, float(edge.sent - 1)]
    checks.append(
        Check(f"aggregates {hub} {edge.name}", told == right,
              f"count, minimum, maximum of {edge.name} at {hub}: {told}, and should be {right}")
    )  # fmt: skip
    corrected = history.modified(edge.tag, start_us, end_us).num_rows
    checks.append(
        Check(f"unmodified {hub} {edge.name}", not corrected,
              f"{corrected:,} samples of {edge.name} were corrected at {hub}")
    )  # fmt: skip
    return checks


def sites_of(folder: PlantFolder, without: Sequence[str] = ()) -> dict[str, SiteSum]:
    """What the table of a hub that stands still has, by site."""
    found: dict[str, SiteSum] = {}
    try:
        files = open_log(folder.history).files
    except FileNotFoundError:
        return found
    for file in files:
        if file.site in without:
            continue
        mine = found.get(file.site, SiteSum(0, file.start_us, file.end_us))
        found[file.site] = SiteSum(
            mine.rows + file.rows,
            min(mine.start_us, file.start_us),
            max(mine.end_us, file.end_us),
        )
    return found


def check_sites(
    before: dict[str, SiteSum], first: dict[str, SiteSum], second: dict[str, SiteSum]
) -> list[Check]:
    """What was there before is at the first hub, and the second has the same.

    (The first hub's table may have more than before, of what was in its spool alone.)
    """
    checks = []
    for site, there in sorted(first.items()):
        was = before.get(site, SiteSum(0, there.start_us, there.end_us))
        kept = was.rows <= there.rows and there.start_us <= was.start_us <= was.end_us
        what = f"of {site} the first hub has {there.rows:,} rows, and had {was.rows:,}"
        checks.append(Check(f"site first {site}", kept and was.end_us <= there.end_us, what))
        what = f"of {site} the second hub has {_told(second.get(site))}, the first {there.rows:,}"
        checks.append(Check(f"site second {site}", second.get(site) == there, what))
    lost = sorted(set(before) - set(first))
    return [*checks, *(Check(f"site first {site}", False, f"{site} is gone") for site in lost)]


def _told(site: Any) -> str:
    return f"{site.rows:,} rows" if site else "nothing"


def _times(folder: PlantFolder, edge: SimulatedEdge) -> Any:
    history = OpenedPlant(folder.root).history
    end_us = edge.start_us + max(1, edge.sent) * STEP_US
    try:
        table = history.read(edge.tag, edge.start_us, end_us)
    except NotFound:
        return np.empty(0, np.int64)
    return table.column("time").cast("int64").to_numpy()
