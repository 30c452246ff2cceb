"""Every route, asked by somebody who may see site ``a`` alone: nothing of ``b`` comes back."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lianji.base.clock import now_us
from lianji.base.errors import InputError
from lianji.base.state import url_of
from lianji.dictionary.expression import parse
from lianji.dictionary.tag import Tag
from lianji.history.annotations import Annotations
from lianji.web.access import access, gate
from lianji.web.access.access import KeptAccess
from lianji.web.access.accounts import Accounts
from lianji.web.access.roles import Role, Scope
from lianji.web.access.sites import Sites, listed_as
from lianji.web.dashboard import Dashboard, Tile, TileKind
from tests.web.access.conftest import KEY, PASSWORD, Site, fields_of
from tests.web.access.test_routes import ROUTES
from tests.web.conftest import served
from tests.web.plant import MemoryPlant

OWN, OTHER, NEVER = "a/oven/heat", "b/kettle/pressure", "b/kettle/nothing1"
SHARE = "a/share"
"""Calculated of both: its value is a's, what it is made of is not told."""
VALUE, TEXT = 77_123.5, "known-to-b-alone"
MARKS = (
    b"kettle", b"77123.5", struct.pack("<d", VALUE), TEXT.encode(), b"boilerman", b"meter1",
    b"house-of-b", b"gauge-of-b",
)  # fmt: skip
"""Of b: names, values, texts, descriptions, notes, devices, dashboards."""
ASKED: list[dict[str, str]] = [
    {},
    {"tags": "*"},
    {"tags": "*", "format": "csv"},
    {"tags": "*", "format": "arrow", "start": "-1d"},
    {"tags": "*,a/*", "format": "binary", "step": "10min", "functions": "max"},
    {"tags": f"{OWN},*/pressure", "bounds": "true"},
    {"search": "kettle"},
    {"search": "", "under": "b"},
    {"under": "b/"},
    {"which": "all", "fold": "false"},
    {"lang": "zh"},
]
NAMED: list[dict[str, str]] = [
    {"tags": OTHER},
    {"tags": f"{OWN},{OTHER}"},
    {"tags": OTHER, "format": "binary"},
    {"path": OTHER},
    {"under": OTHER},
    {"alarm": f"{OTHER}#high"},
]
BODIES: dict[str, list[dict[str, Any]]] = {
    "/api/sql": [
        {"query": "SELECT * FROM samples"},
        {"query": "SELECT count(*) AS n, max(value), list(DISTINCT tag) FROM samples"},
        {"query": "SELECT * FROM memory"},
        {"query": "FROM duckdb_views()"},
    ],
    "/api/tag-tables/export": [{"search": ""}, {"pattern": "{rest*}"}, {"paths": [OTHER]}],
}
NAMED_BODIES: dict[str, list[dict[str, Any]]] = {
    "/api/sql": [{"query": f"SELECT * FROM samples WHERE tag = '{OTHER}'"}],
    "/api/tag-tables/export": [{"paths": [OTHER]}, {"search": "", "under": OTHER}],
    "/api/annotations": [{"tag": OTHER, "text": "x"}],
    **{
        f"/api/alarms/{deed}": [{"alarms": [f"{OTHER}#high"], "note": "x", "minutes": 5}]
        for deed in ("acknowledge", "shelve", "unshelve", "take-out", "put-back")
    },
}


@pytest.fixture
def state_url(tmp_path: Path) -> str:
    """What is seen does not depend on where users are kept; that sites are kept is tested below."""
    return url_of(tmp_path)


@pytest.fixture
def two(accounts: Accounts, tmp_path: Path) -> Iterator[Site]:
    """A served plant of two sites, with whatever may be known of a site."""
    notes = Annotations(tmp_path / "annotations", "shop")
    plant = MemoryPlant(notes, tmp_path / "dashboards")
    _fill(plant)
    with served(plant, KeptAccess(accounts, KEY)) as (address, _server):
        site = Site(address, accounts, plant)
        accounts.users.add("all", Role.OPERATOR, PASSWORD, "test")
        accounts.users.add("limited", Role.ENGINEER, PASSWORD, "test", sites=["a"])
        accounts.users.add("admin", Role.ADMINISTRATOR, PASSWORD, "test")
        yield site
        for client in site.clients:
            client.close()


