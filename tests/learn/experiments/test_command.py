"""The command as people and scripts meet it, on a plant that does not run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lianji.learn.experiments import Experiments
from lianji.node.folder import PlantFolder
from tests.system.plant import lianji_command


@pytest.fixture
def folder(tmp_path: Path) -> PlantFolder:
    folder = PlantFolder(tmp_path / "plant")
    folder.create("plant", 0)
    experiments = Experiments(folder.experiments)
    for name, depth, mae in (("a", 4, 3.0), ("b", 6, 2.0)):
        parameters = {"depth": depth, "seed": 1}
        with experiments.begin("kiln", run=name, parameters=parameters) as run:
            run.log_metrics({"mae": mae + 1}, 1)
            run.log_metrics({"mae": mae}, 2)
    experiments.begin("kiln", run="c").leave()
    return folder


def run(folder: PlantFolder, *arguments: str, code: int = 0, **more: str) -> tuple[str, str]:
    done = lianji_command("experiment", *arguments, cwd=folder.root, **more)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


def test_list_show_compare_export(folder: PlantFolder) -> None:
    [listed] = json.loads(run(folder, "list", "--json")[0])
    assert (listed["experiment"], listed["runs"], listed["running"]) == ("kiln", 3, 0)
    runs, _ = run(folder, "list", "kiln", LIANJI_LANG="zh")
    assert "中断" in runs
    shown = json.loads(run(folder, "show", "kiln/b", "--json")[0])
    assert (shown["state"], shown["metrics"]["mae"]["last"]) == ("done", 2.0)
    assert "depth" in run(folder, "show", "kiln/b")[0]
    compared, said = run(folder, "compare", "kiln", "a", "b", "--sort", "mae")
    lines = compared.splitlines()
    assert "seed: 1" in lines, "what is the same stands once"
    [head] = [n for n, line in enumerate(lines) if line.startswith("run")]
    assert lines[head].split() == ["run", "state", "depth", "mae"]
    assert lines[head + 1].split() == ["b", "done", "6", "2", "*"]
    assert lines[head + 2].split() == ["a", "done", "4", "3"]
    assert "* the best" in said
    _, said = run(folder, "export", "--to", "mlruns")
    assert "3 run(s) written to mlruns." in said
    assert len([*(folder.root / "mlruns").glob("*/*/meta.yaml")]) == 3


def test_what_is_wrong_is_told_with_a_remedy(folder: PlantFolder) -> None:
    assert "There are: kiln." in run(folder, "compare", "none", code=1)[1]
    assert "run-unknown" in run(folder, "show", "kiln/z", code=1)[1]
    assert "experiment/run" in run(folder, "show", "kiln", code=1)[1]
    assert "There are: mae." in run(folder, "compare", "kiln", "--sort", "r2", code=1)[1]
