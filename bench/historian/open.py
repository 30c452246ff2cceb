"""The systems by name, opened on a fresh folder. What a rival needs is loaded with it alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from bench.historian.system import System


class Opened(Protocol):
    def __call__(
        self, folder: Path, paths: Sequence[str], *, for_questions: bool = False
    ) -> System: ...


def _lianji(folder: Path, paths: Sequence[str], *, for_questions: bool = False) -> System:
    from bench.historian.ours import Lianji

    return Lianji(folder, paths)


def _victoria(folder: Path, paths: Sequence[str], *, for_questions: bool = False) -> System:
    from bench.rival_victoria import VictoriaMetrics

    return VictoriaMetrics(folder, paths)


def _victoria_lines(folder: Path, paths: Sequence[str], *, for_questions: bool = False) -> System:
    from bench.rival_victoria import VictoriaMetricsLines

    return VictoriaMetricsLines(folder, paths)


def _influx(folder: Path, paths: Sequence[str], *, for_questions: bool = False) -> System:
    from bench.rival_influx import InfluxDB

    return InfluxDB(folder, paths, whole_readings=not for_questions)


def _chdb(folder: Path, paths: Sequence[str], *, for_questions: bool = False) -> System:
    from bench.rival_chdb import ClickHouse

    return ClickHouse(folder, paths)


def _duckdb(folder: Path, paths: Sequence[str], *, for_questions: bool = False) -> System:
    from bench.rival_duckdb import DuckDB

    return DuckDB(folder, paths)


OURS, OURS_HTTP = "lianji", "lianji-http"
IN_PROCESS = ("chdb", "duckdb")
OVER_HTTP = ("victoria", "influx")
SYSTEMS: dict[str, Opened] = {
    OURS: _lianji,
    "victoria": _victoria,
    "victoria-lines": _victoria_lines,
    "influx": _influx,
    "chdb": _chdb,
    "duckdb": _duckdb,
}
