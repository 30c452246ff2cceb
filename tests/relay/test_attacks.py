"""What no honest edge sends: refused with a reason, and nothing of it in the spool."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lianji.dictionary.batch import Batch
from lianji.relay.lanes import NOTHING, Lane, Mark
from lianji.relay.limits import Limits
from lianji.relay.trust import tls
from lianji.relay.trust.authority import Authority
from lianji.relay.trust.certificates import key_pem, new_key, pem_of, request_of
from lianji.relay.wire import BODY_BYTES_MAX, LENGTH_MAX, Body, digest_of, pack_body
from lianji.spool.record import Kind, encode, encode_batch, encode_tags
from tests.relay.world import START_US, Hub, until

EPOCH = "ab" * 16
LANE = f"{EPOCH}.1"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path)
    yield hub
    hub.close()


def records(*sequences: int, path: str = "plant/x", value: float = 1.0) -> list[Any]:
    parts: list[Any] = list(encode_tags(0, [0], [path]))
    for sequence in sequences:
        parts += encode_batch(sequence, Batch.of([0], START_US + sequence, value))
    return parts


def ask(
    hub: Hub,
    method: str,
    path: str,
    body: Body | bytes = b"",
    headers: dict[str, str] | None = None,
    edge: str | None = "plant",
    context: ssl.SSLContext | None = None,
) -> tuple[int, dict[str, Any]]:
    if context is None:
        context = hub.context(edge) if edge else tls.client_context(hub.authority.pem)
    line = http.client.HTTPSConnection("127.0.0.1", hub.port, context=context, timeout=10)
    told = {"lianji-previous": "0:0", **(headers or {})}
    content = body
    if isinstance(body, Body):
        told, content = {**body.headers, **told}, body.content
    try:
        line.request(method, path, content, told)
        answer = line.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        line.close()


def put(hub: Hub, *sequences: int, **more: Any) -> tuple[int, dict[str, Any]]:
    body = more.pop("body", None) or pack_body(records(*sequences))
    lane, edge = more.pop("lane", LANE), more.pop("at", "plant")
    return ask(hub, "PUT", f"/relay/v1/{edge}/{lane}/{sequences[0]}", body, **more)


def test_the_same_again_gets_the_same_yes(hub: Hub) -> None:
    body = pack_body(records(1, 2))
    first = put(hub, 1, 2, body=body)
    assert first[0] == 200
    assert put(hub, 1, 2, body=body) == first
    assert len(hub.samples()) == 2


def test_other_bytes_under_the_same_numbers_are_set_aside(hub: Hub) -> None:
    put(hub, 1, 2)
    status, told = put(hub, 1, 2)
    assert (status, told["code"]) == (409, "relay-histories-parted")
    assert put(hub, 3, headers={"lianji-previous": "2:1234"})[0] == 409
    assert len(hub.samples()) == 2
    assert [one.edge for one in hub.aside.list()] == ["plant"]


def test_a_body_that_lies(hub: Hub) -> None:
    good = pack_body(records(1))
    lies = {
        "digest": {"content-digest": digest_of(b"else")},
        "no digest": {"content-digest": ""},
        "length": {"lianji-length": str(good.length + 1)},
        "no length": {"lianji-length": ""},
        "encoding": {"content-encoding": "gzip"},
        "previous": {"lianji-previous": "none"},
        "previous behind": {"lianji-previous": "9:1"},
    }
    for what, headers in lies.items():
        status, told = put(hub, 1, body=good, headers=headers)
        assert status in (400, 409), (what, told)
    damaged = bytearray(b"".join(records(1)))
    damaged[-5] ^= 1
    assert put(hub, 1, body=pack_body([bytes(damaged)]))[0] == 400
    assert put(hub, 2, body=pack_body(records(2, 1)))[0] == 400
    assert put(hub, 1, body=pack_body([b"nothing at all"]))[0] == 400
    assert hub.samples() == []


def test_a_bomb_takes_no_more_than_it_says(hub: Hub) -> None:
    zeros = bytes(LENGTH_MAX * 2)
    content = pa.Codec("zstd", 3).compress(zeros, asbytes=True)
    assert len(content) < 100_000
    bomb = Body(content, 1_000, digest_of(content), True)
    assert put(hub, 1, body=bomb)[0] == 400
    honest = Body(content, len(zeros), digest_of(content), True)
    assert put(hub, 1, body=honest)[0] == 413


def test_ten_gigabytes_are_refused_before_they_come(hub: Hub) -> None:
    headers = {"content-length": str(10 * 1024**3), "lianji-length": "1000"}
    assert put(hub, 1, body=b"x", headers=headers)[0] == 413


def test_a_body_without_an_end_is_cut_off(hub: Hub) -> None:
    context = hub.context("plant")
    with socket.create_connection(("127.0.0.1", hub.port)) as raw, context.wrap_socket(raw) as line:
        line.sendall(
            f"PUT /relay/v1/plant/{LANE}/1 HTTP/1.1\r\nHost: hub\r\nLianji-Previous: 0:0\r\n"
            "Lianji-Length: 1000\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        piece = b"10000\r\n" + bytes(65_536) + b"\r\n"
        sent = 0
        try:
            while sent <= 2 * BODY_BYTES_MAX:
                line.sendall(piece)
                sent += 65_536
        except OSError:
            pass
        assert sent <= 2 * BODY_BYTES_MAX, "the hub took it all"


@pytest.mark.parametrize(
    "path",
    [
        "/relay/v1/plant/../../etc/passwd",
        f"/relay/v1/..%2f..%2fetc/{LANE}/1",
        f"/relay/v1/plant/{EPOCH}.0/1",
        f"/relay/v1/plant/{EPOCH}.99999999999999999999/1",
        f"/relay/v1/plant/{'zz' * 16}.1/1",
        f"/relay/v1/plant/{LANE}/-1",
        f"/relay/v1/{'p' * 5000}/{LANE}/1",
        "/",
        "/relay/v1/plant",
    ],
)
def test_odd_paths_are_no_routes(hub: Hub, path: str) -> None:
    assert ask(hub, "PUT", path, pack_body(records(1)))[0] in (400, 404)
    assert hub.samples() == []


def test_nobody_speaks_in_anothers_name_or_without_one(hub: Hub) -> None:
    assert put(hub, 1, at="other")[1]["code"] == "relay-not-yours"
    assert put(hub, 1, edge=None)[0] in (401, 403)
    assert ask(hub, "GET", f"/relay/v1/other/{EPOCH}")[0] == 403
    assert ask(hub, "POST", "/relay/v1/other/exchange", b"{}")[0] == 403


def test_a_foreign_certificate_gets_no_further_than_tls(hub: Hub, tmp_path: Path) -> None:
    foreign = Authority.create(tmp_path / "foreign", "hub")
    key = new_key()
    own = tmp_path / "own.pem"
    signed = foreign.sign(request_of(key, "plant"), "plant")
    own.write_bytes(key_pem(key) + pem_of(signed) + foreign.pem)
    with pytest.raises((ssl.SSLError, OSError)):
        put(hub, 1, context=tls.client_context(hub.authority.pem, own))


def test_a_tag_outside_the_edges_sites_goes_under_its_own(hub: Hub) -> None:
    assert put(hub, 1, body=pack_body(records(1, path="bank/balance")))[0] == 200
    assert [path for path, *_ in hub.samples()] == ["plant/bank/balance"]


def test_a_hub_of_many_sites_may_write_those_alone(hub: Hub) -> None:
    hub.gate.sites["park"] = ("park-*",)
    body = pack_body(records(1, path="other/x"))
    assert put(hub, 1, at="park", edge="park", body=body)[0] == 200
    assert hub.samples() == []
    assert hub.receiving.received["park"].refused_rows == 1
    body = pack_body(
        [
            *encode_tags(0, [1], ["park-7/x"]),
            *encode_batch(2, Batch.of([1, 0], START_US, 2.0)),
        ]
    )
    mark = hub.receiving.ledger.mark("park", Lane(EPOCH, 1))
    headers = {"lianji-previous": str(mark)}
    assert put(hub, 2, at="park", edge="park", body=body, headers=headers)[0] == 200
    assert [path for path, *_ in hub.samples()] == ["park-7/x"]


def test_a_tag_that_was_never_told_is_asked_for(hub: Hub) -> None:
    body = pack_body(encode_batch(1, Batch.of([5], START_US, 1.0)))
    status, told = put(hub, 1, body=body)
    assert (status, told["tags"]) == (428, 0)
    assert hub.receiving.ledger.mark("plant", Lane(EPOCH, 1)) == NOTHING


@pytest.mark.parametrize("kind", [Kind.BATCH, Kind.COLUMNS])
def test_a_record_that_checks_and_means_nothing_stops_nobody(hub: Hub, kind: Kind) -> None:
    poison = encode(kind, 2, [bytes(16) + b"\0\0", b"no arrow"], rows=7)
    body = pack_body([*records(1), *poison, *encode_batch(3, Batch.of([0], START_US + 3, 3.0))])
    assert put(hub, 1, body=body)[0] == 200
    assert [value for *_, value in hub.samples()] == [1.0, 3.0]
    [gap] = hub.gaps()
    assert (gap.first, gap.last, gap.rows) == (2, 2, 7)
    assert any("poison" in one.what for one in hub.aside.list())


def test_too_much_is_asked_to_wait(tmp_path: Path) -> None:
    hub = Hub(tmp_path, limits=Limits(rows_a_second=0.1))
    try:
        assert put(hub, 1, 2, 3)[0] == 200
        mark = hub.receiving.ledger.mark("plant", Lane(EPOCH, 1))
        status, told = put(hub, 4, headers={"lianji-previous": str(mark)})
        assert (status, told["code"]) == (429, "relay-slower")
        assert len(hub.samples()) == 3
    finally:
        hub.close()


def test_a_lane_never_grows_over_the_next(hub: Hub) -> None:
    assert put(hub, 5, lane=f"{EPOCH}.5")[0] == 200
    assert put(hub, 1, 2)[0] == 200
    mark = hub.receiving.ledger.mark("plant", Lane(EPOCH, 1))
    status, _ = put(hub, 3, 5, headers={"lianji-previous": str(mark)})
    assert status == 409
    assert len(hub.samples()) == 3


def test_one_of_two_that_send_the_same_at_once_is_enough(hub: Hub) -> None:
    body = pack_body(records(*range(1, 200)))
    hub.certificate("plant")
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(put(hub, 1, body=body)[0])) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 8
    until(lambda: len(hub.samples()) == 199, "all of it, once")


def test_marks_that_are_none(hub: Hub) -> None:
    for text in ("", ":", "1", "-1:0", "1:zz", "9" * 30 + ":0", "1:" + "f" * 17):
        with pytest.raises(Exception, match="mark"):
            Mark.parse(text)
