"""How long one look at all alarms takes: 10,000 of 2,500 machines, over a real historian."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from bench.harness import Row
from lianji.base.clock import monotonic_s, now_us
from lianji.dictionary.batch import Batch
from lianji.node.folder import PlantFolder
from lianji.node.plant import Plant

MACHINES = 2_500
LOOKS = 40
GOAL_MS = 20
TABLE = '''\
name,tag,kind,limit,deadband,on_delay_s,expression
,p/*/temperature,HH,100,1,,
,p/*/temperature,H,95,1,3,
,p/*/temperature,rate,500,,,
dry,p/*/flow,expression,,,,""".""<2 and ""./pump""==1"
'''


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        plant = Plant(_folder(Path(name) / "plant"))
        plant.history.start()
        try:
            return _measured(plant)
        finally:
            plant.close()


def _folder(folder: Path) -> PlantFolder:
    (folder / "alarms").mkdir(parents=True)
    (folder / "lianji.toml").write_text('[site]\nname = "p"\n[history]\nflush_s = 5.0\n')
    (folder / "alarms" / "a.csv").write_text(TABLE)
    return PlantFolder(folder)


def _measured(plant: Plant) -> list[Row]:
    signals = ("temperature", "flow", "pump")
    paths = [f"p/hall/m{n}/{signal}" for n in range(MACHINES) for signal in signals]
    ids = plant.names.ids_of(paths)
    random = np.random.default_rng(1)

    def tell(values: NDArray[np.float64]) -> None:
        batch = Batch.of(ids, np.full(len(ids), now_us(), np.int64), values)
        plant.spool.put(batch).result()

    def look() -> None:
        plant.alarms.step(now_us(), monotonic_s())

    quiet, changed = [], []
    for _ in range(LOOKS):
        tell(random.normal(80, 3, len(ids)))
        time.sleep(0.1)  # the historian takes it in its own thread meanwhile
        quiet.append(_ms(look))
    for number in range(6):
        tell(np.full(len(ids), 200.0 * (number % 2) + 50))
        time.sleep(0.1)
        changed.append(_ms(look))
    alarms = sum(one.alarms for one in plant.alarms.defined())
    listed = _ms(plant.alarms.summary)
    return [
        Row("alarms", alarms, "alarms"),
        Row("one look, nothing changes", median(quiet[2:]), "ms", goal=f"< {GOAL_MS} ms"),
        Row("one look, the longest", max(quiet[2:]), "ms"),
        Row("one look, 5,000 are raised or end", median(changed), "ms", note="with their journal"),
        Row("the summary of all that stand", listed, "ms"),
    ]


def _ms(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return 1000 * (time.perf_counter() - began)
