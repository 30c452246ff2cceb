"""What the processes of a job use, read from ``/proc`` (proc(5))."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")
_STATE, _GROUP, _UTIME, _STIME, _CUTIME, _CSTIME, _START, _RESIDENT = 0, 2, 11, 12, 13, 14, 19, 21
"""Places in ``stat`` behind the command."""


def started(pid: int) -> str:
    """What tells a process from a later one of the same number, or nothing where it is gone."""
    fields = _stat(pid)
    if not fields or fields[_STATE] in "ZX":
        return ""
    return f"{_boot()}:{fields[_START]}"


def used(group: int) -> tuple[float, int]:
    """CPU seconds and bytes of memory of a process group. What its processes share is counted
    once, by proportion, where there are several."""
    ticks, resident, members = 0, 0, []
    for entry in _PROC.iterdir():
        if not entry.name.isdecimal():
            continue
        fields = _stat(int(entry.name))
        if fields and int(fields[_GROUP]) == group and fields[_STATE] not in "ZX":
            members.append(int(entry.name))
            ticks += sum(int(fields[place]) for place in (_UTIME, _STIME, _CUTIME, _CSTIME))
            resident += int(fields[_RESIDENT]) * _PAGE
    if len(members) > 1:
        resident = sum(map(_proportional, members))
    return ticks / _TICKS, resident


def peak(pid: int) -> int:
    """The most bytes of memory that one process ever had; 0 where it is gone."""
    return _kib(pid, "status", "VmHWM:")


def _proportional(pid: int) -> int:
    return _kib(pid, "smaps_rollup", "Pss:")


def _kib(pid: int, file: str, name: str) -> int:
    """A figure in KiB, as bytes; 0 where it is not told."""
    try:
        for line in (_PROC / str(pid) / file).read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


def _stat(pid: int) -> list[str]:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except (OSError, ValueError):
        return []
    return text.rpartition(")")[2].split()


def _boot() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
