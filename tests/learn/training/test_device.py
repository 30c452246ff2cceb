"""A training that names no chip runs on any: here on the CPU, and on a chip that is none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lianji.learn.checkpoint import Checkpointer

pytest.importorskip("torch")

REPO = Path(__file__).parents[3]
SCRIPT = "tests/learn/training/portable.py"
CHIP = ["-m", "tests.learn.training.fakechip"]


def start(folder: Path, *before: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *before, SCRIPT, str(folder)],
        cwd=REPO,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    """What the script printed, and what was said beside it."""
    printed, said = process.communicate(timeout=100)
    assert process.returncode == 0, said[-2000:]
    return json.loads(printed), said


def test_the_same_script_on_a_cpu_and_on_another_chip(tmp_path: Path) -> None:
    cpu, chip = start(tmp_path / "cpu"), start(tmp_path / "chip", *CHIP)
    (on_cpu, _), (on_chip, said) = told(cpu), told(chip)
    assert (on_cpu["device"], on_chip["device"]) == ("cpu", "fakechip")
    assert int(said.split(" operators on the chip")[0].split()[-1]) > 1000
    assert on_cpu["losses"][-1] < on_cpu["losses"][0]
    assert on_chip["losses"] == pytest.approx(on_cpu["losses"], rel=1e-5)
    assert on_chip["weights"] == pytest.approx(on_cpu["weights"], rel=1e-4, abs=1e-6)
    assert on_chip["ours"] == pytest.approx(on_cpu["ours"], rel=1e-3)
    for name in ("cpu", "chip"):
        assert Checkpointer(tmp_path / name).names(), "it saved itself, wherever it ran"
