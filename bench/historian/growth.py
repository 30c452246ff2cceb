"""How it grows: Lianji alone, at 1,000, 10,000 and 100,000 tags, over a day, a month and a year.

Every cell holds as many samples, so what differs is how they lie: many tags with few samples or few
with many, in one day's files or in a year's. One process a cell; answers are not compared here but
counted.
"""

from __future__ import annotations

from typing import Any

from bench.harness import Row, work_folder
from bench.historian.feed import write_feed
from bench.historian.ingest import child
from bench.historian.scale import scaled
from bench.mixes import DAY_US, Mix

SAMPLES = scaled(10_000_000, 500_000)
TAGS = (1_000, 10_000, 100_000)
SPANS = {"a day": DAY_US, "a month": 30 * DAY_US, "a year": 365 * DAY_US}


def run() -> list[Row]:
    return [row for tags in TAGS for span in SPANS for row in _cell_rows(tags, span)]


def _cell_rows(tags: int, span: str) -> list[Row]:
    steps = max(2, SAMPLES // tags)
    step_us = SPANS[span] // steps // 1000 * 1000
    mix = Mix("plant", tags, step_us, steps)
    with work_folder() as place:
        write_feed(mix, place / "feed")
        with work_folder() as folder:
            told, memory_mb = child("grow", folder, place / "feed", tags, mix.start_us, mix.end_us)
    cell = f"{tags:,} tags, {span}"
    samples = told["samples"]
    size = told["bytes"]
    note = f"{samples / 1e6:.1f} M samples, one every {step_us / 1e6:g} s"
    apart = ", ".join(f"{name} {of / samples:.2f}" for name, of in size.items())
    return [
        Row(f"{cell}: sustained, all in files", samples / told["elapsed_s"], "samples/s",
            note=f"{note}; at rest {told['settle_s']:.0f} s later"),
        Row(f"{cell}: highest memory of that", max(told["memory_mb"], memory_mb), "MB"),
        Row(f"{cell}: bytes a sample at rest", size["samples"] / samples, "B",
            note=f"{told['files']:,} files; {apart}"),
        *[_question_row(cell, one) for one in told["questions"]],
    ]  # fmt: skip


def _question_row(cell: str, one: dict[str, Any]) -> Row:
    times = sorted(one["ms"])
    p95 = times[len(times) * 95 // 100]
    note = f"p95 {p95:.1f} ms of {len(times)} draws, {one['rows']:,} rows"
    return Row(f"{cell}: {one['measure']}", times[len(times) // 2], "ms", note=note)