def _fill(plant: MemoryPlant) -> None:
    now = now_us()
    plant.history._expressions = {SHARE: parse(f"'{OTHER}' * 0 + '{OWN}'")}  # type: ignore[assignment]
    plant.history = type(plant.history)(
        "shop", plant, plant._moment, lambda path: False, None,
        plant.history._expressions, plant.history._notes,
    )  # fmt: skip
    plant.set_tags(
        [
            Tag(path=OWN, device="imm1", description_en="heat of a"),
            Tag(path=SHARE, expression=f"'{OTHER}' * 0 + '{OWN}'"),
            Tag(path=OTHER, device="meter1", description_en="gauge-of-b"),
            Tag(path="b/kettle/word", device="meter1"),
        ]
    )
    plant.add(OWN, [now - 90_000_000, now - 30_000_000], [120.0, 130.0])
    plant.add(OTHER, [now - 90_000_000, now - 30_000_000], [VALUE, VALUE])
    plant.add("b/kettle/word", now - 30_000_000, None, 0, TEXT)
    plant.history.annotate(OWN, now - 1, now, "seen at a")
    plant.history.annotate(OTHER, now - 1, now, "the boilerman was here")
    plant.history.annotate("*", now - 1, now, "all, and the boilerman")
    plant.define(name="high", tag=OWN, kind="H", limit=100)
    plant.define(name="high", tag=OTHER, kind="H", limit=100)
    plant.define(name="both", kind="expression", expression=f"'{OTHER}' > 1")
    plant.define(name="mixed", tag=OWN, kind="expression", expression=f"'{OTHER}' > 1")
    plant.look()
    for name, tags in (("own", [OWN]), ("house-of-b", [OTHER]), ("overview", [OWN, OTHER])):
        tile = Tile(kind=TileKind.TABLE, tags=tags)
        words = Tile(kind=TileKind.TEXT, text=f"words of {name}")
        plant.dashboards.save(name, Dashboard(title_en=name, tiles=[tile, words]), "")


def _asked(
    client: httpx.Client, method: str, path: str, query: dict[str, str], body: Any = None
) -> tuple[int, bytes]:
    """Status and content, unpacked; of a stream what comes until it has told of a's tag."""
    path = "/static/mark.svg" if path == "/static" else path
    with client.stream(method, path, params=query, json=body, follow_redirects=False) as answer:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            content = b""
            for part in answer.iter_bytes():
                content += part
                if b'"samples"' in content:
                    break
            return answer.status_code, content
        content = answer.read()
    return answer.status_code, _unpacked(content)


