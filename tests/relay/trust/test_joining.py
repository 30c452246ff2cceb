"""A plant joins a hub and stays its edge: real TLS over loopback."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import httpx
import pytest
import uvloop

from lianji.base.errors import InputError, LianjiError, LinkDown
from lianji.relay.trust.certificates import new_key, request_of
from lianji.relay.trust.identity import Identity
from lianji.relay.trust.invitation import Invitation
from lianji.relay.trust.joining import join, renew
from lianji.relay.trust.refusals import Untrusted
from lianji.relay.trust.tls import server_context
from tests.relay.trust.door import Hub, made_hub, open_door


def who(hub: Hub, identity: Identity) -> httpx.Response:
    with httpx.Client(verify=identity.client_context(), trust_env=False) as client:
        return client.get(f"{hub.address}/who")


async def asked_by_async(hub: Hub, identity: Identity) -> httpx.Response:
    async with httpx.AsyncClient(verify=identity.client_context(), trust_env=False) as client:
        return await client.get(f"{hub.address}/who")


def code(response: httpx.Response) -> str:
    return str(response.json()["code"])


def test_who_joined_is_known_with_its_sites(hub: Hub, tmp_path: Path) -> None:
    identity = join(tmp_path / "relay", hub.invitation("park1", ["park1", "园区*"]))
    assert who(hub, identity).json() == {"edge": "park1", "sites": ["park1", "园区*"]}
    assert (identity.edge, identity.hub, identity.sites) == ("park1", "hub", ("park1", "园区*"))
    assert identity.addresses == ("https://hub.example:8461",)
    signature = hub.authority.signing_key.sign(b"a message")
    identity.hub_key.verify(signature, b"a message")


def test_the_key_is_the_owners_alone_and_never_left(hub: Hub, tmp_path: Path) -> None:
    join(tmp_path / "relay", hub.invitation())
    kept = tmp_path / "relay" / "identity.pem"
    assert kept.stat().st_mode & 0o077 == 0
    assert sorted(p.name for p in kept.parent.iterdir()) == ["hub.json", "identity.pem"]
    assert b"PRIVATE KEY" in kept.read_bytes()
    assert not any(b"PRIVATE KEY" in body for _, body in hub.asked)


def test_a_token_is_good_once(hub: Hub, tmp_path: Path) -> None:
    invitation = hub.invitation()
    join(tmp_path / "first", invitation)
    with pytest.raises(Untrusted) as refused:
        join(tmp_path / "second", invitation)
    assert refused.value.code == "invite-used"
    assert list((tmp_path / "second").iterdir()) == []


def test_of_many_that_join_with_one_token_at_once_one_gets_in(hub: Hub, tmp_path: Path) -> None:
    invitation, told = hub.invitation(), []

    def come(number: int) -> None:
        try:
            told.append(join(tmp_path / str(number), invitation).edge)
        except LianjiError as error:
            told.append(error.code)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["invite-used"] * 3 + ["park1"]


def test_a_token_is_good_for_fifteen_minutes(hub: Hub, tmp_path: Path) -> None:
    invitation = hub.invitation()
    hub.clock.us += 15 * 60 * 1_000_000
    with pytest.raises(Untrusted) as refused:
        join(tmp_path / "relay", invitation)
    assert refused.value.code == "invite-expired"


def test_a_clock_that_was_set_back_keeps_no_token_alive(hub: Hub, tmp_path: Path) -> None:
    invitation = hub.invitation()
    hub.clock.pass_days(-1)
    with pytest.raises(Untrusted) as refused:
        join(tmp_path / "relay", invitation)
    assert refused.value.code == "invite-expired"


def test_a_newer_invitation_ends_the_older(hub: Hub, tmp_path: Path) -> None:
    older, newer = hub.invitation(), hub.invitation()
    with pytest.raises(Untrusted) as refused:
        join(tmp_path / "relay", older)
    assert refused.value.code == "invite-unknown"
    assert join(tmp_path / "relay", newer).edge == "park1"


def test_another_hub_never_sees_the_token(hub: Hub, tmp_path: Path) -> None:
    with made_hub(tmp_path / "other") as other, open_door(other):
        token = hub.edges.invite("park1", ["park1"])
        line = Invitation.of(other.address, token, hub.authority.fingerprint)
        with pytest.raises(Untrusted) as refused:
            join(tmp_path / "relay", line)
    assert refused.value.code == "hub-fingerprint-wrong"
    assert [path for path, _ in other.asked] == ["/relay/v1/ca"]
    assert not any(token.encode() in body for _, body in other.asked)


def test_who_only_shows_the_right_root_never_sees_the_token(hub: Hub, tmp_path: Path) -> None:
    """It has the root, which is no secret, but not a door that the root signed."""
    with made_hub(tmp_path / "thief") as thief:
        foreign = thief.authority.server_context()
        hub.asked.clear()
        with open_door(Hub(hub.authority, hub.edges, hub.state, hub.clock), foreign) as between:
            with pytest.raises(LinkDown) as refused:
                join(tmp_path / "relay", between.invitation())
            assert [path for path, _ in between.asked] == ["/relay/v1/ca"]
    assert refused.value.code == "hub-unreachable"


def test_a_stranger_on_the_way_does_not_get_a_word_in(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a server says before it is known is not shown, and what a hub says is only text."""
    words = {"en": "Run \x1b[2Jthis", "zh": "Run this"}
    said = json.dumps({"code": "edge-x", "cause": words, "remedy": words}).encode()
    monkeypatch.setattr("tests.relay.trust.door.SAID", {"/relay/v1/ca": said})
    with pytest.raises(LinkDown) as refused:
        join(tmp_path / "relay", hub.invitation())
    assert "Run" not in str(refused.value)
    monkeypatch.setattr("tests.relay.trust.door.SAID", {"/relay/v1/join": said})
    with pytest.raises(Untrusted) as believed:
        join(tmp_path / "relay", hub.invitation())
    assert believed.value.cause.en == "Run [2Jthis"


