"""What an edge takes from its hub, once, and what it refuses with which reason."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from lianji.base.clock import now_us
from lianji.base.ids import new_id
from lianji.relay.messages.envelope import Signed
from lianji.relay.messages.inbox import Inbox
from lianji.relay.messages.kinds import LENGTH_MAX, Kind
from lianji.relay.trust.refusals import Untrusted
from tests.relay.messages.post import ALL, MINUTE_US, Deeds, signed
from tests.relay.world import until

KEY = Ed25519PrivateKey.generate()
Opening = Callable[..., Inbox]


def nothing_to_fetch(message: str, start: int, take: Any) -> None:
    raise AssertionError(f"{message} was asked for")


@pytest.fixture
def deeds() -> Deeds:
    return Deeds()


@pytest.fixture
def opened(tmp_path: Path, deeds: Deeds) -> Iterator[Opening]:
    """Opens the same inbox, again and again."""
    boxes: list[Inbox] = []

    def open_(**more: Any) -> Inbox:
        if boxes:
            boxes[-1].close()
        options = {"accept": ALL, "fetch": nothing_to_fetch, **more}
        boxes.append(
            Inbox(tmp_path / "relay", "plant", KEY.public_key, deeds.handlers(), **options)
        )
        return boxes[-1]

    yield open_
    boxes[-1].close()


def refusal(result: dict[str, Any]) -> str:
    assert result["state"] == "refused", result
    assert result["reason"]["cause"]["zh"] and result["reason"]["remedy"]["en"]
    return str(result["reason"]["code"])


def test_a_message_is_applied_once_and_asked_again_answered_the_same(
    opened: Opening, deeds: Deeds
) -> None:
    message = signed(KEY, b'{"a": "1"}').as_json()
    inbox = opened()
    first = inbox.take(message)
    assert first["state"] == "applied" and first["result"]["count"] == 1
    assert inbox.take(message) == first
    assert opened().take(message) == first  # after a restart too
    assert deeds.done == [("count", b'{"a": "1"}')]


def test_a_forged_signature_is_refused(opened: Opening, deeds: Deeds) -> None:
    foreign = signed(Ed25519PrivateKey.generate()).as_json()
    assert refusal(opened().take(foreign)) == "message-forged"
    good = signed(KEY).as_json()
    assert refusal(opened().take({**good, "name": "other"})) == "message-forged"
    assert deeds.done == []
    assert opened().take(good)["state"] == "applied"  # the forgery left nothing behind


def test_an_older_version_is_never_taken_again(opened: Opening, deeds: Deeds) -> None:
    assert opened().take(signed(KEY, version=5).as_json())["state"] == "applied"
    for version in (5, 4):
        replayed = signed(KEY, version=version).as_json()
        assert refusal(opened().take(replayed)) == "message-outdated"
    other_kind = signed(KEY, version=1, kind="bundle").as_json()
    assert opened().take(other_kind)["state"] == "applied"
    assert len(deeds.done) == 2


def test_what_failed_counts_as_had_too(opened: Opening, deeds: Deeds) -> None:
    deeds.fails = True
    result = opened().take(signed(KEY, version=5).as_json())
    assert refusal(result) == "no-way"
    assert result["reason"]["cause"] == {"en": "It cannot be.", "zh": "不可行。"}
    deeds.fails = False
    assert refusal(opened().take(signed(KEY, version=5).as_json())) == "message-outdated"
    assert deeds.done == []


def test_a_message_for_another_edge_is_refused(opened: Opening, deeds: Deeds) -> None:
    assert refusal(opened().take(signed(KEY, edge="other").as_json())) == "message-for-another"
    assert deeds.done == []


def test_what_came_after_its_time_is_refused(opened: Opening, deeds: Deeds) -> None:
    message = signed(KEY).as_json()
    late = opened(clock=lambda: now_us() + 2 * MINUTE_US)
    assert refusal(late.take(message)) == "message-expired"
    assert deeds.done == []


def test_another_content_than_the_signed_one_is_refused(opened: Opening, deeds: Deeds) -> None:
    for content in (b"1235", b"123", b""):
        told = signed(KEY, b"1234").as_json()
        altered = {**told, "content": base64.b64encode(content).decode()}
        assert refusal(opened().take(altered)) == "message-altered"
    assert deeds.done == []


def test_a_content_that_is_too_large_is_not_even_fetched(opened: Opening) -> None:
    large = signed(KEY, length=LENGTH_MAX[Kind.COMMAND] + 1)
    told = {k: v for k, v in large.as_json().items() if k != "content"}
    assert refusal(opened().take(told)) == "message-too-large"


def test_a_plant_takes_only_the_kinds_that_its_owner_named(opened: Opening, deeds: Deeds) -> None:
    inbox = opened(accept=["command"])
    result = inbox.take(signed(KEY, kind="configuration").as_json())
    assert refusal(result) == "message-not-accepted"
    assert "only: command" in result["reason"]["cause"]["en"]
    assert refusal(inbox.take(signed(KEY, kind="dance").as_json())) == "message-kind-unknown"
    assert deeds.done == []


def test_what_was_cut_short_is_taken_up_again_but_a_command_is_not(
    opened: Opening, deeds: Deeds
) -> None:
    for kind, state in (("bundle", "applied"), ("command", "refused")):
        message = signed(KEY, kind=kind).as_json()
        deeds.hold.clear()
        inbox = opened(patience_s=0.01)
        assert inbox.take(message)["state"] == "trying"
        until(deeds.begun.is_set, "the handler")
        inbox.close()
        deeds.hold.set()
        deeds.begun.clear()
        again = opened().take(message)
        assert again["state"] == state
        assert opened().take(message) == again
    assert again["reason"]["code"] == "message-interrupted"
    assert len(deeds.done) == 1


def test_a_result_that_takes_long_is_told_when_it_is_there(opened: Opening, deeds: Deeds) -> None:
    deeds.hold.clear()
    inbox = opened(patience_s=0.01)
    first, second = signed(KEY), signed(KEY, kind="bundle")
    assert [inbox.take(one.as_json())["state"] for one in (first, second)] == ["trying"] * 2
    assert inbox.take(first.as_json())["state"] == "trying"
    assert inbox.busy and inbox.finished() == []
    deeds.hold.set()
    found: list[dict[str, Any]] = []
    until(lambda: found.extend(inbox.finished()) or len(found) == 2, "both results")
    assert [one["id"] for one in found] == [first.envelope.id, second.envelope.id]
    assert not inbox.busy and inbox.finished() == []
    assert len(deeds.done) == 2


def test_a_damaged_memory_lets_nothing_in(opened: Opening, tmp_path: Path, deeds: Deeds) -> None:
    (tmp_path / "relay").mkdir()
    (tmp_path / "relay" / "inbox.json").write_bytes(b'{"versions": {')
    assert refusal(opened().take(signed(KEY).as_json())) == "inbox-unusable"
    assert deeds.done == []


@pytest.mark.parametrize(
    "name",
    ["id", "edge", "kind", "name", "version", "created_us", "expires_us", "digest", "length"],
)
@given(number=st.integers(0, 2**63 - 1))
def test_no_field_can_be_changed_under_the_signature(name: str, number: int) -> None:
    told = signed(KEY).as_json()
    text = f"{number:x}".rjust(len(str(told[name])), "0")[:64]
    other = number if isinstance(told[name], int) else text
    changed = Signed.of({**told, name: other})
    if other == told[name]:
        changed.check(KEY.public_key())
    else:
        with pytest.raises(Untrusted, match="message-forged"):
            changed.check(KEY.public_key())


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../../etc/passwd"},
        {"id": new_id().hex().upper()},
        {"version": "7"},
        {"version": True},
        {"version": -1},
        {"length": 2**70},
        {"signature": "!"},
        {"content": 7},
        {"digest": None},
        {"name": "x" * 500},
    ],
)
def test_what_is_no_message_is_refused(opened: Opening, change: dict[str, Any]) -> None:
    told = {**signed(KEY).as_json(), **change}
    assert refusal(opened().take(told)) == "message-unreadable"
    assert refusal(opened().take({})) == "message-unreadable"
