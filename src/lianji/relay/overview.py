"""A hub's view of its plants: one row an edge, and what is wrong with it, the worst first.

Pure: it takes what is known of an edge (its row among the edges, its last report, what its records
brought) and says what that means. ``node.plants`` gathers it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lianji.relay.limits import Use
from lianji.relay.plant_row import PlantRow, State, Trouble
from lianji.relay.remembered import Line
from lianji.relay.trust.invites import Invite
from lianji.relay.trust.peer import EdgeRow

SILENT_US = 90_000_000
"""An edge speaks every 20 seconds or so."""
SILENT_LONG_US = 300_000_000
PARTED_US = 900_000_000
"""So long after a body that does not fit, another history is taken to be still speaking."""
HOURS_LEFT_MIN = 4.0
CERTIFICATE_US_MIN = 3 * 86_400_000_000
GAP_US = 86_400_000_000
DISK_BYTES_MIN = 1024**3
ILL = ("fault", "degraded")
UNLIMITED = Use(None, None, 0, slowed=False)

ALARMS = frozenset({"parted", "silent", "spool", "expired", "certificate"})
"""These are problems of the hub's own; the others are told on the page only."""


class Now:
    """What is the same for all rows of one moment."""

    def __init__(
        self, now_us: int, started_us: int, version: str, certificate_days: float = 30.0
    ) -> None:
        """``started_us``: when the hub's door opened. Before, nobody could speak."""
        self.now_us = now_us
        self.started_us = started_us
        self.version = version
        # where certificates live for days, three days before the end is nothing special
        self.soon_us = min(CERTIFICATE_US_MIN, int(certificate_days * 86_400e6 / 4))


def row_of(
    edge: EdgeRow,
    line: Line | None,
    now: Now,
    backlog_hours: float | None = None,
    aside: int = 0,
    use: Use = UNLIMITED,
) -> PlantRow:
    """``line``: what was heard of it, in this life of the hub and before; None: nothing ever.
    ``use``: what it may bring, and has brought."""
    line = line or Line()
    report = line.report
    relay, spool = part_of(report, "relay"), part_of(report, "spool")
    version = str(part_of(report, "versions").get("lianji", ""))
    devices = report.get("devices")
    row = PlantRow(
        name=edge.name,
        sites=list(edge.sites),
        state=_state(edge, line, now),
        troubles=[],
        severity=0,
        heard_us=line.heard_us or None,
        joined_us=edge.joined_us,
        until_us=edge.not_after_us,
        newest_us=line.newest_us or None,
        lag_s=(now.now_us - line.newest_us) / 1e6 if line.newest_us else None,
        lag_records=_number(relay.get("live_lag")),
        backlog_records=_number(relay.get("backlog")),
        lanes=_number(relay.get("lanes")),
        backlog_hours=backlog_hours,
        hours_left=_real(spool.get("hours_left")),
        gaps=line.gaps,
        gap_rows=line.gap_rows,
        last_gap_us=line.last_gaps[-1]["end_us"] if line.last_gaps else None,
        samples_per_s=_real(report.get("samples_per_s")),
        refused_tags=len(line.refused),
        refused_rows=line.refused_rows,
        aside=aside,
        version=version,
        other_version=bool(version) and version != now.version,
        disk_free_bytes=_number(part_of(report, "disk").get("free_bytes")),
        devices=len(devices) if isinstance(devices, list) else None,
        devices_ill=sum(one.get("state") in ILL for one in devices_of(report)),
        samples_per_s_max=use.samples_per_s,
        bytes_a_day_max=use.bytes_a_day,
        bytes_today=use.bytes_today,
    )
    row.troubles = _troubles(row, report, now, use)
    row.severity = 2 if ALARMS & {*row.troubles} else 1 if row.troubles else 0
    return row


def invited_row(invite: Invite) -> PlantRow:
    """Who is invited and has never joined."""
    return PlantRow(
        name=invite.edge,
        sites=list(invite.sites),
        state="invited",
        troubles=[],
        severity=0,
        until_us=invite.expires_us,
    )


