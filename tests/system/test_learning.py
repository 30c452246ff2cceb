"""The whole way of a model, with real processes: from a plant's history to the plant again.

An edge brings its history to the hub; there a data set is frozen, a soft sensor trained in the
queue while others push it aside, registered, signed and sent; the edge replays what came since with
labels a day late, doubts it, and takes the next version over shadow to active. Bad bundles are
refused, and a version that is wrong beside the machine goes back by itself.

A small generated plant in every run; the years of a real gas turbine, with the figures that a user
is promised, by ``LIANJI_TURBINE=1`` (some minutes).
"""

from __future__ import annotations

import csv
import json
import math
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lianji.learn.models.bundle import Bundle, Golden, pack, unpack
from tests.learn.deployment.models import KEY, TRUSTED
from tests.peers import free_port, need_data, wait_until
from tests.system.plant import PlantProcess, lianji_command, plant_process, write_plant

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]
COLUMNS = ("AT", "AP", "AH", "AFDP", "GTEP", "TIT", "TAT", "TEY", "CDP", "NOX")
AT_HUB = "park1/works/gt"
"""Where the plant's tags stand at the hub, which calls it ``park1``."""
SHORT_JOB = "def run(context):\n    context.progress(1, 1)\n"


@dataclass(frozen=True)
class Years:
    """A history and what is expected of a model of its first part on the rest."""

    inputs: tuple[str, ...]
    begin: datetime
    test_from: datetime
    later: datetime
    """When the second version's test begins."""
    end: datetime
    r2_min: float
    mae_max: float


TURBINE = Years(
    COLUMNS[:-1],
    datetime(2011, 1, 1, tzinfo=UTC),
    datetime(2014, 1, 1, tzinfo=UTC),
    datetime(2015, 1, 1, tzinfo=UTC),
    datetime(2016, 1, 1, tzinfo=UTC),
    0.78,
    3.2,
)
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
SMALL = Years(
    ("AT", "TIT", "TEY"),
    BEGIN,
    BEGIN + timedelta(hours=2000),
    BEGIN + timedelta(hours=2600),
    BEGIN + timedelta(hours=3200),
    0.6,
    1.2,
)


def turbine_files(folder: Path) -> Iterator[tuple[Path, datetime]]:
    for year in range(2011, 2016):
        file = folder / str(year) / "gt.csv"
        file.parent.mkdir()
        file.write_bytes(need_data("gas_turbine_emissions", f"gt_{year}.csv").read_bytes())
        yield file, datetime(year, 1, 1, tzinfo=UTC)


def small_files(folder: Path) -> Iterator[tuple[Path, datetime]]:
    """From ``test_from`` on the machine gives 3 more than it did."""
    draw = random.Random(7)
    file = folder / "gt.csv"
    with file.open("w", newline="") as text:
        rows = csv.writer(text)
        rows.writerow([*SMALL.inputs, "NOX"])
        for hour in range(3200):
            at, tit, tey = draw.gauss(15, 6), draw.gauss(1080, 15), draw.gauss(130, 12)
            nox = 0.3 * tey + 3 * math.sin(at / 3) + 0.05 * (tit - 1080) + draw.gauss(0, 0.5)
            rows.writerow([at, tit, tey, nox + 3 * (hour >= 2000)])
    yield file, SMALL.begin


@dataclass
class Pair:
    hub: Path
    edge: PlantProcess

    def at_hub(self, *words: object) -> str:
        return _said(lianji_command(*words, "--plant", self.hub))

    def at_edge(self, *words: object) -> str:
        return _said(lianji_command(*words, "--plant", self.edge.folder))

    def job(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.at_hub("job", "show", id, "--json"))
        return found

    def stages(self) -> dict[int, str]:
        found = json.loads(self.at_edge("deploy", "list", "--json"))
        return {one["version"]: one["stage"] for one in found}


def _said(done: Any) -> str:
    assert done.returncode == 0, done.stderr.decode()
    said: str = done.stdout.decode()
    return said


