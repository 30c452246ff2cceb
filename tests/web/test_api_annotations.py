"""Notes over HTTP: written, found, changed, taken away."""

from __future__ import annotations

import httpx

from tests.web.plant import FORCE, MELT, MemoryPlant

T0 = 1_767_225_600_000_000
SECOND = 1_000_000
URL = "/api/annotations"


async def test_a_note_is_written_found_changed_and_deleted(
    client: httpx.AsyncClient, plant: MemoryPlant
) -> None:
    plant.add(MELT, T0, 1.0)
    plant.add(FORCE, T0, 1.0)
    note = {"tag": MELT, "start": "2026-01-01T00:00:00Z", "text": "换料", "author": "li"}
    made = (await client.post(URL, json=note)).json()
    (found,) = (await client.get(f"{URL}?tags={MELT}")).json()["rows"]
    assert (found["id"], found["text"], found["author"]) == (made["id"], "换料", "li")
    assert found["start"] == found["end"] == "2026-01-01T00:00:00.000000Z"
    assert (await client.get(f"{URL}?tags={FORCE}")).json()["rows"] == []
    changed = {**note, **made, "text": "refilled", "end": f"{T0 + SECOND}"}
    assert (await client.post(URL, json=changed)).json() == made
    answer = await client.get(f"{URL}?start={T0 + SECOND}&end={T0 + 2 * SECOND}&format=csv")
    assert "refilled" in answer.text and "换料" not in answer.text
    assert (await client.delete(f"{URL}?id={made['id']}")).json() == made
    assert (await client.get(URL)).json()["rows"] == []


async def test_a_note_that_names_no_author_is_of_whoever_is_here(
    client: httpx.AsyncClient, plant: MemoryPlant
) -> None:
    plant.add(MELT, T0, 1.0)
    await client.post(URL, json={"tag": MELT, "text": "换料"})
    (found,) = (await client.get(f"{URL}?tags={MELT}")).json()["rows"]
    assert found["author"] == "anybody on this machine"


async def test_what_cannot_be_noted_is_refused_in_plain_words(client: httpx.AsyncClient) -> None:
    wrong = {"tag": MELT, "start": "now", "end": "-1h", "text": "x"}
    for answer, status in (
        (await client.post(URL, json=wrong), 400),
        (await client.post(URL, json={"tag": MELT}), 400),
        (await client.post(URL, json={**wrong, "end": "", "id": "no-such"}), 404),
        (await client.delete(f"{URL}?id=no-such"), 404),
        (await client.post(URL, json=wrong, headers={"Origin": "http://evil"}), 403),
    ):
        assert answer.status_code == status
        assert answer.json()["remedy"]["zh"]
