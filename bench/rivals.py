"""Rivals as their makers ship them in Debian: VictoriaMetrics and InfluxDB 1.6, on loopback.

Each has a folder of its own and ports of its own, and is ended by its id. VictoriaMetrics answers
before its rows are on disk (it syncs every few seconds); InfluxDB syncs its log before it answers,
as Lianji does.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.plant import Watched, running, wait_for
from tests.peers import free_port, need

START_S_MAX = 30.0
_INFLUX = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  max-series-per-database = 0
  max-values-per-tag = 0
{more}[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
  max-body-size = 0
[monitor]
  store-enabled = false
"""
_SETTLES_SOON = """\
  cache-snapshot-write-cold-duration = "5s"
  compact-full-write-cold-duration = "10s"
"""
"""As shipped, files are written 10 minutes after the last sample and merged 4 hours after it."""


@contextmanager
def victoria_metrics(folder: Path) -> Iterator[Watched]:
    need("victoria-metrics")
    port = free_port()
    arguments = [
        "victoria-metrics",
        f"-storageDataPath={folder}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=100y",
    ]
    with running(arguments, port) as watched:
        wait_for(lambda: answers(port, "/health"), START_S_MAX, "VictoriaMetrics")
        yield watched


@contextmanager
def influxdb(folder: Path, *, settles_soon: bool = False) -> Iterator[Watched]:
    """``settles_soon``: what is cold is written and merged in seconds, so as to be measured."""
    need("influxd")
    port = free_port()
    configuration = folder / "influxdb.conf"
    configuration.write_text(
        _INFLUX.format(
            folder=folder, port=port, rpc=free_port(), more=_SETTLES_SOON if settles_soon else ""
        )
    )
    with running(["influxd", "-config", str(configuration)], port) as watched:
        wait_for(lambda: answers(port, "/ping"), START_S_MAX, "InfluxDB")
        if not answers(port, "/query?q=create+database+bench", "POST"):
            raise RuntimeError("InfluxDB did not make its database")
        yield watched


def answers(port: int, path: str, method: str = "GET") -> bool:
    """True if a server gives a good answer to a request without a body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        return connection.getresponse().status < 300
    except OSError:
        return False
    finally:
        connection.close()
