"""``python -m bench NAME`` runs one suite, ``python -m bench all`` every one of them."""

from __future__ import annotations

import sys
from dataclasses import asdict
from importlib import import_module

import pytest
from rich.console import Console

from bench.harness import Machine, Row, report

SUITES = {
    "modbus": "bench.modbus_client",
    "parse": "bench.push_parse",
    "marks": "bench.marks",
    "history": "bench.history",
    "historian": "bench.historian",
    "historian-growth": "bench.historian.growth",
    "push": "bench.push",
    "start": "bench.start",
    "collect": "bench.collect",
    "relay": "bench.relay",
    "relay-week": "bench.relay.week",
    "alarms": "bench.alarms",
    "live": "bench.live",
    "checkpoint": "bench.checkpoint",
    "jobs": "bench.jobs",
    "models": "bench.edge_models",
    "learned": "bench.learned",
    "learned-more": "bench.learned_more",
    "anomaly-constants": "bench.anomaly_constants",
    "edge-models": "bench.edge_runtime",
}
"""Name -> module whose ``run()`` gives the rows."""


def main(arguments: list[str]) -> int:
    wanted = [*SUITES] if arguments in ([], ["all"]) else arguments
    unknown = [name for name in wanted if name not in SUITES]
    if unknown:
        print(f"No suite {unknown[0]!r}; there are: all, {', '.join(SUITES)}", file=sys.stderr)
        return 2
    console = Console(width=None if sys.stdout.isatty() else 160)
    for name in wanted:
        machine = Machine.this()
        try:
            rows = import_module(SUITES[name]).run()
        except (pytest.skip.Exception, pytest.fail.Exception) as missing:
            console.print(f"bench {name}: {missing}")
            continue
        plain = [asdict(row) if isinstance(row, Row) else row for row in rows]
        console.print(f"-> {report(name, plain, machine, console)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
