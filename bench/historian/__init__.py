"""The historian against real rivals, each in its own best way, one at a time on this machine.

VictoriaMetrics and InfluxDB 1.6 over HTTP; ClickHouse (chdb) and DuckDB in process as Lianji is.
10,000 tags of two mixes (``bench.mixes``) that are late, repeated, bad and silent as in life, with
time stamps that jitter by up to 2 ms.

1. ``ingest``: a durable yes; sustained until all is in files; memory; bytes a sample at rest
2. ``lines``: line protocol, the same bodies for all
3. ``questions``: p50 and p95 of what is asked, every answer checked
4. ``ingest.reopen_rows``: opening a history of 1,000 files

``LIANJI_BENCH_SCALE`` (1.0) scales the samples; 0.05 takes minutes off and tells little of speed.
``bench.historian.growth`` is the suite of Lianji alone at other sizes.
"""

from __future__ import annotations

from bench.harness import Row


def run() -> list[Row]:
    from bench.historian.ingest import durable_rows, ingest_rows, reopen_rows
    from bench.historian.lines import lines_rows
    from bench.historian.questions import question_rows
    from bench.historian.scale import SCALE

    scale = Row("LIANJI_BENCH_SCALE", SCALE, "x", note="goals are meant for 1.0")
    parts = (durable_rows, ingest_rows, lines_rows, question_rows, reopen_rows)
    return [scale, *(row for part in parts for row in part())]
