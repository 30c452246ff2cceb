"""Tag tables over HTTP: found, walked, handed in and out, changed in bulk."""

from __future__ import annotations

import io
import statistics
import time
import tracemalloc
from typing import Any

import httpx
import openpyxl
import pytest

from lianji.base.errors import InputError, Text
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_table import read_table, table_bytes
from lianji.web.access.access import OpenAccess
from lianji.web.app import create_app
from tests.web.plant import MELT, POWER, STATE, MemoryPlant

TABLE = (
    "path,device,unit,description_en\r\n"
    f"{MELT},imm1,Cel,melt\r\n"
    "shop/hall1/new,imm1,kW,new one\r\n"
    "shop/hall1/wrong,imm1,KWH,\r\n"
)


@pytest.fixture
def files(plant: MemoryPlant) -> dict[str, bytes]:
    content = plant.configuring.content
    content["tags/base.csv"] = table_bytes(plant.tags())
    return content


async def take(client: httpx.AsyncClient, content: bytes | str, **asked: Any) -> dict[str, Any]:
    body = content.encode() if isinstance(content, str) else content
    answer = await client.post("/api/tag-tables/import", params=asked, content=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_preview_tells_the_difference_and_keeps_nothing(
    client: httpx.AsyncClient, files: dict[str, bytes]
) -> None:
    before = dict(files)
    report = await take(client, TABLE, name="line.csv", dry_run=True)
    assert (report["format"], report["encoding"], report["target"]) == (
        "lianji", "utf-8", "line.csv"
    )  # fmt: skip
    assert (report["added"], report["changed"], report["removed"], report["rejected"]) == (
        1, 1, 0, 1
    )  # fmt: skip
    [refused] = report["rejected_rows"]
    assert (refused["line"], refused["path"]) == (4, "shop/hall1/wrong")
    assert "kW.h" in refused["reason"]["en"] and "kW.h" in refused["reason"]["zh"]
    changed = next(row for row in report["rows"] if row["kind"] == "changed")
    assert changed["path"] == MELT
    assert changed["now"]["description_en"] == "melt"
    assert changed["was"]["description_zh"] == "熔体温度"
    assert files == before and report["version"] == ""


async def test_saving_takes_the_good_rows_and_leaves_every_other_byte(
    client: httpx.AsyncClient, plant: MemoryPlant, files: dict[str, bytes]
) -> None:
    old = files["tags/base.csv"]
    report = await take(client, TABLE, name="line.csv")
    assert report["version"]
    assert [tag.path for tag in read_table(files["tags/line.csv"]).tags] == ["shop/hall1/new"]
    differing = [
        (a, b)
        for a, b in zip(old.splitlines(), files["tags/base.csv"].splitlines(), strict=True)
        if a != b
    ]
    assert len(differing) == 1 and differing[0][0].startswith(MELT.encode())
    found = (await client.get("/api/tags", params={"search": "new one"})).json()
    assert [tag["path"] for tag in found["tags"]] == ["shop/hall1/new"]


async def test_replacing_removes_what_the_file_no_longer_holds(
    client: httpx.AsyncClient, files: dict[str, bytes]
) -> None:
    report = await take(
        client, f"path,device,unit\n{POWER},meter1,kW\n", name="base.csv", replace=True
    )
    assert (report["removed"], report["changed"]) == (4, 1)
    assert [tag.path for tag in read_table(files["tags/base.csv"]).tags] == [POWER]


async def test_a_table_of_kepware_goes_below_a_path(
    client: httpx.AsyncClient, files: dict[str, bytes]
) -> None:
    kepware = "Tag Name,Address,Data Type,Client Access\nLine.Temp,40001,Float,RO\nX,DB1,Word,RO\n"
    report = await take(client, kepware, name="Press 1.csv", below="shop/hall1")
    assert (report["format"], report["added"], report["rejected"]) == ("kepware", 1, 1)
    [tag] = read_table(files["tags/Press 1.csv"]).tags
    assert (tag.path, tag.type) == ("shop/hall1/Press 1/Line/Temp", "float32@CDAB")


@pytest.mark.parametrize("name", ["..", "", "/", ".csv", "../../lianji.toml", "a\x00b.csv"])
async def test_no_file_name_leads_out_of_the_folder(
    client: httpx.AsyncClient, files: dict[str, bytes], name: str
) -> None:
    answer = await client.post("/api/tag-tables/import", params={"name": name}, content=TABLE)
    if answer.status_code == 200:
        assert set(files) <= {"tags/base.csv", f"tags/{answer.json()['target']}"}
        assert "/" not in answer.json()["target"] and "\x00" not in answer.json()["target"]
    else:
        assert answer.json()["code"] == "tag-table-name"


async def test_a_bulk_edit_changes_what_matches_after_a_preview(
    client: httpx.AsyncClient, plant: MemoryPlant, files: dict[str, bytes]
) -> None:
    asked = {
        "selection": {"search": "imm1", "under": "shop/hall1"},
        "edit": {"set": {"interval_ms": "250"}},
    }
    answer = await client.post("/api/tag-tables/edit", params={"dry_run": True}, json=asked)
    assert answer.json()["changed"] == 4 and plant.configuring.notes == []
    answer = await client.post("/api/tag-tables/edit", json=asked)
    assert answer.status_code == 200, answer.text
    assert {tag.interval_ms for tag in plant.tags() if tag.device == "imm1"} == {250}
    assert {tag.interval_ms for tag in plant.tags() if tag.device != "imm1"} == {0}


async def test_a_bulk_edit_of_single_tags_says_which_are_in_no_table(
    client: httpx.AsyncClient, plant: MemoryPlant, files: dict[str, bytes]
) -> None:
    plant.set_tags([*plant.tags(), Tag(path="pushed/from/outside")])
    asked = {
        "selection": {"paths": [POWER, "pushed/from/outside"]},
        "edit": {"rename": {"pattern": "{any*}", "to": "works/{any*}"}},
    }
    report = (await client.post("/api/tag-tables/edit", json=asked)).json()
    assert report["changed"] == 1
    [refused] = report["rejected_rows"]
    assert refused["path"] == "pushed/from/outside" and "no tag table" in refused["reason"]["en"]
    assert f"works/{POWER}" in {tag.path for tag in plant.tags()}


async def test_an_empty_selection_changes_nothing(
    client: httpx.AsyncClient, files: dict[str, bytes]
) -> None:
    asked = {"selection": {"paths": []}, "edit": {"delete": True}}
    report = (await client.post("/api/tag-tables/edit", json=asked)).json()
    assert (report["removed"], report["version"]) == (0, "")


async def test_what_is_exported_comes_back_unchanged(
    client: httpx.AsyncClient, files: dict[str, bytes]
) -> None:
    for how in ("csv", "csv-gbk", "xlsx"):
        answer = await client.post(f"/api/tag-tables/export?format={how}", json={"search": ""})
        assert answer.headers["content-disposition"].endswith(f'tags.{how.split("-")[0]}"')
        report = await take(client, answer.content, name=f"tags.{how[:3]}", dry_run=True)
        assert (report["unchanged"], report["added"], report["changed"]) == (5, 0, 0), how


async def test_the_template_has_a_note_on_every_column(client: httpx.AsyncClient) -> None:
    for language, word in (("en", "UCUM code"), ("zh", "单位代码")):
        answer = await client.get(f"/api/tag-tables/template?lang={language}")
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
        notes = {cell.value: cell.comment.text for cell in sheet[1]}
        assert word in notes["unit"] and all(notes.values())


async def test_a_table_that_is_too_large_is_refused_in_plain_words(
    client: httpx.AsyncClient, files: dict[str, bytes]
) -> None:
    row = "shop/hall1/line1/machine/signal{},press,hr:1,float32@CDAB,kW,a signal with a long name\n"
    rows = [row.format(n) for n in range(50 * 1024 * 1024 // (len(row) + 4))]
    body = ("path,device,address,type,unit,description_en\n" + "".join(rows)).encode()
    assert len(body) > 49 << 20
    tracemalloc.start()
    answer = await client.post("/api/tag-tables/import", params={"dry_run": True}, content=body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (answer.status_code, answer.json()["code"]) == (400, "tag-table-size")
    assert "300,000 rows" in answer.json()["cause"]["en"]
    assert peak < 200 << 20
    beyond = await client.post(
        "/api/tag-tables/import", headers={"Content-Length": str(65 << 20)}, content=b"path\n"
    )
    assert (beyond.status_code, beyond.json()["code"]) == (413, "body-too-large")


async def test_levels_are_walked_one_by_one(client: httpx.AsyncClient, plant: MemoryPlant) -> None:
    plant.set_tags(
        [Tag(path=f"s/m{n}/x") for n in (1, 2, 10)] + [Tag(path="s/m1"), Tag(path="s a/b")]
    )

    async def levels(under: str) -> list[tuple[str, int, bool, bool]]:
        answer = await client.get("/api/tags/levels", params={"under": under})
        return [(x["name"], x["tags"], x["is_tag"], x["inner"]) for x in answer.json()["levels"]]

    assert await levels("") == [("s", 4, False, True), ("s a", 1, False, True)]
    assert await levels("s") == [
        ("m1", 2, True, True),
        ("m2", 1, False, True),
        ("m10", 1, False, True),
    ]
    assert await levels("s/m1") == [("x", 1, True, False)]
    assert await levels("nowhere") == []
    below = (await client.get("/api/tags", params={"under": "s/m1"})).json()
    assert [tag["path"] for tag in below["tags"]] == ["s/m1", "s/m1/x"]


async def test_searching_a_hundred_thousand_tags_is_quick(plant: MemoryPlant) -> None:
    plant.set_tags(
        [
            Tag(
                path=f"shop/hall{n % 7}/line{n % 50}/machine{n // 100}/signal{n}",
                device=f"m{n // 100}",
                address=f"hr:{n % 60_000}",
                unit="kW",
                description_en=f"signal number {n}",
                description_zh="有功功率",
            )
            for n in range(100_000)
        ]
    )
    transport = httpx.ASGITransport(app=create_app(plant, OpenAccess()))
    took_ms: list[float] = []
    async with httpx.AsyncClient(transport=transport, base_url="http://plant") as client:
        await client.get("/api/tags")
        for number in range(60):
            words = ("s", f"machine{number}", f"signal {number}77", "功率 hall3", f"zz{number}")
            search = words[number % len(words)]
            began_s = time.process_time()  # of our own work, whatever else the machine does
            answer = await client.get("/api/tags", params={"search": search, "limit": 100})
            took_ms.append((time.process_time() - began_s) * 1000)
            assert answer.status_code == 200
    p95 = statistics.quantiles(took_ms, n=20)[-1]
    print(f"p50 {statistics.median(took_ms):.1f} ms, p95 {p95:.1f} ms")
    assert p95 < 60  # 30 ms is the aim on a quiet machine; see docs/how-to/tag-tables.md


async def test_an_address_that_its_driver_cannot_read_costs_its_own_row(
    client: httpx.AsyncClient, files: dict[str, bytes]
) -> None:
    table = (
        "path,device,address,type\nshop/a,imm1,40001,int16\nshop/b,imm1,50001,int16\n"
        "shop/c,imm1,40001,float33\n"
    )
    report = await take(client, table, name="more.csv")
    assert (report["added"], report["rejected"]) == (1, 2)
    assert [row["line"] for row in report["rejected_rows"]] == [3, 4]
    assert "is not a Modbus address" in report["rejected_rows"][0]["reason"]["en"]
    assert [tag.path for tag in read_table(files["tags/more.csv"]).tags] == ["shop/a"]


async def test_what_was_previewed_before_somebody_elses_change_is_not_saved(
    client: httpx.AsyncClient, plant: MemoryPlant, files: dict[str, bytes]
) -> None:
    seen = await take(client, TABLE, name="line.csv", dry_run=True)
    await take(client, "path\nshop/other\n", name="other.csv")
    answer = await client.post(
        "/api/tag-tables/import", params={"name": "line.csv", "base": seen["base"]}, content=TABLE
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "configuration-changed")
    assert "tags/line.csv" not in files


async def test_a_preview_says_what_would_be_wrong_afterwards(
    client: httpx.AsyncClient, plant: MemoryPlant, files: dict[str, bytes]
) -> None:
    plant.configuring.refusal = InputError(
        "device-missing", Text("No device.", "无设备。"), Text("a", "b")
    )
    report = await take(client, TABLE, name="line.csv", dry_run=True)
    assert [problem["code"] for problem in report["problems"]] == ["device-missing"]


async def test_tags_are_chosen_by_a_pattern_of_their_paths(
    client: httpx.AsyncClient, plant: MemoryPlant, files: dict[str, bytes]
) -> None:
    asked = {
        "selection": {"pattern": "shop/{hall}/moulding/{machine}/state"},
        "edit": {"set": {"description_en": "what it does"}},
    }
    report = (await client.post("/api/tag-tables/edit", json=asked)).json()
    assert report["changed"] == 1
    assert [tag.path for tag in plant.tags() if tag.description_en == "what it does"] == [STATE]
