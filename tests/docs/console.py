"""Transcripts in the documentation, run again: what they show is what happens.

A block marked ``<!-- tested -->`` is run line by line in one shell, in an empty folder, with the
installed ``lianji`` in the path. Its output must be what the page shows; numbers, times and hex
may differ, and a line ``...`` stands for any number of lines.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"<!-- tested -->\n+```(console|python)\n(.*?)```", re.DOTALL)
_END = "@@@ ended with "
_NUMBER = re.compile(r"-?\d[\d.,:_TZ-]*(?:e[+-]?#?\d+)?")
_HEX = re.compile(r"(?<!\S)[0-9a-f]{2}(?: [0-9a-f]{2})*(?!\S)")
SHELL_S_MAX = 100


@dataclass(slots=True)
class Step:
    """One command and what the page says that it prints."""

    command: str
    shown: list[str]


def blocks(page: Path) -> list[tuple[str, str]]:
    """The tested blocks of a page: its language and its text."""
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


def steps(text: str) -> list[Step]:
    """``$`` begins a command, ``>`` goes on with it, anything else is output."""
    found: list[Step] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:], []))
        elif line.startswith("> ") and not found[-1].shown:
            found[-1].command += "\n" + line[2:]
        else:
            found[-1].shown.append(line)
    return found


def run_steps(some: list[Step], folder: Path, language: str) -> list[tuple[int, list[str]]]:
    """Run the commands in one shell; exit code and printed lines of each."""
    script = "".join(f'{step.command}\necho "{_END}$?"\n' for step in some)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=_environment(language),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SHELL_S_MAX,
        check=False,
    )
    results: list[tuple[int, list[str]]] = []
    lines: list[str] = []
    for line in done.stdout.splitlines():
        if line.startswith(_END):
            results.append((int(line.removeprefix(_END)), lines))
            lines = []
        else:
            lines.append(line)
    return results


def run_python(text: str, folder: Path) -> None:
    """Run a snippet; its comments say what it gives and are not compared."""
    subprocess.run(
        [sys.executable, "-c", text], cwd=folder, env=_environment("en"), check=True, timeout=60
    )


def _environment(language: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIANJI_")}
    programs = Path(sys.executable).parent
    return kept | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "LIANJI_LANG": language,
        "PYTHONUNBUFFERED": "1",
    }


def alike(shown: list[str], printed: list[str]) -> bool:
    """Whether the lines agree but for what differs from run to run."""
    if not shown:
        return not printed
    if shown[0].strip() == "...":
        return any(alike(shown[1:], printed[start:]) for start in range(len(printed) + 1))
    return (
        bool(printed) and _plain(shown[0]) == _plain(printed[0]) and alike(shown[1:], printed[1:])
    )


def _plain(line: str) -> str:
    line = _HEX.sub("#", re.sub(r"\s{2,}", "  ", line.strip()))
    return " ".join(_NUMBER.sub("#", line).split())
