"""What it costs to show live values to many browsers at once, beside the same plant unwatched.

Every browser holds one stream over tags of its own choice, of which many are others' too, and all
tags change each second: more than a plant with deadbands ever does.
"""

from __future__ import annotations

import random
import threading
import time
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

from bench.harness import Row, work_folder
from bench.plant import Watched, lianji_run, write_plant
from tests.peers import wait_until

BROWSERS = 50
TAGS = 200
TAGS_EACH = 40
WATCHED_S = 15.0
GOAL = "< 20 % of a core"
_http = build_opener(ProxyHandler({}))


def run() -> list[Row]:
    with work_folder() as folder:
        write_plant(folder / "plant", [], 0)
        with lianji_run(folder / "plant") as plant:
            return _watched_rows(plant)


def _watched_rows(plant: Watched) -> list[Row]:
    ended = threading.Event()
    wait_until(lambda: plant.get("/health"), 60, "the plant answers")
    feeder = threading.Thread(target=_feed, args=(plant.port, ended))
    feeder.start()
    try:
        wait_until(lambda: plant.last(_path(TAGS - 1)), what="the samples are there")
        alone = _cpu_share(plant)
        browsers = [_Browser(plant.port, number, ended) for number in range(BROWSERS)]
        for browser in browsers:
            browser.start()
        wait_until(lambda: all(browser.events for browser in browsers), what="all are live")
        before = sum(browser.events for browser in browsers)
        watched = _cpu_share(plant)
        events = sum(browser.events for browser in browsers) - before
    finally:
        ended.set()
        feeder.join()
    note = f"{TAGS_EACH} of {TAGS} tags each, all changing every second"
    return [
        Row("the plant alone", 100 * alone, "% of a core"),
        Row(
            f"{BROWSERS} browsers live",
            100 * (watched - alone),
            "% of a core",
            goal=GOAL,
            note=note,
        ),
        Row("events a browser", events / BROWSERS / WATCHED_S, "/s"),
    ]


def _path(tag: int) -> str:
    return f"bench/line/machine{tag // 10:02d}/signal{tag % 10}"


def _feed(port: int, ended: threading.Event) -> None:
    due = time.monotonic()
    while not ended.wait(max(0.0, due - time.monotonic())):
        due += 1.0
        lines = "".join(
            f"bench/line/machine{machine:02d} "
            + ",".join(f"signal{n}={random.random():.4f}" for n in range(10))
            + "\n"
            for machine in range(TAGS // 10)
        )
        _http.open(f"http://127.0.0.1:{port}/api/v2/write", lines.encode()).close()


def _cpu_share(plant: Watched) -> float:
    began_s, used_s = time.monotonic(), plant.cpu_s()
    time.sleep(WATCHED_S)
    return (plant.cpu_s() - used_s) / (time.monotonic() - began_s)


class _Browser(threading.Thread):
    """One reader of one stream; it counts its events."""

    def __init__(self, port: int, number: int, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        chosen = random.Random(number).sample(range(TAGS), TAGS_EACH)
        tags = ",".join(quote(_path(tag)) for tag in chosen)
        self._address = f"http://127.0.0.1:{port}/api/live?tags={tags}"
        self._ended = ended
        self.events = 0

    def run(self) -> None:
        with _http.open(self._address, timeout=30) as stream:
            for line in stream:
                self.events += line.startswith(b"data:")
                if self._ended.is_set():
                    return
