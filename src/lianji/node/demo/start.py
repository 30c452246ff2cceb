"""``lianji demo``: the machines in a process of their own, the plant in this one, and its past.

The plant is an ordinary one that reads those machines over their real protocols. A month of
history goes the ordinary way too, through the spool, while the page can be looked at already.
"""

from __future__ import annotations

import threading

import uvloop

from lianji.base.clock import now_us
from lianji.base.durable import make_folder, write_atomically
from lianji.dictionary.batch import Batch
from lianji.node.demo.backfill import backfill
from lianji.node.demo.plant_files import write_demo_plant
from lianji.node.demo.process import running_machines
from lianji.node.edge import Ready, serve
from lianji.node.folder import PlantFolder
from lianji.node.plant import Plant

DAYS = 30
UNFLUSHED_MAX = 500_000
"""The past is written as fast as it comes, so that it takes no more memory than the present."""


def run_demo(folder: PlantFolder, port: int | None = None, ready: Ready | None = None) -> None:
    """Run the demo plant in a folder until SIGTERM or SIGINT; makes the folder if need be.

    Raises what a plant raises, and LinkDown or DeviceTimeout if the machines do not start.
    """
    uvloop.run(_run(folder, port, ready))


async def _run(folder: PlantFolder, port: int | None, ready: Ready | None) -> None:
    make_folder(folder.root.resolve())
    async with running_machines(wait_for_all=False) as machines:
        write_demo_plant(folder.root, machines.ports)
        plant = Plant(folder)
        past = Past(plant)
        past.start()
        try:
            await serve(plant, port, ready)
        finally:
            past.stop()
            plant.close()


class Past(threading.Thread):
    """Fills in what the plant did before it was started, once for a folder.

    If it is cut short the next start does it again: the same samples are dropped by the historian.
    """

    def __init__(self, plant: Plant) -> None:
        super().__init__(name="demo-past", daemon=True)
        self._plant = plant
        self._done = plant.folder.data / "demo-past-is-filled"
        self._end = threading.Event()

    def run(self) -> None:
        if self._done.exists():
            return
        for chunk in backfill(now_us(), DAYS):
            ids = self._plant.names.ids_of(chunk.paths)
            batch = Batch.of(
                ids[chunk.path_index], chunk.times_us, chunk.values, chunk.quality, chunk.texts
            )
            self._plant.spool.put(batch).result()
            if self._plant.history.status().unflushed > UNFLUSHED_MAX:
                self._plant.history.flush()
            if self._end.is_set():
                return
        write_atomically(self._done, b"")

    def stop(self) -> None:
        self._end.set()
        if self.is_alive():
            self.join()