def in_order(rows: Iterable[PlantRow]) -> list[PlantRow]:
    """Trouble first, then by name; those that are shut out last."""
    return sorted(rows, key=lambda row: (row.state == "revoked", -row.severity, row.name))


def seen_by(rows: Iterable[PlantRow], sees: Callable[[str], bool] | None) -> list[PlantRow]:
    """Those that somebody may see who sees these sites only (None: all): the one place where the
    list is cut. An edge is seen if it may write nothing but those sites."""
    if sees is None:
        return list(rows)
    return [row for row in rows if row.sites and all(map(sees, row.sites))]


def devices_of(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An edge's devices as it last reported them, whatever else it may have sent."""
    devices = report.get("devices")
    listed = devices if isinstance(devices, list) else []
    return [one for one in listed if isinstance(one, dict)]


def silent_us(line_heard_us: int, joined_us: int, now: Now) -> int:
    """How long an edge that could have spoken has not."""
    return now.now_us - max(line_heard_us, joined_us, now.started_us)


def _state(edge: EdgeRow, line: Line, now: Now) -> State:
    if edge.revoked_us is not None:
        return "revoked"
    if part_of(line.report, "relay").get("parted") or now.now_us - line.parted_us < PARTED_US:
        return "parted"
    if silent_us(line.heard_us, edge.joined_us, now) >= SILENT_US:
        return "expired" if now.now_us >= edge.not_after_us else "silent"
    return "up" if now.now_us - line.heard_us < SILENT_US else "waiting"


def _troubles(row: PlantRow, report: Mapping[str, Any], now: Now, use: Use) -> list[Trouble]:
    if row.state == "revoked":
        return []
    found: dict[Trouble, bool] = {
        "parted": row.state == "parted",
        "silent": _is_silent(row, now),
        "expired": row.state == "expired",
        "spool": row.hours_left is not None and row.hours_left < HOURS_LEFT_MIN,
        "certificate": row.state != "expired" and (row.until_us or 0) - now.now_us < now.soon_us,
        "late": row.state == "silent" and not _is_silent(row, now),
        "problems": bool(report.get("problems")),
        "devices": row.devices_ill > 0,
        "gaps": now.now_us - (row.last_gap_us or 0) < GAP_US,
        "refused": row.refused_tags > 0,
        "aside": row.aside > 0,
        "disk": row.disk_free_bytes is not None and row.disk_free_bytes < DISK_BYTES_MIN,
        "limited": use.slowed,
    }
    return [trouble for trouble, is_so in found.items() if is_so]


def _is_silent(row: PlantRow, now: Now) -> bool:
    quiet_us = silent_us(row.heard_us or 0, row.joined_us or 0, now)
    return row.state in ("silent", "expired", "parted") and quiet_us >= SILENT_LONG_US


def part_of(report: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a report; empty where an edge of another version has sent something else."""
    part = report.get(name)
    return part if isinstance(part, dict) else {}


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _real(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


class Paces:
    """How fast each edge's backlog becomes less, from its reports of the last minutes."""

    SPAN_US = 300_000_000

    def __init__(self) -> None:
        self._seen: dict[str, list[tuple[int, int]]] = {}

    def note(self, edge: str, at_us: int, backlog: int) -> None:
        """Take a report; the same one twice counts once."""
        seen = self._seen.setdefault(edge, [])
        if seen and at_us <= seen[-1][0]:
            return
        if seen and backlog > seen[-1][1]:
            seen.clear()  # a line broke again: what was before says nothing
        seen.append((at_us, backlog))
        self._seen[edge] = [one for one in seen if at_us - one[0] <= self.SPAN_US]

    def hours(self, edge: str) -> float | None:
        """Until nothing is left; None where that cannot be told."""
        seen = self._seen.get(edge, [])
        if not seen or not seen[-1][1]:
            return 0.0 if seen else None
        (first_us, most), (last_us, left) = seen[0], seen[-1]
        if most <= left:
            return None
        return left * (last_us - first_us) / (most - left) / 3.6e9