def test_an_answer_that_does_not_fit_is_not_kept(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = join(tmp_path / "relay", hub.invitation())
    kept = first.path.read_bytes()
    other = hub.edges.admit(hub.edges.invite("x", ["x"]), request_of(new_key(), "x"), "x")
    whole = {
        "edge": "park1",
        "hub": "hub",
        "certificate": other.pem.decode(),
        "ca": hub.authority.pem.decode(),
        "public_key": hub.authority.public_key_pem.decode(),
        "sites": ["park1"],
        "addresses": [],
    }
    wrong: list[object] = [
        whole,
        {**whole, "certificate": hub.authority.pem.decode()},
        {**whole, "ca": "x"},
        {**whole, "sites": "park1"},
        {**whole, "addresses": ["http://x"]},
        {},
        [],
    ]
    monkeypatch.setattr("tests.relay.trust.door.STATUS", 200)
    for answer in wrong:
        said = {"/relay/v1/renew": json.dumps(answer).encode()}
        monkeypatch.setattr("tests.relay.trust.door.SAID", said)
        with pytest.raises(InputError) as refused:
            renew(tmp_path / "relay", hub.address)
        assert refused.value.code == "hub-answer-invalid"
        assert first.path.read_bytes() == kept


def test_an_edge_cannot_play_the_hub(hub: Hub, tmp_path: Path) -> None:
    evil = join(tmp_path / "evil", hub.invitation("evil"))
    context = server_context(evil.path, hub.authority.pem)
    with open_door(Hub(hub.authority, hub.edges, hub.state, hub.clock), context) as between:
        with pytest.raises(LinkDown):
            join(tmp_path / "relay", between.invitation())
        assert [path for path, _ in between.asked] == ["/relay/v1/ca"]


def test_a_server_of_the_root_that_is_no_hub_is_not_spoken_to(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = join(tmp_path / "relay", hub.invitation())
    monkeypatch.setattr("lianji.relay.trust.certificates.HUB_URI", "other:")
    (tmp_path / "hub" / "data" / "hub" / "door.pem").unlink()
    hub.asked.clear()
    with open_door(hub):
        with pytest.raises(LinkDown) as refused:
            renew(tmp_path / "relay", hub.address)
        assert "not that of a hub" in refused.value.cause.en
        for run in (asyncio.run, uvloop.run):
            with pytest.raises(httpx.ConnectError):
                run(asked_by_async(hub, identity))
    assert hub.asked == []


def test_who_is_revoked_is_refused_within_ten_seconds(hub: Hub, tmp_path: Path) -> None:
    identity = join(tmp_path / "relay", hub.invitation())
    assert who(hub, identity).status_code == 200
    elsewhere = type(hub.edges)(hub.state, hub.authority, clock=hub.clock)
    elsewhere.revoke("park1")  # as the command line does, in a process of its own
    hub.clock.s += 10
    refused = who(hub, identity)
    assert (refused.status_code, code(refused)) == (403, "edge-revoked")
    with pytest.raises(Untrusted) as no_more:
        renew(tmp_path / "relay", hub.address)
    assert no_more.value.code == "edge-revoked"


def test_who_was_revoked_may_be_invited_again_but_its_old_key_stays_out(
    hub: Hub, tmp_path: Path
) -> None:
    old = join(tmp_path / "stolen", hub.invitation())
    hub.edges.revoke("park1")
    new = join(tmp_path / "relay", hub.invitation())
    assert who(hub, new).status_code == 200
    assert code(who(hub, old)) == "edge-unknown"
    with pytest.raises(Untrusted):
        renew(tmp_path / "stolen", hub.address)


def test_an_open_invitation_ends_with_a_revocation(hub: Hub, tmp_path: Path) -> None:
    invitation = hub.invitation()
    hub.edges.revoke("park1")
    with pytest.raises(Untrusted) as refused:
        join(tmp_path / "relay", invitation)
    assert refused.value.code == "invite-unknown"


def test_an_expired_edge_may_renew_and_nothing_else(hub: Hub, tmp_path: Path) -> None:
    old = join(tmp_path / "relay", hub.invitation())
    hub.clock.pass_days(31)
    assert code(who(hub, old)) == "edge-expired"
    new = renew(tmp_path / "relay", hub.address)
    assert who(hub, new).json()["edge"] == "park1"
    assert new.certificate.public_key() != old.certificate.public_key()


def test_a_renewal_is_due_at_half_life_and_the_old_certificate_outlives_a_lost_answer(
    hub: Hub, tmp_path: Path
) -> None:
    old = join(tmp_path / "relay", hub.invitation())
    assert not old.renew_due(hub.clock())
    hub.clock.pass_days(15)
    assert old.renew_due(hub.clock())
    before, context = old.path.read_bytes(), old.client_context()
    new = renew(tmp_path / "relay", hub.address)
    assert who(hub, new).status_code == 200
    with httpx.Client(verify=context, trust_env=False) as client:
        assert client.get(f"{hub.address}/who").status_code == 200
    assert before != new.path.read_bytes()


def test_a_hub_restored_from_an_old_state_knows_who_renewed_since(hub: Hub, tmp_path: Path) -> None:
    join(tmp_path / "relay", hub.invitation())
    with hub.state.reading() as connection:
        old = connection.exec_driver_sql("SELECT serial, not_after_us FROM relay_edges").one()
    new = renew(tmp_path / "relay", hub.address)
    with hub.state.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE relay_edges SET serial = ?, not_after_us = ?", tuple(old)
        )
    hub.clock.s += 10
    assert who(hub, new).status_code == 200


def test_without_a_certificate_there_is_nothing_but_joining(hub: Hub) -> None:
    with httpx.Client(verify=False, trust_env=False) as client:
        assert code(client.get(f"{hub.address}/who")) == "edge-certificate-missing"
        renewal = client.post(f"{hub.address}/relay/v1/renew", json={"csr": "x"})
        assert (renewal.status_code, code(renewal)) == (403, "edge-certificate-missing")


def test_an_edge_of_another_hub_does_not_get_through_tls(hub: Hub, tmp_path: Path) -> None:
    with made_hub(tmp_path / "other") as other, open_door(other):
        foreign = join(tmp_path / "relay", other.invitation())
    mine = hub.authority.server_certificate()
    assert mine.exists()
    context = foreign.client_context()
    context.load_verify_locations(cadata=hub.authority.pem.decode())
    with httpx.Client(verify=context, trust_env=False) as client, pytest.raises(httpx.HTTPError):
        client.get(f"{hub.address}/who")
    assert not any(path == "/who" for path, _ in hub.asked)


def test_what_is_no_invitation_is_told_before_anybody_is_asked() -> None:
    good = ("https://127.0.0.1:1", "park1.abc", "ab" * 32)
    assert str(Invitation.of(*good)) == f"lianji join {good[0]} {good[1]} --hub {good[2]}"
    assert Invitation.of(good[0], good[1], ":".join(["AB"] * 32)).fingerprint == good[2]
    for wrong in (
        ("http://127.0.0.1:1", good[1], good[2]),
        ("https://a/b", good[1], good[2]),
        ("https://me:pass@host", good[1], good[2]),
        (good[0], "no-token", good[2]),
        (good[0], "../x.abc", good[2]),
        (good[0], good[1], "ab" * 31),
    ):
        with pytest.raises(InputError) as refused:
            Invitation.of(*wrong)
        assert refused.value.code == "invitation-invalid"


def test_nobody_there_is_said_in_words(tmp_path: Path) -> None:
    line = Invitation.of("https://127.0.0.1:9", "park1.abc", "ab" * 32)
    with pytest.raises(LinkDown) as refused:
        join(tmp_path / "relay", line)
    assert refused.value.code == "hub-unreachable"
