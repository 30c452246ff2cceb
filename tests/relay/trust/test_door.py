"""What strangers send to the door."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from lianji.relay.trust.certificates import new_key, request_of
from tests.relay.trust.door import Hub

JOIN = "/relay/v1/join"
TRICKS = ["../x", "a/b", "..", ".", "", "x" * 300, "a\x00b", "a\nb", "a b", "园区", "park1\u202e"]


@pytest.fixture
def stranger(hub: Hub) -> Iterator[httpx.Client]:
    """Who does not even look at the hub's certificate."""
    with httpx.Client(base_url=hub.address, verify=False, trust_env=False) as client:
        yield client


def csr(name: str) -> str:
    return request_of(new_key(), name).decode()


def code(response: httpx.Response) -> tuple[int, str]:
    assert {"en", "zh"} == set(response.json()["cause"]) == set(response.json()["remedy"])
    return response.status_code, str(response.json()["code"])


def test_the_root_is_shown_to_everybody(hub: Hub, stranger: httpx.Client) -> None:
    assert stranger.get("/relay/v1/ca").content == hub.authority.pem


@pytest.mark.parametrize("name", TRICKS, ids=ascii)
def test_a_name_with_tricks_in_it_gets_nobody_in(
    hub: Hub, stranger: httpx.Client, name: str
) -> None:
    token = hub.edges.invite("park1", ["park1"])
    answer = stranger.post(JOIN, json={"token": token, "csr": csr("park1"), "name": name})
    assert code(answer) in ((400, "enrolment-invalid"), (403, "invite-unknown"))
    assert hub.edges.all() == []


def test_a_request_for_another_name_is_refused_and_the_token_is_still_good(
    hub: Hub, stranger: httpx.Client
) -> None:
    token = hub.edges.invite("park1", ["park1"])
    wrong = stranger.post(JOIN, json={"token": token, "csr": csr("park2"), "name": "park1"})
    assert code(wrong) == (400, "csr-invalid")
    good = stranger.post(JOIN, json={"token": token, "csr": csr("park1"), "name": "park1"})
    assert (good.status_code, good.json()["edge"]) == (200, "park1")


def test_ten_megabytes_are_refused_before_they_are_read(hub: Hub, stranger: httpx.Client) -> None:
    body = {"token": "x" * 10_000_000, "csr": "x", "name": "x"}
    with suppress(httpx.WriteError):  # the hub has closed while we were still sending
        assert code(stranger.post(JOIN, json=body)) == (413, "enrolment-too-large")
    assert sum(len(body) for path, body in hub.asked if path == JOIN) == 0


def test_ten_megabytes_that_do_not_say_so_are_refused_as_they_come(
    hub: Hub, stranger: httpx.Client
) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(160):
            yield b"x" * 65_536

    with suppress(httpx.WriteError):
        assert code(stranger.post(JOIN, content=endless())) == (413, "enrolment-too-large")
    stranger.get("/relay/v1/ca")
    assert sum(len(body) for path, body in hub.asked if path == JOIN) < 1_000_000


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff\xfe", b"[" * 30_000, b'{"token": 1, "csr": "x", "name": "x"}',
     b'{"token": "a.b", "csr": "x"}', b'{"token": "\\ud800", "csr": "\\ud800", "name": "\\ud800"}'],
)  # fmt: skip
def test_what_is_no_request_is_refused_in_words(stranger: httpx.Client, body: bytes) -> None:
    assert code(stranger.post(JOIN, content=body))[0] in (400, 403)


def test_guessing_is_slowed_down_and_a_good_token_costs_no_try(
    hub: Hub, stranger: httpx.Client
) -> None:
    for number in range(8):
        name = f"park{number}"
        token = hub.edges.invite(name, [name])
        good = stranger.post(JOIN, json={"token": token, "csr": csr(name), "name": name})
        assert good.status_code == 200
    guess = {"token": "park1.guess", "csr": csr("park1"), "name": "park1"}
    answers = [stranger.post(JOIN, json=guess) for _ in range(6)]
    assert [code(one) for one in answers[:5]] == [(403, "invite-unknown")] * 5
    assert code(answers[5]) == (429, "hub-asked-too-often")
    assert 1 <= int(answers[5].headers["retry-after"]) <= 12
    renewal = stranger.post("/relay/v1/renew", json={"csr": "x"})
    assert renewal.status_code == 403  # that is another matter


def test_an_answer_with_a_certificate_is_kept_by_no_proxy(hub: Hub, stranger: httpx.Client) -> None:
    token = hub.edges.invite("park1", ["park1"])
    answer = stranger.post(JOIN, json={"token": token, "csr": csr("park1"), "name": "park1"})
    assert answer.headers["cache-control"] == "no-store"
    assert "PRIVATE" not in answer.text
