"""What every suite shares: its rows, the machine that it ran on, the table and the JSON file.

A row is a measure, its value and unit, and where they exist a rival's value from the same run, how
many times better than the rival we are, and the goal. Figures of different machines are never to
be compared, so the machine is told with each.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

OUT = Path(__file__).parent / "out"
PLACE = "LIANJI_BENCH_DIR"
"""The variable that names the folder of plants and rivals' data; else the system's /tmp."""
_IN_MEMORY = {"tmpfs", "ramfs"}
_SYNCS = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. ``ratio`` says how many times better than the rival it is."""

    measure: str
    value: float | None
    unit: str
    rival: str = ""
    rival_value: float | None = None
    ratio: float | None = None
    goal: str = ""
    note: str = ""


def against(
    measure: str,
    value: float,
    unit: str,
    rival: str,
    rival_value: float,
    goal: str = "",
    note: str = "",
) -> Row:
    """A row of a figure of which more is better, beside a rival's."""
    return Row(measure, value, unit, rival, rival_value, value / rival_value, goal, note)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a suite ran on, and how busy that was before it began."""

    cores: int
    cpu: str
    memory_gb: float
    kernel: str
    python: str
    load_1min: float
    disk: str
    fsync_p50_ms: float
    fsync_p95_ms: float
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @classmethod
    def this(cls) -> Machine:
        place = work_place()
        with tempfile.TemporaryDirectory(dir=place) as folder:
            syncs = sorted(_sync_times_ms(Path(folder) / "probe"))
        system = _file_system(place)
        kind = "memory, not a disk" if system in _IN_MEMORY else "a disk"
        return cls(
            cores=len(os.sched_getaffinity(0)),
            cpu=_first_field(Path("/proc/cpuinfo"), "model name") or platform.machine(),
            memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
            kernel=platform.release(),
            python=platform.python_version(),
            load_1min=round(os.getloadavg()[0], 2),
            disk=f"{place}: {system}, {kind}",
            fsync_p50_ms=round(median(syncs), 2),
            fsync_p95_ms=round(syncs[int(len(syncs) * 0.95)], 2),
        )

    def sentence(self) -> str:
        return (
            f"{self.cores} cores of {self.cpu}, {self.memory_gb} GB, Linux {self.kernel}, Python "
            f"{self.python}, load {self.load_1min} at the start; {self.disk}, a 4 KiB write and "
            f"fsync takes {self.fsync_p50_ms} ms (p95 {self.fsync_p95_ms} ms)"
        )


def work_place() -> Path:
    return Path(os.environ.get(PLACE) or tempfile.gettempdir())


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder for one plant or rival, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="lianji-bench-", dir=work_place()) as folder:
        yield Path(folder)


def _sync_times_ms(path: Path) -> list[float]:
    times = []
    with path.open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            started = time.perf_counter()
            file.write(b"\x5a" * 4096)
            os.fsync(file.fileno())
            times.append((time.perf_counter() - started) * 1000)
    return times


def _file_system(place: Path) -> str:
    """The type of the file system that holds a folder: the longest mount point above it."""
    resolved, best, system = place.resolve(), Path(), "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        mount = Path(line.split()[1].replace("\\040", " "))
        if resolved.is_relative_to(mount) and len(mount.parts) >= len(best.parts):
            best, system = mount, line.split()[2]
    return system


def _first_field(path: Path, name: str) -> str:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def report(name: str, rows: Sequence[dict[str, Any]], machine: Machine, console: Console) -> Path:
    """Print the table of a suite and write ``out/<name>.json``: an object of machine and rows."""
    command = f"make bench SUITE={name}"
    full = [{**asdict(Row("", None, "")), **row, "command": command} for row in rows]
    console.print(_table(name, full))
    console.print(machine.sentence(), style="dim", soft_wrap=True)
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.json"
    content = {"suite": name, "machine": asdict(machine), "rows": full}
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return path


def _table(name: str, rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title=f"bench {name}", title_justify="left")
    for column in ("measure", "value", "unit", "rival", "rival's", "ratio", "goal", "note"):
        table.add_column(column, justify="right" if column in ("value", "rival's") else "left")
    for row in rows:
        ratio = f"{row['ratio']:.2f} x" if row["ratio"] is not None else ""
        table.add_row(
            row["measure"],
            _figure(row["value"]),
            row["unit"],
            row["rival"],
            _figure(row["rival_value"]),
            ratio,
            _figure(row["goal"]),
            row["note"],
        )
    return table


def _figure(value: float | str | None) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.1f}"
