"""The command as people and scripts meet it, beside a plant that runs and without one."""

from __future__ import annotations

import json

import numpy as np

from tests.learn.datasets.world import SPEC, World, minutes, signals
from tests.system.plant import lianji_command


def run(world: World, *arguments: str, code: int = 0, **environment: str) -> tuple[str, str]:
    """What ``lianji dataset`` says on standard output and on standard error."""
    done = lianji_command("dataset", *arguments, cwd=world.folder.root, **environment)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


def test_make_again_change_show_check(world: World) -> None:
    flow = signals()["plant/flow"].copy()
    flow[2000:2100] = 7
    world.put("plant/flow", minutes(), flow)
    world.spec("flow", SPEC + 'tags = ["plant/flow"]')
    made, said = run(world, "make", "flow")
    assert "flow has version 1: 8,640 rows." in said
    assert made.startswith("flow@1 ")
    again, said = run(world, "make", "datasets/flow.toml")
    assert "The same as version 1 of flow." in said
    assert again == made
    world.put("plant/flow", minutes(1), [-5.0])
    _, said = run(world, "make", "flow", LIANJI_LANG="zh")
    assert "更正 1 个样本" in said
    shown, _ = run(world, "show", "flow")
    assert "warning  plant/flow: It stood still for 100 rows" in shown
    whole = json.loads(run(world, "show", "flow@1", "--json")[0])
    assert (whole["manifest"]["version"], whole["versions"]) == (1, [1, 2])
    [listed] = json.loads(run(world, "list", "--json")[0])
    assert (listed["name"], listed["version"], listed["rows"]) == ("flow", 2, 8640)
    assert "The history gives flow@2 again." in run(world, "check", "flow", "--against-history")[1]
    _, said = run(world, "check", "flow@1", "--against-history", code=1)
    assert "1 sample(s) were corrected" in said


def test_a_damaged_file_fails_the_check(world: World) -> None:
    world.put("plant/flow", minutes(50), np.arange(50.0))
    world.spec("flow", SPEC + 'tags = ["plant/flow"]')
    run(world, "make", "flow")
    [file] = (world.folder.data / "datasets" / "flow" / "1").glob("all.parquet")
    file.write_bytes(b"PAR1")
    assert "all.parquet cannot be read" in run(world, "check", "flow", code=1)[0]


def test_what_is_wrong_is_told_with_a_remedy(world: World) -> None:
    _, said = run(world, "make", "none", code=1)
    assert "dataset-spec-missing" in said
    _, said = run(world, "show", "none", code=1)
    assert "There is no data set 'none'." in said
    world.spec("d", SPEC + 'tags = ["plant/flow"]\nsplit = 1')
    _, said = run(world, "make", "d", code=1)
    assert "dataset-spec-invalid" in said
    _, said = run(world, "check", "d@x", code=1)
    assert "name@3" in said
