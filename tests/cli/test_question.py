"""The questions on the command line, asked of a plant's folder that no process runs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result

from lianji.cli.main import app
from lianji.dictionary.batch import Batch
from lianji.dictionary.tag_ids import TagIds
from lianji.history.aggregates import AGGREGATES
from lianji.history.historian import Historian
from lianji.history.questions import raw
from lianji.node.folder import PlantFolder
from lianji.spool.spool import Spool

START_US = 1_767_225_600_000_000
SECOND = 1_000_000
RANGE = ("--start", "2026-01-01T00:00Z", "--end", "2026-01-01T00:01:40Z")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 samples of p/a, one a second, the 50th bad and corrected; p/double is calculated."""
    root = tmp_path_factory.mktemp("plant")
    plant = PlantFolder(root)
    (root / "lianji.toml").write_text('[site]\nname = "p"\n')
    (root / "tags").mkdir()
    table = "path,expression\np/a,\np/double,'p/a' * 2\n"
    (root / "tags" / "all.csv").write_text(table)
    plant.data.mkdir()
    names = TagIds.open(plant.tag_ids)
    [tag] = names.ids_of(["p/a"])
    with Spool(plant.spool, path_of=names.path_of) as spool:
        historian = Historian(plant.history, "p", spool, names, lambda path: True)
        times = [START_US + second * SECOND for second in range(100)]
        spool.put(Batch.of([tag] * 100, times, [float(n) for n in range(100)])).result(10)
        historian.flush()
        spool.put(Batch.of([tag], times[50:51], [float("nan")], 0x8000)).result(10)
        historian.close()
    return root


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LIANJI_LANG", "en")
    yield


def run(folder: Path, *arguments: str) -> Result:
    done = CliRunner().invoke(app, [*arguments, "--plant", str(folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def rows(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(folder, *arguments, "--json").stdout)
    return found


def values(folder: Path, *arguments: str) -> list[Any]:
    return [row["value"] for row in rows(folder, *arguments)]


def test_samples_are_read_with_their_bounds(folder: Path) -> None:
    between = ("--start", "2026-01-01T00:00:10.5Z", "--end", "2026-01-01T00:00:12.5Z")
    assert values(folder, "read", "p/a", *between) == [11, 12]
    assert values(folder, "read", "p/a", *between, "--bounds") == [10, 11, 12, 13]


def test_moments_and_regular_instants_are_interpolated(folder: Path) -> None:
    moments = ("-t", "2026-01-01T00:00:10.5Z", "-t", "2026-01-01T00:00:01Z")
    assert values(folder, "at", "p/a", *moments) == [1, 10.5]
    assert values(folder, "interpolate", "p/a", *RANGE, "--step", "40s") == [0, 40, 80]


def test_aggregates_have_a_row_an_interval_and_their_status_if_asked(folder: Path) -> None:
    asked = ("aggregate", "p/a", *RANGE, "--step", "40s", "-f", "count", "-f", "twa", "--status")
    found = rows(folder, *asked)
    assert [row["count"] for row in found] == [40, 39, 20]
    assert found[0]["count_status"] == 0x401
    assert "twa_status" in found[0]


def test_the_help_of_aggregate_names_every_function(folder: Path) -> None:
    done = CliRunner().invoke(app, ["aggregate", "--help"])
    assert all(name in done.stdout for name in AGGREGATES)


def test_plots_gaps_and_corrections_are_told(folder: Path) -> None:
    assert len(rows(folder, "plot", "p/a", *RANGE, "--pixels", "10", "--method", "lttb")) < 20
    [gap] = rows(folder, "gaps", "p/a", *RANGE, "--longer", "1s")
    assert (gap["seconds"], gap["why"]) == (2, "bad quality")
    [old] = rows(folder, "modified", "p/a", *RANGE)
    assert old["value"] == 50


def test_a_calculated_tag_is_asked_for_as_any_other(folder: Path) -> None:
    assert values(folder, "last", "p/double") == [198]
    assert [row["tag"] for row in rows(folder, "last")] == ["p/a", "p/double"]


def test_notes_are_written_listed_and_deleted(folder: Path) -> None:
    written = run(
        folder, "annotate", "p/*", "换模", "--start", "2026-01-01T00:00Z", "--author", "li"
    )
    [note] = rows(folder, "annotations", "p/a")
    assert (note["id"], note["text"], note["author"]) == (written.stdout.strip(), "换模", "li")
    run(folder, "annotate", "p/*", "--delete", "--id", note["id"])
    assert rows(folder, "annotations") == []


@pytest.mark.parametrize("rows_a_part", [7, 500_000])
def test_a_long_answer_leaves_in_parts_and_reads_back_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch, rows_a_part: int
) -> None:
    monkeypatch.setattr(raw, "ROWS_A_PART", rows_a_part)
    asked = ("read", "p/a", *RANGE)
    lines = list(csv.DictReader(io.StringIO(run(folder, *asked, "--csv").stdout)))
    assert len(lines) == 100
    stream = run(folder, *asked, "--arrow").stdout_bytes
    assert pa.ipc.open_stream(stream).read_all().num_rows == 100
    assert len(rows(folder, *asked)) == 100
    monkeypatch.setattr("lianji.cli.output.ROWS_SHOWN_MAX", 30)
    shown = run(folder, *asked)
    assert len(shown.stdout.splitlines()) == 31
    assert "70 more rows" in shown.stderr


def test_an_answer_that_lacks_a_file_warns_of_it(folder: Path) -> None:
    files = sorted((folder / "data" / "samples").rglob("*.parquet"))
    hidden = [(file, file.with_suffix(".hidden")) for file in files]
    for file, away in hidden:
        file.rename(away)
    try:
        done = run(folder, "read", "p/a", *RANGE, "--json")
        assert json.loads(done.stdout) == []
        assert "could not be read" in done.stderr
    finally:
        for file, away in hidden:
            away.rename(file)
