"""What the fault tests share: a plant that lives many lives, and the proof that nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

import lianji
from tests.faults.ledger import Ledger, Sending
from tests.peers import REPO
from tests.system.plant import FOREVER


class Lives:
    """The program ``tests.faults.lives``; see there."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self.number = 0

    def live(self, mode: str, milliseconds: float = 0.0) -> str:
        """One life; returns ``killed``, or ``ended CODE`` if it ended by itself."""
        assert self._child.stdin is not None and self._child.stdout is not None
        self.number += 1
        self._child.stdin.write(f"life {self.number} {mode} {milliseconds}\n")
        self._child.stdin.flush()
        return self._child.stdout.readline().strip()


@contextmanager
def living(folder: Path, ledger: Path) -> Iterator[Lives]:
    command = [sys.executable, "-m", "tests.faults.lives", str(folder), str(ledger)]
    child = subprocess.Popen(
        command, cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None and child.stdout is not None
    try:
        assert child.stdout.readline().strip() == "ready"
        yield Lives(child)
    finally:
        child.stdin.close()
        child.wait(30)
        child.stdout.close()


def problems_when_opened(folder: Path, ledger: Ledger) -> list[str]:
    """What ``lianji.open`` misses, doubles or invents."""
    tags = sorted({Sending(writer, 0, 0).tag for writer, _, _ in ledger.acknowledged})
    if not tags:
        return []
    return ledger.problems(lianji.open(folder).history.read(tags, *FOREVER))


def problems_of_the_table(folder: Path, ledger: Ledger) -> list[str]:
    """What DuckDB misses, doubles or invents in the files of the Delta table."""
    return ledger.problems(table_by_duckdb(folder))


def table_by_duckdb(folder: Path) -> pa.Table:
    files = DeltaTable(folder / "data" / "samples").file_uris()
    query = "select tag, epoch_us(time) as time, value, quality from read_parquet(?)"
    with duckdb.connect() as connection:
        return connection.sql(query, params=[files]).to_arrow_table()
