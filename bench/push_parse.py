"""How fast pushed bodies are parsed: samples a second on one core, parse alone, names known.

Bodies of 100,000 samples: (a) as Telegraf writes them, ten fields a line; (b) one field a line;
each with few and with many series. The rivals are our own grammar, line by line, and the C
parser of PyPI's ``line-protocol-parser`` (where it is importable), which gives a dictionary a
line. The best of several runs, in processor time.
"""

from __future__ import annotations

import importlib.util
import random
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa

from lianji.connect.push.arrow_ipc import ArrowParser
from lianji.connect.push.line_protocol import LineParser, parse_line_by_line

SAMPLES = 100_000
LINES_GOAL = 1_000_000
ARROW_GOAL = 10_000_000
_NAMES = ("user", "system", "idle", "nice", "iowait", "irq", "softirq", "steal", "guest", "nice2")


def telegraf_body(series: int) -> bytes:
    """Ten fields a line, 17 digits each, as Telegraf's input ``cpu`` gives them."""
    draw = random.Random(1)
    lines = (
        f"cpu,cpu=cpu{line % series % 10},host=h{line % series // 10} "
        + ",".join(f"usage_{name}={draw.uniform(0, 100)!r}" for name in _NAMES)
        + f" {1_700_000_000_000_000_000 + line // series * 10_000_000_000}\n"
        for line in range(SAMPLES // len(_NAMES))
    )
    return "".join(lines).encode()


def single_body(series: int) -> bytes:
    """One field a line, two decimals."""
    draw = random.Random(2)
    lines = (
        f"m,machine=m{i % series // 20},signal=s{i % 20} value={draw.uniform(0, 100):.2f} "
        f"{1_700_000_000_123_000_000 + i * 1_000_000}\n"
        for i in range(SAMPLES)
    )
    return "".join(lines).encode()


def arrow_body(tags: int, *, dictionary: bool, compression: str | None = None) -> bytes:
    codes = pa.array((np.arange(SAMPLES) % tags).astype(np.int32))
    tag = pa.DictionaryArray.from_arrays(codes, [f"site/line/m{i // 20}/s{i}" for i in range(tags)])
    times = pa.array(1_700_000_000_000_000 + np.arange(SAMPLES) * 1000)
    table = pa.table(
        {
            "tag": tag if dictionary else tag.cast(pa.string()),
            "time": times.view(pa.timestamp("us", "UTC")),
            "value": np.random.default_rng(3).normal(size=SAMPLES).round(2),
        }
    )
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def run() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, make, counts in (
        ("ten fields a line", telegraf_body, (40, 1000)),
        ("one field a line", single_body, (400, 10_000)),
    ):
        for series in counts:
            body = make(series)
            paths = series * (len(_NAMES) if make is telegraf_body else 1)
            rows += _line_rows(f"line protocol, {name}, {paths} tags", body)
    for dictionary, tags, compression in (
        (True, 400, None),
        (True, 10_000, None),
        (False, 10_000, None),
        (True, 400, "zstd"),
    ):
        body = arrow_body(tags, dictionary=dictionary, compression=compression)
        parser = ArrowParser()
        how = "dictionary" if dictionary else "plain strings"
        measure = f"Arrow IPC, {how}, {tags} tags, {compression or 'not compressed'}"
        rate = _rate(partial(_parse_arrow, parser, body))
        rows.append(_row(measure, rate, "", None, ARROW_GOAL))
    return rows


def _parse_arrow(parser: ArrowParser, body: bytes) -> int:
    return len(parser.parse(body))


def _line_rows(measure: str, body: bytes) -> list[dict[str, object]]:
    parser = LineParser()
    rate = _rate(lambda: len(parser.parse(body, "ns", 0)))
    by_line = _rate(lambda: len(parse_line_by_line(body, "ns", 0)), runs=1)
    rows = [_row(measure, rate, "our grammar, line by line", by_line, LINES_GOAL)]
    if importlib.util.find_spec("line_protocol_parser"):
        from line_protocol_parser import parse_line  # type: ignore[import-not-found]  # a rival

        def rival() -> int:
            return sum(len(parse_line(line)["fields"]) for line in body.decode().splitlines())

        rows.append(_row(measure, rate, "line-protocol-parser", _rate(rival, runs=3), LINES_GOAL))
    return rows


def _rate(parse: Callable[[], int], runs: int = 15) -> float:
    """Samples a second of processor time, the best of ``runs``."""
    best = 0.0
    for _ in range(runs):
        start = time.process_time()
        samples = parse()
        best = max(best, samples / (time.process_time() - start))
    return best


def _row(
    measure: str, value: float, rival: str, rival_value: float | None, goal: float
) -> dict[str, object]:
    return {
        "measure": measure,
        "value": round(value),
        "unit": "samples/s",
        "rival": rival,
        "rival_value": None if rival_value is None else round(rival_value),
        "ratio": None if rival_value is None else round(value / rival_value, 1),
        "goal": goal,
    }


if __name__ == "__main__":
    for row in run():
        print(row)
