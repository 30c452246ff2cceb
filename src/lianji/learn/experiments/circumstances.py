"""Which code runs on what: asked once, when a run begins. What cannot be told stays empty."""

from __future__ import annotations

import os
import platform
import resource
import socket
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lianji.learn.experiments.record import Code, Machine

_GIT_S_MAX = 10


def code_of(folder: Path) -> Code:
    """``folder`` is where the code lies; it need not be a git checkout."""
    commit = _git(folder, "rev-parse", "HEAD")
    changed = bool(commit and _git(folder, "status", "--porcelain", "--untracked-files=no"))
    return Code(lianji=_version(), commit=commit, changed=changed, program=Path(sys.argv[0]).name)


def machine() -> Machine:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        host=socket.gethostname(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=max(0, pages),
    )


def cpu_s() -> float:
    """Of this process and of those children that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def memory_bytes_max() -> int:
    """The highest resident memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _version() -> str:
    try:
        return version("lianji")
    except PackageNotFoundError:
        return ""


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_GIT_S_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