@contextmanager
def joined(tmp: Path, files: Callable[[Path], Iterator[tuple[Path, datetime]]]) -> Iterator[Pair]:
    """A hub, and a plant ``works`` that it calls ``park1``; its past is with the plant."""
    port = free_port()
    part = f'name = "north"\nport = {port}\naddresses = ["https://127.0.0.1:{port}"]'
    hub = write_plant(tmp / "hub", hub=part, jobs="cpus = 1")
    _said(lianji_command("hub", "init", hub, "--name", "north"))
    edge = write_plant(tmp / "works")
    settings = edge / "lianji.toml"
    settings.write_text(settings.read_text().replace('name = "p"', 'name = "works"'))
    (edge / "models").mkdir()
    [(key, owner)] = TRUSTED.items()
    (edge / "models" / "trusted.txt").write_text(f"{key} {owner}\n")
    (tmp / "csv").mkdir()
    for file, start in files(tmp / "csv"):
        _said(lianji_command("import", file, "--start", start.isoformat(), "--step", "1h",
                             "--plant", edge))  # fmt: skip
    line = _said(lianji_command("hub", "invite", "park1", "--plant", hub))
    with plant_process(hub):
        _said(lianji_command(*line.split()[1:], cwd=edge))
        with plant_process(edge) as running:
            yield Pair(hub, running)


def the_data_comes(pair: Pair, years: Years) -> None:
    newest = (years.end - timedelta(hours=1)).isoformat()[:13]

    def arrived() -> bool:
        told = json.loads(pair.at_hub("last", f"{AT_HUB}/NOX", "--json") or "[]")
        return bool(told) and str(told[0]["time"]).startswith(newest)

    wait_until(arrived, 120, "all of the past is at the hub")


def frozen(pair: Pair, years: Years, test_from: datetime) -> None:
    folder = pair.hub / "datasets"
    folder.mkdir(exist_ok=True)
    tags = [f"{AT_HUB}/{name}" for name in (*years.inputs, "NOX")]
    (folder / "turbine.toml").write_text(
        f"start = {years.begin.isoformat()}\nend = {years.end.isoformat()}\n"
        f'step = "1h"\ntags = {json.dumps(tags)}\ntarget = "{AT_HUB}/NOX"\n'
        f"[split]\ntest_from = {test_from.isoformat()}\n"
    )
    pair.at_hub("dataset", "make", "turbine")


def trained(pair: Pair, pushed_aside: int) -> Path:
    """The draft; others take the machine from it so often meanwhile."""
    folder = pair.hub / "training"
    folder.mkdir(exist_ok=True)
    (folder / "short_job.py").write_text(SHORT_JOB)
    (folder / "nox.toml").write_text(
        'task = "regression"\ndataset = "turbine"\nlabel_delay = "24h"\n'
        '[output]\ntag = "park1/works/soft/NOX"\n'
    )
    id = pair.at_hub("job", "submit", "nox", "--memory", 4000).strip()
    for turn in range(1, pushed_aside + 1):
        wait_until(lambda: pair.job(id)["state"] == "running", 60, "the training runs")
        pair.at_hub("job", "submit", "short_job:run", "--priority", 5, "--wait")
        assert pair.job(id)["preemptions"] == turn
    wait_until(lambda: pair.job(id)["state"] not in ("queued", "running"), 600, "it is trained")
    assert pair.job(id)["state"] == "done", pair.at_hub("job", "logs", id)
    run = json.loads(pair.at_hub("experiment", "show", f"nox/job-{id}", "--json"))
    assert run["state"] == "done"
    assert run["metrics"]["R2"]["last"] > 0
    return pair.hub / "data" / "jobs" / id / "draft"


def sent(pair: Pair, draft: Path, version: int) -> bytes:
    """Register, sign, send; the bundle, once it is staged at the edge."""
    pair.at_hub("model", "register", draft)
    pair.at_hub("model", "sign", "nox")
    file = draft / "nox.bundle"
    pair.at_hub("model", "export", "nox", file)
    pair.at_hub("model", "send", "nox", "park1")
    wait_until(lambda: pair.stages().get(version) == "staged", 60, "it is staged at the edge")
    return file.read_bytes()


def replayed(pair: Pair, years: Years, version: int) -> dict[str, Any]:
    between = ("--from", years.test_from.isoformat(), "--to", years.end.isoformat())
    found: dict[str, Any] = json.loads(
        pair.at_edge("deploy", "replay", f"nox@{version}", *between, "--json")
    )
    return found


def up(pair: Pair, version: int) -> None:
    for stage in ("shadow", "advisory", "active"):
        pair.at_edge("deploy", "move", f"nox@{version}", stage)


