"""A hub tells its edges over the line that they hold open: nothing is lost, nothing done twice."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lianji.base.clock import now_us
from lianji.base.errors import InputError, NotFound
from lianji.relay.client import HubClient, Unwelcome
from lianji.relay.messages.kinds import LENGTH_MAX, Kind
from lianji.relay.messages.store import INLINE_BYTES_MAX, KEPT_US, LIVES_US
from lianji.relay.trust.edges import Edges
from lianji.relay.trust.refusals import Untrusted
from lianji.web.access.audit import Audit
from tests.relay.line import line_to
from tests.relay.messages.post import Deeds, Post, Taker
from tests.relay.world import until

Opening = Callable[..., Taker]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    post = Post(tmp_path)
    yield post
    post.close()


@pytest.fixture
def deeds() -> Deeds:
    return Deeds()


@pytest.fixture
def taker(tmp_path: Path, post: Post, deeds: Deeds) -> Iterator[Opening]:
    with ExitStack() as stack:

        def opened(**more: Any) -> Taker:
            found = Taker(tmp_path / "edge", post.hub, deeds, **more)
            stack.callback(found.close)
            return found

        yield opened


def test_a_message_of_another_process_is_applied_within_seconds_and_seen(
    post: Post, taker: Opening, deeds: Deeds
) -> None:
    taker()
    until(lambda: "plant" in post.hub.conversation.heard, "the edge holds the line")
    sent = post.send(Kind.COMMAND, "count", b'{"a": "b"}')
    until(lambda: post.told(sent).state == "applied", "the result", timeout_s=5)
    told = post.told(sent)
    assert told.result == {"count": 1, "resumed": False}
    assert told.reason is None and told.sender == "li"
    assert told.sent_us and told.answered_us and told.sent_us <= told.answered_us
    assert deeds.done == [("count", b'{"a": "b"}')]


def test_what_was_sent_before_the_edge_came_is_told_in_order(
    post: Post, taker: Opening, deeds: Deeds
) -> None:
    sent = [post.send(Kind.COMMAND, f"n{number}", b"{}") for number in range(20)]
    assert post.told(sent[0]).state == "queued"
    taker()
    for one in sent:
        post.wait(one, "applied")
    assert [name for name, _ in deeds.done] == [f"n{number}" for number in range(20)]
    versions = [one.version for one in sent]
    assert versions == sorted(set(versions))


def test_a_refusal_comes_back_in_its_words(post: Post, taker: Opening, deeds: Deeds) -> None:
    deeds.fails = True
    taker()
    told = post.wait(post.send(Kind.DICTIONARY, "tags", b"path\nx\n"), "refused")
    assert told.reason is not None and told.reason["code"] == "no-way"
    assert told.reason["cause"] == {"en": "It cannot be.", "zh": "不可行。"}


def test_a_large_content_is_fetched(post: Post, taker: Opening, deeds: Deeds) -> None:
    content = bytes(range(256)) * 20_000
    assert len(content) > INLINE_BYTES_MAX
    taker()
    post.wait(post.send(Kind.BUNDLE, "model", content), "applied")
    assert deeds.done == [("model", content)]


def test_a_line_that_breaks_costs_no_byte_twice(
    post: Post, taker: Opening, deeds: Deeds, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 20_000
    with line_to(post.hub.port) as line:
        edge = taker(port=line.port, patience_s=0.01)
        line.bytes_a_second = 2e6
        sent = post.send(Kind.BUNDLE, "model", content)
        part = tmp_path / "edge" / "relay" / "incoming" / sent.id
        until(lambda: part.exists() and part.stat().st_size > 1_000_000, "a part of it")
        line.cut()
        line.bytes_a_second = 0
        post.wait(sent, "applied")
        edge.close()
    assert deeds.done == [("model", content)]
    assert edge.starts[0] == 0
    assert len(edge.starts) == 2 and 1_000_000 < edge.starts[1] < len(content)


def test_a_content_is_only_for_the_edge_that_it_is_told_to(post: Post) -> None:
    content = b"x" * (INLINE_BYTES_MAX + 1)
    sent = post.send(Kind.BUNDLE, "model", content)
    address = [f"https://127.0.0.1:{post.hub.port}"]
    got: list[bytes] = []
    for asked, known in (("other", "other"), ("plant", "other"), ("plant", "plant")):
        client = HubClient(address, asked, lambda known=known: post.hub.context(known))
        if known == "plant":
            client.content(sent.id, 5, got.append)
        else:
            with pytest.raises(Unwelcome) as refused:
                client.content(sent.id, 0, got.append)
            assert refused.value.status in (403, 404)
            assert got == []
        client.close()
    assert b"".join(got) == content[5:]


def test_a_content_that_was_altered_on_the_hubs_disk_is_refused(
    post: Post, taker: Opening, deeds: Deeds, tmp_path: Path
) -> None:
    sent = post.send(Kind.BUNDLE, "model", b"x" * (INLINE_BYTES_MAX + 1))
    kept = tmp_path / "hub" / "contents" / sent.digest
    kept.write_bytes(b"y" + kept.read_bytes()[1:])
    taker()
    told = post.wait(sent, "refused")
    assert told.reason is not None and told.reason["code"] == "message-altered"
    assert deeds.done == []


def test_a_content_that_the_hub_lost_is_refused(post: Post, taker: Opening, tmp_path: Path) -> None:
    sent = post.send(Kind.COMMAND, "count", b"{}")
    (tmp_path / "hub" / "contents" / sent.digest).unlink()
    taker()
    told = post.wait(sent, "refused")
    assert told.reason is not None and told.reason["code"] == "message-content-refused"


def test_a_content_that_is_too_large_is_not_sent(post: Post) -> None:
    with pytest.raises(InputError, match="message-too-large"):
        post.send(Kind.COMMAND, "count", b" " * (LENGTH_MAX[Kind.COMMAND] + 1))
    assert post.messages.all() == []


def test_an_answer_that_got_lost_is_given_again_and_nothing_is_done_twice(
    post: Post, taker: Opening, deeds: Deeds
) -> None:
    with line_to(post.hub.port) as line:
        deeds.hold.clear()
        edge = taker(port=line.port)
        sent = post.send(Kind.COMMAND, "count", b"{}")
        until(deeds.begun.is_set, "the handler")
        line.down()
        deeds.hold.set()
        until(lambda: deeds.done, "the deed")
        edge.close()
        assert post.told(sent).state == "sent"
    taker()
    assert post.wait(sent, "applied").result == {"count": 1, "resumed": False}
    assert len(deeds.done) == 1


def test_an_edge_that_restarts_in_between_takes_it_up_again(
    post: Post, taker: Opening, deeds: Deeds
) -> None:
    deeds.hold.clear()
    first = taker(patience_s=0.01)
    bundle = post.send(Kind.BUNDLE, "model", b"x")
    until(deeds.begun.is_set, "the handler")
    first.close()
    deeds.hold.set()
    taker()
    assert post.wait(bundle, "applied").result == {"count": 1, "resumed": True}


def test_a_hub_that_restarts_in_between_hears_the_result(
    post: Post, taker: Opening, deeds: Deeds
) -> None:
    deeds.hold.clear()
    taker(patience_s=0.01)
    sent = post.send(Kind.COMMAND, "count", b"{}")
    until(deeds.begun.is_set, "the handler")
    post.restart()
    deeds.hold.set()
    assert post.wait(sent, "applied").result == {"count": 1, "resumed": False}
    assert len(deeds.done) == 1


def test_what_is_sent_while_the_hub_is_down_is_told_when_it_is_back(
    post: Post, taker: Opening, deeds: Deeds
) -> None:
    post.close_door()
    sent = post.send(Kind.COMMAND, "count", b"{}")
    post.hub.messages = post.another()
    post.hub.open()
    post.news = post._tell_news()
    taker()
    post.wait(sent, "applied")


def test_what_is_said_anew_before_it_was_told_is_told_once(
    post: Post, taker: Opening, deeds: Deeds
) -> None:
    older = post.send(Kind.BUNDLE, "model", b"1")
    beside = post.send(Kind.BUNDLE, "another", b"2")
    newer = post.send(Kind.BUNDLE, "model", b"3")
    commands = [post.send(Kind.COMMAND, "count", b"{}") for _ in range(2)]
    assert post.told(older).state == "superseded"
    taker()
    for one in (beside, newer, *commands):
        post.wait(one, "applied")
    assert [content for _, content in deeds.done] == [b"2", b"3", b"{}", b"{}"]
    assert post.told(older).state == "superseded"


def test_a_message_ends_with_its_time_but_a_late_answer_counts(post: Post) -> None:
    key = post.hub.authority.signing_key
    [sent] = post.messages.send(key, ["plant"], Kind.COMMAND, "count", b"{}", "li", lives_us=0)
    assert post.told(sent).state == "expired"
    assert post.messages.waiting("plant") == []
    post.messages.answered("plant", [{"id": sent.id, "state": "applied"}])
    assert post.told(sent).state == "applied"


def test_an_answer_counts_once_and_only_from_the_edge_that_was_told(post: Post) -> None:
    sent = post.send(Kind.COMMAND, "count", b"{}")
    nonsense: list[Any] = [7, {}, {"id": 7, "state": "applied"}, {"id": sent.id, "state": "x"},
                           {"id": sent.id, "state": "applied", "reason": "no object"}]  # fmt: skip
    post.messages.answered("plant", nonsense)
    post.messages.answered("other", [{"id": sent.id, "state": "applied"}])
    assert post.told(sent).state == "queued"
    post.messages.answered("plant", [{"id": sent.id, "state": "applied", "result": {"n": 1}}])
    post.messages.answered("plant", [{"id": sent.id, "state": "refused"}])
    assert post.told(sent).state == "applied"
    assert post.told(sent).result == {"n": 1}


def test_nothing_is_sent_to_who_is_not_there_and_then_to_nobody(post: Post) -> None:
    key = post.hub.authority.signing_key
    with pytest.raises(NotFound, match="edge-missing"):
        post.messages.send(key, ["plant", "nobody"], Kind.COMMAND, "count", b"{}", "li")
    Edges(post.state, post.hub.authority).revoke("other")
    with pytest.raises(Untrusted):
        post.messages.send(key, ["plant", "other"], Kind.COMMAND, "count", b"{}", "li")
    assert post.messages.all() == []


def test_a_hub_whose_clock_was_set_back_counts_on(post: Post) -> None:
    key = post.hub.authority.signing_key
    ahead = post.another()
    ahead._clock = lambda: now_us() + 3_600_000_000
    [first] = ahead.send(key, ["plant"], Kind.COMMAND, "count", b"{}", "li")
    assert post.send(Kind.COMMAND, "count", b"{}").version == first.version + 1


def test_what_is_long_over_is_not_kept_and_no_version_comes_twice(
    post: Post, tmp_path: Path
) -> None:
    first = post.send(Kind.BUNDLE, "model", b"old")
    later = post.another()
    later._clock = lambda: now_us() + LIVES_US + KEPT_US + 1
    [second] = later.send(
        post.hub.authority.signing_key, ["plant"], Kind.BUNDLE, "model", b"new", "li"
    )
    assert [one.id for one in later.all()] == [second.id]
    assert second.version > first.version
    kept = tmp_path / "hub" / "contents"
    assert {path.name for path in kept.iterdir()} == {first.digest, second.digest}
    os.utime(kept / first.digest, (0, 0))
    post.send(Kind.BUNDLE, "model", b"newest")
    assert not (kept / first.digest).exists() and (kept / second.digest).exists()


def test_who_sent_what_and_what_became_of_it_is_in_the_audit_log(post: Post) -> None:
    sent = post.send(Kind.COMMAND, "count", b"{}")
    reason = {"code": "no-way", "cause": {"en": "x", "zh": "x"}}
    post.messages.answered("plant", [{"id": sent.id, "state": "refused", "reason": reason}])
    found = [(one.who, one.what, json.loads(one.detail)) for one in Audit(post.state).newest(9)]
    about = {"edge": "plant", "kind": "command", "name": "count", "version": sent.version}
    assert found[1::-1] == [
        ("li", "message-sent", about),
        ("edge plant", "message-refused", {**about, "reason": "no-way"}),
    ]
