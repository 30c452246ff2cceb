"""Alarms over HTTP: what is listed, what is changed, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from lianji.base.clock import now_us
from tests.web.plant import FORCE, MELT, POWER, MemoryPlant

MELT_HIGH = f"{MELT}#H"
FORCE_LOW = f"{FORCE}#low"


@pytest.fixture
def alarmed(plant: MemoryPlant) -> MemoryPlant:
    plant.define(
        tag=MELT, kind="H", limit=220, priority=1, action_en="Cool it.", action_zh="降温。"
    )
    plant.define(name="low", tag=FORCE, kind="L", limit=500, priority=3)
    plant.define(tag="shop/nothing/*", kind="H", limit=1)
    plant.add(MELT, now_us(), 230.0)
    plant.add(FORCE, now_us(), 400.0)
    plant.add(POWER, now_us(), 40.0)
    plant.look()
    return plant


async def states(client: httpx.AsyncClient, which: str = "all") -> dict[str, str]:
    lines = (await client.get(f"/api/alarms?which={which}")).json()["lines"]
    return {alarm["id"]: alarm["state"] for line in lines for alarm in line["alarms"]}


async def post(client: httpx.AsyncClient, verb: str, **body: Any) -> httpx.Response:
    return await client.post(f"/api/alarms/{verb}", json=body)


async def test_the_list_is_by_urgency_with_words_in_both_languages(
    client: httpx.AsyncClient, alarmed: MemoryPlant
) -> None:
    lines = (await client.get("/api/alarms")).json()["lines"]
    assert [line["alarms"][0]["id"] for line in lines] == [MELT_HIGH, FORCE_LOW]
    [alarm] = lines[0]["alarms"]
    assert alarm["message"]["en"] == "melt temperature: high (above 220 °C)"
    assert alarm["action"] == {"en": "Cool it.", "zh": "降温。"}
    assert (alarm["value"], alarm["unit"], alarm["priority"]) == (230.0, "°C", 1)
    assert lines[0]["flood"] is False


async def test_the_summary_is_short(client: httpx.AsyncClient, alarmed: MemoryPlant) -> None:
    summary = (await client.get("/api/alarms/summary")).json()
    assert (summary["unacknowledged"], summary["by_priority"]) == (2, {"1": 1, "3": 1})
    assert summary["most_urgent"]["id"] == MELT_HIGH


async def test_a_plant_without_alarms_is_quiet(client: httpx.AsyncClient) -> None:
    summary = (await client.get("/api/alarms/summary")).json()
    assert summary["most_urgent"] is None and summary["unacknowledged"] == 0


async def test_each_decision_changes_the_state_and_is_written_down(
    client: httpx.AsyncClient, alarmed: MemoryPlant
) -> None:
    assert (await post(client, "acknowledge", alarms=[MELT_HIGH])).json() == {"changed": 1}
    assert (await states(client))[MELT_HIGH] == "acknowledged"
    await post(client, "shelve", alarms=[MELT_HIGH], minutes=30, note="cleaning")
    assert await states(client, "aside") == {MELT_HIGH: "shelved"}
    await post(client, "unshelve", alarms=[MELT_HIGH])
    await post(client, "take-out", alarms=[MELT_HIGH], note="probe broken")
    assert (await states(client))[MELT_HIGH] == "out_of_service"
    assert MELT_HIGH not in await states(client, "listed")
    await post(client, "put-back", alarms=[MELT_HIGH])
    assert (await states(client))[MELT_HIGH] == "unacknowledged"
    journal = (
        await client.get(f"/api/alarms/journal?alarm={MELT_HIGH.replace('#', '%23')}")
    ).json()
    assert [(line["event"], line["who"], line["note"]) for line in reversed(journal["lines"])] == [
        ("raised", "system", ""),
        ("acknowledged", "anybody on this machine", ""),
        ("shelved", "anybody on this machine", "cleaning"),
        ("unshelved", "anybody on this machine", ""),
        ("taken_out", "anybody on this machine", "probe broken"),
        ("put_back", "anybody on this machine", ""),
    ]


@pytest.mark.parametrize(
    ("verb", "body", "status", "code"),
    [
        ("acknowledge", {"alarms": ["no#such"]}, 404, "alarm-unknown"),
        ("acknowledge", {"alarms": []}, 400, "request-invalid"),
        ("acknowledge", {}, 400, "request-invalid"),
        ("acknowledge", {"alarms": ["x"] * 10_001}, 400, "request-invalid"),
        ("shelve", {"alarms": [MELT_HIGH], "minutes": 99_999}, 400, "alarm-shelf-time"),
        ("shelve", {"alarms": [MELT_HIGH]}, 400, "request-invalid"),
        ("take-out", {"alarms": [MELT_HIGH]}, 400, "alarm-reason-missing"),
        ("take-out", {"alarms": [MELT_HIGH], "note": "x" * 2_001}, 400, "request-invalid"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    client: httpx.AsyncClient,
    alarmed: MemoryPlant,
    verb: str,
    body: dict[str, Any],
    status: int,
    code: str,
) -> None:
    before = await states(client)
    answer = await post(client, verb, **body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await states(client) == before


async def test_a_page_of_another_origin_acknowledges_nothing(
    client: httpx.AsyncClient, alarmed: MemoryPlant
) -> None:
    answer = await client.post(
        "/api/alarms/acknowledge",
        json={"alarms": [MELT_HIGH]},
        headers={"Origin": "http://evil.example"},
    )
    assert answer.status_code == 403
    assert (await states(client))[MELT_HIGH] == "unacknowledged"


async def test_a_flood_is_one_line_unless_all_are_wanted(
    client: httpx.AsyncClient, plant: MemoryPlant
) -> None:
    names = [f"shop/boiler/b{n}/pressure" for n in range(43)]
    plant.define(tag="shop/boiler/*/pressure", kind="H", limit=8, group="boiler house")
    plant.more_tags(*names)
    for name in names:
        plant.add(name, now_us(), 9.0)
    plant.look()
    [line] = (await client.get("/api/alarms")).json()["lines"]
    assert (line["group"], line["flood"], len(line["alarms"])) == ("boiler house", True, 43)
    assert len((await client.get("/api/alarms?fold=false")).json()["lines"]) == 43
    ids = [alarm["id"] for alarm in line["alarms"]]
    assert (await post(client, "acknowledge", alarms=ids)).json() == {"changed": 43}


async def test_a_list_longer_than_anybody_reads_is_cut_and_says_so(
    client: httpx.AsyncClient, alarmed: MemoryPlant
) -> None:
    answer = (await client.get("/api/alarms?limit=1")).json()
    assert (answer["total"], len(answer["lines"])) == (2, 1)
    assert answer["lines"][0]["alarms"][0]["id"] == MELT_HIGH


async def test_the_version_grows_with_every_change(
    client: httpx.AsyncClient, alarmed: MemoryPlant
) -> None:
    async def version() -> int:
        return int((await client.get("/api/alarms/summary")).json()["version"])

    before = await version()
    alarmed.look()
    assert await version() == before
    await post(client, "acknowledge", alarms=[MELT_HIGH])
    assert await version() > before


async def test_the_definitions_say_what_each_row_makes(
    client: httpx.AsyncClient, alarmed: MemoryPlant
) -> None:
    rows = (await client.get("/api/alarms/definitions")).json()["definitions"]
    assert [(row["line"], row["alarms"]) for row in rows] == [(2, 1), (3, 1), (4, 0)]
    assert rows[2]["problem"]["en"] == "no tag matches 'shop/nothing/*' (yet)"
    assert rows[0]["definition"]["kind"] == "H"