def refused(pair: Pair, content: bytes, words: str) -> None:
    file = pair.hub.parent / "bad.bundle"
    file.write_bytes(content)
    done = lianji_command("deploy", file, "--plant", pair.edge.folder)
    assert done.returncode == 1
    assert words in done.stderr.decode()


def bad_bundles_are_refused(pair: Pair, content: bytes) -> Bundle:
    """Of each kind; the sound one."""
    hub_key = pair.at_hub("model", "key").split()[0]
    good = unpack(content, {hub_key: "hub"})[0]

    def again(key: Ed25519PrivateKey = KEY, golden: Golden = good.golden, **card: Any) -> bytes:
        changed = good.card.model_copy(update={"version": 9, **card})
        return pack(Bundle(changed, good.onnx, golden), key)

    first = good.card.inputs[0]
    refused(pair, content[:-300] + b"x" + content[-299:], "[bundle-un")
    refused(pair, again(version=2), "not newer")
    refused(pair, again(Ed25519PrivateKey.generate()), "does not trust")
    other = [first.model_copy(update={"unit": "K"}), *good.card.inputs[1:]]
    refused(pair, again(inputs=other), "unit")
    unknown = [first.model_copy(update={"tag": f"{AT_HUB}/NONE"}), *good.card.inputs[1:]]
    refused(pair, again(inputs=unknown), "works/gt/NONE")
    refused(pair, again(created_us=1, expires_us=2), "expire")
    outputs = [[one + 1 for one in row] for row in good.golden.outputs]
    wrong = good.golden.model_copy(update={"outputs": outputs})
    refused(pair, again(golden=wrong), "does not give here")
    return good


def a_doubted_version_goes_back(pair: Pair, good: Bundle) -> None:
    """The same model, run four times a second, beside inputs that it never saw."""
    quick = {"version": 9, "period_s": 0.25, "gate": [],
             "drift": good.card.drift.model_copy(update={"window": 8, "outside": 0.5})}  # fmt: skip
    file = pair.hub.parent / "nine.bundle"
    file.write_bytes(pack(Bundle(good.card.model_copy(update=quick), good.onnx, good.golden), KEY))
    pair.at_edge("deploy", file)
    high = ",".join(f"{one.tag.rpartition('/')[2]}={2 * one.high}" for one in good.card.inputs)
    assert pair.edge.write(f"works/gt {high}").status_code in (200, 204)
    up(pair, 9)
    wait_until(lambda: pair.stages()[9] == "shadow", 60, "it is doubted and taken back")
    assert pair.stages()[2] == "active"


def the_whole_way(pair: Pair, years: Years) -> None:
    the_data_comes(pair, years)
    frozen(pair, years, years.test_from)
    sent(pair, trained(pair, pushed_aside=2), 1)
    found = replayed(pair, years, 1)
    [figures] = found["figures"]
    print(json.dumps(figures), found["alarms"][:1])
    assert figures["r2"] >= years.r2_min
    assert figures["mae"] <= years.mae_max
    assert 0.87 <= figures["coverage"] <= 0.93
    first = datetime.fromisoformat(found["alarms"][0]["time"])
    assert first - years.test_from < timedelta(days=7)
    up(pair, 1)
    frozen(pair, years, years.later)
    content = sent(pair, trained(pair, pushed_aside=0), 2)
    pair.at_edge("deploy", "move", "nox@2", "shadow")
    assert pair.stages() == {1: "active", 2: "shadow"}
    for stage in ("advisory", "active"):
        pair.at_edge("deploy", "move", "nox@2", stage)
    assert pair.stages() == {1: "fallback", 2: "active"}
    good = bad_bundles_are_refused(pair, content)
    a_doubted_version_goes_back(pair, good)


def test_a_model_goes_the_whole_way(tmp_path: Path) -> None:
    with joined(tmp_path, small_files) as pair:
        the_whole_way(pair, SMALL)


@pytest.mark.skipif("LIANJI_TURBINE" not in os.environ, reason="some minutes: LIANJI_TURBINE=1")
def test_the_gas_turbine_goes_the_whole_way(tmp_path: Path) -> None:
    with joined(tmp_path, turbine_files) as pair:
        the_whole_way(pair, TURBINE)
