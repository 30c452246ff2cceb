"""The historian over HTTP: three formats, many ways to write a time, errors in plain words."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

from lianji.base.clock import now_us
from lianji.base.errors import StorageError, Text
from lianji.dictionary.quality import Quality
from lianji.history.questions import raw
from tests.web.plant import DOUBLE, FORCE, MELT, POWER, PROGRAM, STATE, MemoryPlant, fill
from tests.web.wire import decode_plot

T0 = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
SECOND = 1_000_000
RANGE = "start=2026-01-01T00:00:00Z&end=2026-01-01T01:00:00Z"


async def rows_of(client: httpx.AsyncClient, address: str) -> list[dict[str, Any]]:
    answer = await client.get(address)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows


@pytest.fixture
def three(plant: MemoryPlant) -> MemoryPlant:
    """A good number, a bad silence and a text."""
    plant.add(MELT, T0, 230.5)
    plant.add(MELT, T0 + SECOND, None, Quality.BAD_TIMEOUT)
    plant.add(PROGRAM, T0, None, 0, "P-118, 盖 32 mm")
    return plant


async def test_read_gives_each_sample_as_a_json_row(
    client: httpx.AsyncClient, three: MemoryPlant
) -> None:
    rows = await rows_of(client, f"/api/read?tags={MELT},{PROGRAM}&{RANGE}")
    midnight = "2026-01-01T00:00:00.000000Z"
    assert [list(row) for row in rows] == [["tag", "time", "value", "text", "quality"]] * 3
    assert [tuple(row.values()) for row in rows] == [
        (MELT, midnight, 230.5, None, 0),
        (MELT, "2026-01-01T00:00:01.000000Z", None, None, 0x800A),
        (PROGRAM, midnight, None, "P-118, 盖 32 mm", 0),
    ]


async def test_csv_reads_back_value_for_value(
    client: httpx.AsyncClient, three: MemoryPlant
) -> None:
    answer = await client.get(
        f"/api/read?tags={MELT},{PROGRAM}&{RANGE}", headers={"Accept": "text/csv"}
    )
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["value"] for row in rows] == ["230.5", "", ""]
    assert rows[2]["text"] == "P-118, 盖 32 mm"


async def test_arrow_is_the_historians_own_table(
    client: httpx.AsyncClient, three: MemoryPlant
) -> None:
    answer = await client.get(f"/api/read?tags={MELT}&{RANGE}&format=arrow")
    with pa.ipc.open_stream(answer.content) as stream:
        table = stream.read_all()
    assert table.equals(three.history.read([MELT], T0, T0 + 3600 * SECOND))


async def test_the_format_parameter_wins_over_accept(
    client: httpx.AsyncClient, three: MemoryPlant
) -> None:
    answer = await client.get(f"/api/last?tags={MELT}&format=json", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "application/json"


async def test_last_and_at_answer_for_their_moment(
    client: httpx.AsyncClient, three: MemoryPlant
) -> None:
    (last,) = await rows_of(client, f"/api/last?tags={MELT}")
    assert last["quality"] == Quality.BAD_TIMEOUT
    (then,) = await rows_of(client, f"/api/at?tags={MELT}&time={T0}")
    assert then["value"] == 230.5


async def test_aggregates_are_one_row_a_bucket(
    client: httpx.AsyncClient, plant: MemoryPlant
) -> None:
    plant.add(FORCE, [T0 + i * SECOND for i in range(120)], [float(i) for i in range(120)])
    rows = await rows_of(
        client, f"/api/aggregate?tags={FORCE}&{RANGE}&step=1min&functions=min,max,mean"
    )
    assert len(rows) == 60
    assert [(row["min"], row["max"], row["mean"]) for row in rows[:3]] == [
        (0.0, 59.0, 29.5),
        (60.0, 119.0, 89.5),
        (None, None, None),
    ]
    (row, *_) = await rows_of(
        client, f"/api/aggregate?tags={FORCE}&{RANGE}&step=1h&functions=twa,end&status=true"
    )
    assert list(row) == ["tag", "time", "twa", "twa_status", "end", "end_time", "end_status"]


async def test_a_question_may_be_a_pattern_and_a_calculated_tag(
    client: httpx.AsyncClient, plant: MemoryPlant
) -> None:
    plant.add(FORCE, [T0, T0 + SECOND], [1.0, 2.0])
    rows = await rows_of(client, f"/api/read?tags=shop/*_force&{RANGE}")
    assert [(row["tag"], row["value"]) for row in rows] == [
        (FORCE, 1.0),
        (FORCE, 2.0),
        (DOUBLE, 2.0),
        (DOUBLE, 4.0),
    ]
    (last,) = await rows_of(client, f"/api/last?tags={DOUBLE}")
    assert last["value"] == 4.0


async def test_interpolated_gaps_and_instants_are_asked_alike(
    client: httpx.AsyncClient, plant: MemoryPlant
) -> None:
    plant.add(MELT, [T0, T0 + 100 * SECOND], [0.0, 100.0])
    between = f"start={T0}&end={T0 + 100 * SECOND}"
    rows = await rows_of(client, f"/api/interpolate?tags={MELT}&{between}&step=25s")
    assert [row["value"] for row in rows] == [0, 25, 50, 75]
    (gap,) = await rows_of(client, f"/api/gaps?tags={MELT}&{between}&longer=50s")
    assert (gap["seconds"], gap["why"]) == (100, "no samples")
    times = f"{T0 + 10 * SECOND},{T0 + 20 * SECOND}"
    rows = await rows_of(client, f"/api/at?tags={MELT}&time={times}")
    assert [row["value"] for row in rows] == [10, 20]
    rows = await rows_of(
        client, f"/api/read?tags={MELT}&start={T0 + 1}&end={T0 + SECOND}&bounds=true"
    )
    assert [row["value"] for row in rows] == [0, 100]
    assert await rows_of(client, f"/api/modified?tags={MELT}&{between}") == []
    points = await rows_of(client, f"/api/plot?tags={MELT}&{between}&method=lttb")
    assert [row["value"] for row in points] == [0]


@pytest.mark.parametrize("how", ["arrow", "csv"])
async def test_a_long_answer_is_streamed_in_parts_and_reads_back_whole(
    client: httpx.AsyncClient, plant: MemoryPlant, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(raw, "ROWS_A_PART", 700)
    for tag in (MELT, FORCE, POWER):
        plant.add(tag, [T0 + i * SECOND for i in range(3000)], [float(i) for i in range(3000)])
    address = f"/api/read?tags={POWER},{MELT},{FORCE}&{RANGE}&format={how}"
    answer = await client.get(address)
    assert "content-length" not in answer.headers
    if how == "arrow":
        table = pa.ipc.open_stream(answer.content).read_all()
        assert table.to_pylist() == plant.history.read(
            [POWER, MELT, FORCE], T0, T0 + 3600 * SECOND
        ).to_pylist()  # fmt: skip
    else:
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["tag"] for row in rows] == [POWER] * 3000 + [MELT] * 3000 + [FORCE] * 3000
        assert [float(row["value"]) for row in rows] == [float(i) for i in range(3000)] * 3
    assert (await client.get(f"{address}&limit=8999")).status_code == 413
    assert (await client.get(f"{address}&limit=9000")).content


async def test_a_hopeless_question_is_refused_before_anything_is_read(
    client: httpx.AsyncClient, plant: MemoryPlant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.add(MELT, T0, 1.0)
    monkeypatch.setattr(plant.history, "rows_expected", lambda *asked: 10_000_000_000)
    answer = await client.get(f"/api/read?tags={MELT}&{RANGE}")
    assert answer.status_code == 413
    assert "10000000000" in answer.json()["cause"]["en"]


async def test_an_answer_says_how_many_files_it_lacks(
    client: httpx.AsyncClient, three: MemoryPlant
) -> None:
    address = f"/api/read?tags={MELT}&{RANGE}"
    assert "lianji-unreadable" not in (await client.get(address)).headers
    three.history.unreadable["site=shop/day=2026-01-01/x.parquet"] = StorageError(
        "history-file", Text("gone", "丢失"), Text("restore", "恢复")
    )
    for how in ("json", "csv", "arrow"):
        answer = await client.get(f"{address}&format={how}")
        assert answer.headers["lianji-unreadable"] == "1"


async def test_sql_answers_with_any_columns(client: httpx.AsyncClient, three: MemoryPlant) -> None:
    answer = await client.post(
        "/api/sql",
        json={"query": "select tag, count(*) n, 0.0 / 0.0 nan from samples group by 1 order by 1"},
    )
    assert answer.json()["rows"] == [
        {"tag": MELT, "n": 2, "nan": None},
        {"tag": PROGRAM, "n": 1, "nan": None},
    ]


async def test_an_answer_above_its_limit_is_an_error_and_never_cut(
    client: httpx.AsyncClient, three: MemoryPlant
) -> None:
    answer = await client.get(f"/api/read?tags={MELT}&{RANGE}&limit=1")
    assert (answer.status_code, answer.json()["code"]) == (413, "answer-too-large")


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/read?tags=", 400),
        (f"/api/read?tags={MELT}&start=yesterday", 400),
        (f"/api/read?tags={MELT}&start=now&end=-1h", 400),
        (f"/api/read?tags={MELT}&format=xml", 400),
        ("/api/read?tags=no/such/tag", 404),
        (f"/api/aggregate?tags={MELT}&start=-30d&step=1us", 413),
        (f"/api/aggregate?tags={MELT}&functions=median-ish", 400),
        ("/api/read?tags=" + ",".join(f"t{i}" for i in range(1001)), 413),
        ("/api/nothing", 404),
    ],
)
async def test_what_is_asked_wrongly_is_answered_with_cause_and_remedy(
    client: httpx.AsyncClient, three: MemoryPlant, address: str, status: int
) -> None:
    answer = await client.get(address)
    assert answer.status_code == status
    fault = answer.json()
    assert all(fault[part][language] for part in ("cause", "remedy") for language in ("en", "zh"))


async def test_tags_are_found_by_all_words_in_path_device_or_description(
    client: httpx.AsyncClient,
) -> None:
    found = (await client.get("/api/tags?search=IMM1 温度")).json()
    assert [tag["path"] for tag in found["tags"]] == [MELT]
    some = (await client.get("/api/tags?limit=2")).json()
    assert (some["total"], len(some["tags"])) == (5, 2)
    exact = (await client.get(f"/api/tags?path={STATE}&path=no/such")).json()
    assert [tag["enumeration"] for tag in exact["tags"]] == [
        {"0": "stopped", "1": "running", "2": "alarm"}
    ]


async def test_the_binary_plot_carries_the_plots_numbers(
    client: httpx.AsyncClient, plant: MemoryPlant
) -> None:
    end = fill(plant)
    address = f"/api/plot?tags={MELT},{POWER}&start={end - 3600 * SECOND}&end={end}&pixels=300"
    answer = await client.get(f"{address}&format=binary")
    header, lines = decode_plot(answer.content)
    table = plant.history.plot([MELT], end - 3600 * SECOND, end, 300)
    assert header == {"start_us": end - 3600 * SECOND, "end_us": end}
    inner = lines[MELT].times_ms > (end - 3600 * SECOND) / 1000
    expected = table["value"].to_numpy()[-inner.sum() :]
    np.testing.assert_array_equal(lines[MELT].values[inner], expected)
    assert np.isnan(lines[POWER].values[lines[POWER].quality >= 0x8000]).all()


async def test_a_binary_plot_between_two_samples_is_a_line_from_edge_to_edge(
    client: httpx.AsyncClient, plant: MemoryPlant
) -> None:
    plant.add(MELT, [T0, T0 + 100 * SECOND], [0.0, 100.0])
    plant.add(STATE, [T0, T0 + 100 * SECOND], [1.0, 2.0])
    answer = await client.get(
        f"/api/plot?format=binary&tags={MELT},{STATE}"
        f"&start={T0 + 10 * SECOND}&end={T0 + 20 * SECOND}"
    )
    _, lines = decode_plot(answer.content)
    assert lines[MELT].values.tolist() == [10.0, 20.0]
    assert lines[STATE].values.tolist() == [1.0, 1.0]
    assert lines[STATE].times_ms.tolist() == [T0 / 1000 + 10_000, T0 / 1000 + 20_000]


async def test_a_tag_that_has_not_spoken_is_an_empty_line_of_the_binary_plot(
    client: httpx.AsyncClient, plant: MemoryPlant
) -> None:
    answer = await client.get(f"/api/plot?format=binary&tags={MELT},{FORCE}")
    _, lines = decode_plot(answer.content)
    assert [len(line.values) for line in lines.values()] == [0, 0]


async def test_nothing_is_drawn_beyond_the_last_sample_of_a_slope(
    client: httpx.AsyncClient, plant: MemoryPlant
) -> None:
    now = now_us()
    plant.add(MELT, now - 60 * SECOND, 5.0)
    answer = await client.get(
        f"/api/plot?format=binary&tags={MELT}&start={now - 90 * SECOND}&end={now - 30 * SECOND}"
    )
    _, lines = decode_plot(answer.content)
    assert lines[MELT].times_ms.tolist() == [(now - 60 * SECOND) / 1000]
    assert not math.isnan(lines[MELT].values[0])