def _unpacked(content: bytes) -> bytes:
    if not content.startswith(b"PK\3\4"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return b"\n".join(packed.read(name) for name in packed.namelist())


def _paths(path: str) -> list[str]:
    """With what may stand in their place for the parameters of a path."""
    if not path.endswith("/x"):
        return [path]
    return [path, *(f"{path[:-1]}{name}" for name in ("own", "overview", "b", "limited"))]


def _walk(come: Callable[[], httpx.Client]) -> Iterator[tuple[str, int, bytes]]:
    """Every answer to every route, each asked by somebody who has just come: one logs out."""
    for method, path, _ in ROUTES:
        client = come()
        for real in _paths(path):
            queries = ASKED if method == "GET" and real != "/api/live" else ASKED[:2]
            for query in queries:
                for body in BODIES.get(path, [None]) if method != "GET" else [None]:
                    if real == "/api/live" and not query:
                        query = {"tags": OWN}
                    elif real == "/api/live":
                        query = {"tags": f"{OWN},*"}
                    status, content = _asked(client, method, real, query, body)
                    yield f"{method} {real} {query} {body}", status, content


def test_the_walk_of_somebody_who_sees_all_meets_every_mark(two: Site) -> None:
    """Else the test below would show nothing."""
    met = b"\n".join(content for _, _, content in _walk(lambda: two.member("all")))
    assert [mark for mark in MARKS if mark not in met] == []


@pytest.mark.parametrize("who", ["limited", "token"])
def test_nothing_of_another_site_comes_back(two: Site, who: str) -> None:
    token = ""
    if who == "token":
        scopes = [Scope.READ, Scope.PUSH, Scope.CONFIGURE, Scope.ADMIN]
        token = two.accounts.tokens.add("t", scopes, 1, "admin", sites=["a"])
    own = 0
    for asked, status, content in _walk(
        lambda: two.client(Authorization=f"Bearer {token}") if token else two.member("limited")
    ):
        assert status < 500, (asked, status, content)
        own += OWN.encode() in content
        query_told = re.sub(rb"kettle", b"", content) if "'search': 'kettle'" in asked else content
        found = [mark for mark in MARKS if mark in query_told]
        assert found == [], (asked, content)
    assert own > 30, "what is its own does come back"


def test_a_foreign_tag_is_answered_as_one_that_never_was(two: Site) -> None:
    stood = two.plant.alarms.standing_out()
    for method, path, _ in ROUTES:
        client = two.member("limited")
        for query in NAMED if method in ("GET", "DELETE") else [{}]:
            for body in NAMED_BODIES.get(path, [None]) if method != "GET" else [None]:
                if path in ("/api/live", "/logout"):
                    continue
                there = _asked(client, method, path, query, body)
                never = _asked(client, method, path, _never(query), _never(body))
                assert _timeless(there, OTHER) == _timeless(never, NEVER), (method, path, query)
    assert two.plant.alarms.standing_out() == stood
    assert len(two.plant.history.annotations()) == 3


def _never(asked: Any) -> Any:
    if isinstance(asked, dict):
        return {key: _never(value) for key, value in asked.items()}
    if isinstance(asked, list):
        return [_never(one) for one in asked]
    return asked.replace(OTHER, NEVER) if isinstance(asked, str) else asked


def _timeless(answer: tuple[int, bytes], name: str) -> tuple[int, bytes]:
    """Without the name that was asked for, forms' secrets and what a clock says."""
    content = answer[1].replace(name.encode(), b"?")
    content = re.sub(rb'"(now_us|uptime_s)":[\d.e+]+', b"", content)
    content = re.sub(rb"\d{10,}(\.\d+)?|\d+-\d\d-\d\dT[\d:.]+Z?", b"T", content)
    return answer[0], re.sub(rb'name="(csrf|once)" value="[^"]*"', b"", content)


def test_a_live_stream_tells_of_own_tags_alone(two: Site) -> None:
    """While somebody beside watches the other, from the same look at the plant."""
    with two.member("all").stream("GET", "/api/live", params={"tags": OTHER}) as beside:
        assert any("77123.5" in line for line in beside.iter_lines())
        client = two.member("limited")
        _, content = _asked(client, "GET", "/api/live", {"tags": f"{OTHER},{OWN}"})
        assert OWN.encode() in content
        assert b"kettle" not in content


def test_what_is_about_the_whole_plant_is_refused(two: Site) -> None:
    client = two.member("limited")
    for path in ("/connect", "/users", "/audit", "/api/diagnostics", "/api/machines", "/api/users",
                 "/api/tokens", "/api/configuration/versions", "/datasets",
                 "/api/datasets", "/jobs", "/api/jobs",
                 "/models", "/api/models", "/experiments", "/api/experiments"):  # fmt: skip
        assert client.get(path).status_code == 403, path


def test_samples_go_to_own_sites_alone_and_all_or_none(two: Site) -> None:
    client, before = two.member("limited"), two.plant.appended
    refused = client.post("/api/v2/write", content="a,m=oven heat=1\nb,m=kettle pressure=1")
    assert (refused.status_code, refused.json()["code"]) == (403, "site-outside")
    assert two.plant.appended == before
    assert client.post("/api/v2/write", content="a,m=oven heat=1").status_code == 204
    assert two.plant.appended == before + 1


def test_dashboards_of_own_tags_are_kept_and_others_stay_as_they_are(two: Site) -> None:
    client = two.member("limited")
    names = [one["name"] for one in client.get("/api/dashboards").json()]
    assert names == ["overview", "own"]
    front = client.get("/api/dashboards/overview").json()
    assert front["made"] and OWN in str(front)

    def save(name: str, tags: list[str]) -> int:
        tile = {"kind": "table", "tags": tags}
        body = {"dashboard": {"tiles": [tile]}, "version": ""}
        return client.put(f"/api/dashboards/{name}", json=body).status_code

    assert save("mine", [OWN]) == 200
    assert save("mine2", [OWN, OTHER]) == 403
    assert save("mine3", []) == 403
    assert save("overview", [OWN]) == 403
    assert client.get("/api/dashboards/house-of-b").status_code == 404
    gone = client.delete("/api/dashboards/house-of-b", params={"version": "x"})
    assert gone.status_code == 404


def test_an_expression_over_another_site_is_not_told(two: Site) -> None:
    found = two.member("limited").get("/api/tags", params={"path": SHARE}).json()
    assert [(one["path"], one["expression"]) for one in found["tags"]] == [(SHARE, "")]
    found = two.member("all").get("/api/tags", params={"path": SHARE}).json()
    assert OTHER in found["tags"][0]["expression"]


def test_a_token_sees_what_it_and_its_maker_see(two: Site) -> None:
    accounts = two.accounts
    accounts.users.set_sites("limited", ["a", "c*"], "test")
    for sites, seen in (((), "ac"), (("c?",), "c"), (("b",), "")):
        token = accounts.tokens.add(f"t{sites}", [Scope.READ], 1, "limited", sites=sites)
        who = accounts.tokens.identity(token, "")
        assert who is not None
        paths = ("a/x", "c1/x", "b/x")
        assert "".join(path[0] for path in paths if who.sites.sees(path)) == seen


def test_sites_can_be_given_and_taken_and_hold_at_once(two: Site) -> None:
    admin, client = two.member("admin"), two.member("all")
    assert OTHER in str(client.get("/api/tags").json())
    body = {"sites": ["a"]}
    assert admin.patch("/api/users/all", json=body).status_code == 200
    assert "kettle" not in client.get("/api/tags").text
    assert client.get("/api/me").json()["sites"] == [["a"]]
    assert admin.patch("/api/users/all", json={"sites": []}).status_code == 200
    assert OTHER in client.get("/api/tags").text
    refused = admin.patch("/api/users/admin", json=body)
    assert refused.json()["code"] == "administrator-limited"
    refused = admin.patch("/api/users/limited", json={"role": "administrator"})
    assert refused.json()["code"] == "administrator-limited"
    listed = {one["name"]: one["sites"] for one in admin.get("/api/users").json()}
    assert listed == {"admin": [], "all": [], "limited": ["a"]}


def test_the_page_of_users_shows_sites_and_changes_them(two: Site) -> None:
    admin = two.member("admin")
    admin.headers["Accept"] = "text/html"

    def post(address: str, **fields: str) -> int:
        page = admin.get("/users").text
        return admin.post(address, data=fields_of(page, **fields)).status_code

    assert 'value="a"' in admin.get("/users").text
    assert post("/users/limited/sites", sites="b， c*") == 303
    assert two.accounts.users.named("limited").sites == ("b", "c*")
    new = {"name": "li", "password": PASSWORD, "role": "viewer", "sites": "park1-* b"}
    assert post("/users", **new) == 303
    assert two.accounts.users.named("li").sites == ("park1-*", "b")
    assert post("/tokens", name="mes", scope="read", sites="b") == 200
    assert [one.sites for one in two.accounts.tokens.all()] == [("b",)]
    assert "park1-* b" in admin.get("/users").text
    assert post("/users/li/sites", sites="") == 303
    assert two.accounts.users.named("li").sites == ()


def test_a_stream_ends_when_its_reader_may_see_other_sites(
    two: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr(access, "KNOWN_S", 0.0)
    with two.member("limited").stream("GET", "/api/live", params={"tags": OWN}) as answer:
        lines = answer.iter_lines()
        assert next(line for line in lines if line.startswith("data:"))
        two.accounts.users.set_sites("limited", ["c"], "test")
        two.plant.add(OWN, now_us() + 1_000_000, 55.5)
        assert not [line for line in lines if "55.5" in line]


@pytest.mark.parametrize("wrong", ["a/b", "[a]", "a#", "x" * 101])
def test_what_is_no_site_is_refused(wrong: str) -> None:
    with pytest.raises(InputError) as refused:
        listed_as([wrong])
    assert refused.value.code == "sites-invalid"


def test_patterns_are_of_the_first_part_alone() -> None:
    sites = Sites.of("park1-*,b")
    for path, seen in (
        ("park1-2/x", True), ("park1-", True), ("park1/x", False), ("b/x", True), ("B/x", False),
        ("bb/x", False), ("x/b/park1-2", False), ("", False), ("/b", False), ("*", False),
    ):  # fmt: skip
        assert sites.sees(path) is seen, path
    assert Sites.of("", "").sees("anything")
