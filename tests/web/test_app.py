"""The app as a whole: status, health, headers, languages, OpenAPI."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

import lianji.web
from lianji.web.access.access import OpenAccess
from lianji.web.app import create_app
from lianji.web.locale import TEXTS
from tests.web.plant import MELT, MemoryPlant

WEB = Path(lianji.web.__file__).parent
SVG = "http://www.w3.org/2000/svg"
ASK_NOTHING = {
    "/api/status", "/api/diagnostics", "/api/protocols", "/api/machines", "/health",
    "/api/configuration/versions",
}  # fmt: skip
COMPUTED = (
    "models.f_",
    "models.s_",
    "status.policy_", "stage.", "chart.range_", "chart.bad", "chart.uncertain",
    "alarm.priority_", "alarm.state_", "alarm.event_", "alarm.minutes_",
    "access.role_", "access.scope_", "access.days_", "access.broken_", "access.done_", "audit.",
    "column.", "tags.added", "tags.changed", "tags.removed", "versions.", "connect.edit",
    "connect.remove", "board.kind_", "board.above", "board.below", "theme.",
    "board.table_", "templates.use", "templates.compare", "hub.state_", "hub.trouble_", "hub.todo_",
)  # fmt: skip


async def test_the_status_tells_devices_with_error_and_remedy(client: httpx.AsyncClient) -> None:
    status = (await client.get("/api/status")).json()
    meter = next(device for device in status["devices"] if device["name"] == "meter1")
    assert meter["state"] == "fault"
    assert meter["error"]["code"] == "link-refused"
    assert meter["error"]["remedy"]["zh"].startswith("请检查")
    assert [stage["stage"] for stage in status["stages"]][:2] == ["read", "decode"]


async def test_health_is_that_the_process_answers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("address", ["/", "/chart", "/docs", "/api/status", "/static/js/page.js"])
async def test_every_answer_keeps_to_itself(client: httpx.AsyncClient, address: str) -> None:
    headers = (await client.get(address)).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    ("query", "cookie", "accept", "language"),
    [
        ("", "", "", "en"),
        ("", "", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("", "", "en-US,en;q=0.9,zh;q=0.8", "en"),
        ("", "", "fr;q=1, zh;q=0.5, en;q=0.9", "en"),
        ("", "zh", "en", "zh-CN"),
        ("?lang=en", "zh", "zh", "en"),
        ("?lang=xx", "", "zh", "zh-CN"),
    ],
)
async def test_the_language_is_the_askers(
    client: httpx.AsyncClient, query: str, cookie: str, accept: str, language: str
) -> None:
    headers = {"Accept-Language": accept} | ({"Cookie": f"lianji-lang={cookie}"} if cookie else {})
    answer = await client.get(f"/{query}", headers=headers)
    assert f'<html lang="{language}">' in answer.text


def _used_keys() -> set[str]:
    templates = "".join(path.read_text() for path in (WEB / "templates").glob("*.html"))
    scripts = "".join(path.read_text() for path in (WEB / "static/js").glob("*.js"))
    in_templates = re.findall(r't\["([\w.]+)"\]|\("/\w*", "([\w.]+)"\)', templates)
    pages = "|".join({key.split(".")[0] for key in TEXTS})
    in_scripts = re.findall(rf'"((?:{pages})\.\w+)"', scripts)
    return {key for pair in in_templates for key in pair if key} | set(in_scripts)


def test_every_word_that_a_page_uses_is_there_and_none_is_left_over() -> None:
    used = _used_keys()
    assert used - TEXTS.keys() == set()
    unused = {key for key in TEXTS.keys() - used if not key.startswith(COMPUTED)}
    assert unused == set()


def test_every_word_stands_in_both_languages_with_the_same_gaps() -> None:
    for key, text in TEXTS.items():
        assert text.en.strip() and text.zh.strip(), key
        assert set(re.findall(r"{\w+}", text.en)) == set(re.findall(r"{\w+}", text.zh)), key
        assert not re.search(r"[\u4e00-\u9fff]", text.en) or key == "nav.language", key


def test_no_page_names_another_server() -> None:
    for path in [*(WEB / "templates").glob("*.html"), *(WEB / "static").glob("[cj]s*/*")]:
        assert not re.findall(r"(?:https?:)?//[\w-]+\.\w+", path.read_text().replace(SVG, "")), path


def test_openapi_describes_every_operation_and_its_errors(plant: MemoryPlant) -> None:
    paths = create_app(plant, OpenAccess()).openapi()["paths"]
    operations = [op for path in paths.values() for op in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    for path, methods in paths.items():
        for operation in methods.values():
            assert operation["tags"] and operation["description"], path
            if path not in (
                "/api/status",
                "/api/diagnostics",
                "/api/protocols",
                "/api/machines",
                "/health",
            ):
                assert "400" in operation["responses"], path
            assert "422" not in operation["responses"], path


async def test_a_fault_of_ours_is_told_without_its_insides(
    client: httpx.AsyncClient, plant: MemoryPlant
) -> None:
    def broken() -> None:
        raise RuntimeError("secret insides")

    plant.status = broken  # type: ignore[method-assign,assignment]  # a plant with a bug
    answer = await client.get("/api/status")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal-error")
    assert "secret" not in answer.text


async def test_a_title_with_markup_is_shown_as_text(plant: MemoryPlant) -> None:
    plant.title = lambda language: "<script>1</script>"  # type: ignore[method-assign]
    transport = httpx.ASGITransport(app=create_app(plant, OpenAccess()))
    async with httpx.AsyncClient(transport=transport, base_url="http://plant") as client:
        answer = await client.get(f"/chart?tags={MELT}")
    assert "<script>1" not in answer.text


async def test_scripts_come_compressed_to_who_takes_that_and_the_same_to_others(
    client: httpx.AsyncClient,
) -> None:
    plain = await client.get("/static/js/page.js", headers={"Accept-Encoding": "identity"})
    small = await client.get("/static/js/page.js", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert small.text == plain.text == (WEB / "static/js/page.js").read_text()
    assert small.headers["content-type"] == plain.headers["content-type"]
    known = {"Accept-Encoding": "gzip", "If-None-Match": small.headers["etag"]}
    assert (await client.get("/static/js/page.js", headers=known)).status_code == 304
    assert (await client.get("/static/js/none.js")).status_code == 404
