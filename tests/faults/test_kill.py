"""kill -9 at any moment: what was acknowledged is there once, whatever was being done.

``LIANJI_KILLS`` sets how often (100); one kill in seven is of the whole process, over HTTP.
"""

from __future__ import annotations

import io
import os
import random
import threading
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pytest

from tests.faults.conftest import living, problems_of_the_table, problems_when_opened
from tests.faults.ledger import START_US, Ledger, LedgerWriter, Sending
from tests.peers import wait_until
from tests.system.plant import PlantProcess, write_plant

pytestmark = pytest.mark.system

KILLS = int(os.environ.get("LIANJI_KILLS", "100"))
WHOLE_KILLS = max(1, KILLS // 7)
LOOK_EVERY = 10
SMALL_SPOOL = "segment_bytes = 65536\nkeep_h = 0\ncommit_ms = 2"
"""So that kills meet the change of segments and their removal too."""


@pytest.mark.timeout(120 + 5 * KILLS)
def test_what_was_acknowledged_survives_kills_of_spool_and_history(tmp_path: Path) -> None:
    folder = write_plant(tmp_path / "plant", flush_s=0.05, spool=SMALL_SPOOL)
    path = tmp_path / "ledger"
    seeded = random.Random(2024)
    with living(folder, path) as lives:
        for kill in range(KILLS - WHOLE_KILLS):
            mode = seeded.choices(("opening", "working", "closing"), (2, 6, 2))[0]
            wait_ms = {"opening": 250.0, "working": 400.0, "closing": 60.0}[mode]
            how = lives.live(mode, seeded.uniform(0, wait_ms))
            assert how in ("killed", "ended 0"), f"life {lives.number} ({mode})"
            if kill % LOOK_EVERY == 0:
                ledger = Ledger.read(path)
                assert problems_when_opened(folder, ledger) == [], f"kill {kill} ({mode})"
        ledger = Ledger.read(path)
        assert problems_when_opened(folder, ledger) == []
        assert lives.live("whole") == "ended 0"
    ledger = Ledger.read(path)
    assert problems_when_opened(folder, ledger) == []
    assert problems_of_the_table(folder, ledger) == []
    print(f"{ledger.samples} acknowledged samples, {KILLS - WHOLE_KILLS} kills")
    assert len(ledger.acknowledged) > 3 * (KILLS - WHOLE_KILLS)


class Pusher(threading.Thread):
    """A client that pushes numbered samples by HTTP until it is told to end."""

    def __init__(self, writer: int, plant: PlantProcess, ledger: Path, first: int) -> None:
        super().__init__(daemon=True)
        self.answered = 0
        self.wrong = ""
        self._writer = writer
        self._plant = plant
        self._ledger = LedgerWriter(ledger)
        self._number = first
        self._seeded = random.Random(first + writer)
        self._end = threading.Event()

    def run(self) -> None:
        with httpx.Client(base_url=self._plant.address, trust_env=False, timeout=30) as http:
            while not self._end.is_set():
                sending = Sending(self._writer, self._number, self._seeded.randint(1, 500))
                self._number += sending.count
                self._ledger.sent(sending)
                try:
                    answer = _push(http, sending)
                except httpx.TransportError:
                    return  # killed: no answer, and so no promise
                if answer.status_code != 204:
                    self.wrong = answer.text
                    return
                self._ledger.acknowledged(sending)
                self.answered += 1

    def end(self) -> None:
        self._end.set()
        self.join(30)


def _push(http: httpx.Client, sending: Sending) -> httpx.Response:
    """Line protocol from even writers, Arrow from odd ones."""
    times_us = START_US + sending.numbers
    if sending.writer % 2 == 0:
        series = sending.tag.rsplit("/", 1)[0]
        lines = "\n".join(
            f"{series} number={number} {time_us}"
            for number, time_us in zip(sending.numbers.tolist(), times_us.tolist(), strict=True)
        )
        return http.post("/api/v2/write", content=lines, params={"precision": "us"})
    table = pa.table(
        {
            "tag": pa.array([sending.tag] * sending.count).dictionary_encode(),
            "time": pa.array(times_us).cast(pa.timestamp("us", tz="UTC")),
            "value": sending.numbers.astype(np.float64),
        }
    )
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return http.post("/api/push/arrow", content=sink.getvalue())


@pytest.mark.timeout(120 + 30 * WHOLE_KILLS)
def test_what_was_acknowledged_over_http_survives_kills_of_the_process(tmp_path: Path) -> None:
    folder = write_plant(tmp_path / "plant", flush_s=0.05, spool=SMALL_SPOOL)
    path = tmp_path / "ledger"
    seeded = random.Random(42)
    plant = PlantProcess(folder)
    starts_s = []
    try:
        for kill in range(WHOLE_KILLS):
            plant.start()
            starts_s.append(plant.started_s)
            pushers = [Pusher(writer, plant, path, kill * 10_000_000) for writer in range(2)]
            for pusher in pushers:
                pusher.start()
            wanted = seeded.randint(1, 40)
            wait_until(
                lambda pushers=pushers, wanted=wanted: (
                    sum(p.answered for p in pushers) >= wanted or any(p.wrong for p in pushers)
                ),
                what="acknowledgements",
            )
            plant.kill()
            for pusher in pushers:
                pusher.end()
                assert pusher.wrong == ""
            assert problems_when_opened(folder, Ledger.read(path)) == [], f"kill {kill}"
        plant.start()
        plant.stop()
    finally:
        plant.end()
    ledger = Ledger.read(path)
    assert problems_when_opened(folder, ledger) == []
    assert problems_of_the_table(folder, ledger) == []
    print(f"{ledger.samples} samples, {WHOLE_KILLS} kills, start {np.median(starts_s):.2f} s")
