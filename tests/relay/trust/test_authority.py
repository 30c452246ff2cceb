"""The hub's keys on disk, its door through the years, and throttles."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest
import uvloop
from cryptography import x509

from lianji.base.errors import InputError, NotFound, StorageError
from lianji.relay.trust.authority import Authority
from lianji.relay.trust.identity import Identity
from lianji.relay.trust.joining import join, renew
from lianji.relay.trust.refusals import TooOften
from lianji.relay.trust.throttle import NAMES_MAX, Throttle, network_of
from tests.relay.trust.door import Clock, Hub, made_hub, open_door


def test_its_keys_are_the_owners_alone_also_after_a_restore(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    authority = Authority.create(folder, "north")
    authority.server_certificate()
    for name in ("ca.key", "signing.key", "door.pem"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600, name
        (folder / name).chmod(0o644)
    folder.chmod(0o755)
    again = Authority(folder)
    again.server_certificate()
    for path in (folder, *(folder / name for name in ("ca.key", "signing.key", "door.pem"))):
        assert path.stat().st_mode & 0o077 == 0, path
    assert (again.name, again.fingerprint) == ("north", authority.fingerprint)
    assert again.public_key_pem == authority.public_key_pem


def test_there_is_one_authority_and_it_is_never_overwritten(tmp_path: Path) -> None:
    first = Authority.create(tmp_path / "hub", "north")
    with pytest.raises(InputError) as refused:
        Authority.create(tmp_path / "hub", "north")
    assert refused.value.code == "hub-exists"
    assert Authority(tmp_path / "hub").fingerprint == first.fingerprint
    with pytest.raises(NotFound):
        Authority(tmp_path / "nothing")


def test_a_creation_that_was_killed_begins_again(tmp_path: Path) -> None:
    Authority.create(tmp_path / "hub", "north")
    (tmp_path / "hub" / "ca.pem").unlink()  # which is written last
    assert Authority.create(tmp_path / "hub", "north").name == "north"


@pytest.mark.parametrize("name", ["ca.key", "signing.key", "ca.pem"])
def test_damaged_keys_are_named(tmp_path: Path, name: str) -> None:
    Authority.create(tmp_path / "hub", "north")
    other = Authority.create(tmp_path / "other", "north")
    assert other.name == "north"
    for content in (b"", b"nonsense", (tmp_path / "other" / "ca.key").read_bytes()):
        (tmp_path / "hub" / name).write_bytes(content)
        with pytest.raises(StorageError) as refused:
            Authority(tmp_path / "hub")
        assert refused.value.code == "hub-keys-damaged"


def test_the_door_is_made_anew_at_half_life_and_a_damaged_one_at_once(tmp_path: Path) -> None:
    clock = Clock()
    authority = Authority.create(tmp_path / "hub", "north", clock)
    door = authority.server_certificate()
    first = door.read_bytes()
    clock.pass_days(44)
    assert authority.server_certificate().read_bytes() == first
    clock.pass_days(2)
    second = authority.server_certificate().read_bytes()
    assert second != first
    clock.pass_days(-4000)  # a clock that was wrong when it was made
    third = authority.server_certificate().read_bytes()
    assert third != second
    door.write_bytes(third[:300])
    assert authority.server_certificate().read_bytes() != third[:300]
    authority.refresh(authority.server_context())


def test_the_root_signs_ends_only_and_lives_for_twenty_years(tmp_path: Path) -> None:
    root = Authority.create(tmp_path / "hub", "north").certificate
    constraints = root.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    assert (root.not_valid_after_utc - root.not_valid_before_utc).days >= 20 * 365


@pytest.mark.parametrize("days", [-4000, -1, 1, 4000])
def test_an_edge_with_a_wrong_clock_still_joins_and_renews(tmp_path: Path, days: int) -> None:
    """Both clocks of the test are the hub's; that of TLS here is the edge's."""
    with made_hub(tmp_path / "hub") as hub:
        hub.clock.pass_days(days)
        with open_door(hub):
            join(tmp_path / "relay", hub.invitation())
            identity = renew(tmp_path / "relay", hub.address)
            with httpx.Client(verify=identity.client_context(), trust_env=False) as client:
                assert client.get(f"{hub.address}/who").status_code == 200


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_asynchronous_clients_speak_to_hubs_only(tmp_path: Path, hub: Hub, loop: str) -> None:
    identity = join(tmp_path / "relay", hub.invitation())

    async def ask(address: str, context: ssl.SSLContext) -> int:
        async with httpx.AsyncClient(verify=context, trust_env=False) as client:
            return (await client.get(f"{address}/who")).status_code

    run = asyncio.run if loop == "asyncio" else uvloop.run
    assert run(ask(hub.address, identity.client_context())) == 200
    with made_hub(tmp_path / "other") as other, open_door(other):
        with pytest.raises(httpx.ConnectError):
            run(ask(other.address, identity.client_context()))
        assert other.asked == []


def test_an_identity_is_whole_or_named(tmp_path: Path, hub: Hub) -> None:
    with pytest.raises(NotFound) as missing:
        Identity(tmp_path / "relay")
    assert missing.value.code == "relay-not-joined"
    path = join(tmp_path / "relay", hub.invitation()).path
    content = path.read_bytes()
    path.chmod(0o644)
    Identity(tmp_path / "relay")
    assert path.stat().st_mode & 0o077 == 0
    for wrong in (b"", content[: len(content) // 2], content[:-40]):
        path.write_bytes(wrong)
        with pytest.raises(StorageError) as damaged:
            Identity(tmp_path / "relay")
        assert damaged.value.code == "relay-identity-damaged"


def test_a_throttle_fills_up_again_and_forgets_the_oldest() -> None:
    clock = Clock()
    throttle = Throttle(at_once=2, refill_s=10, ticks=clock.ticks)
    throttle.take("a")
    throttle.take("a")
    with pytest.raises(TooOften) as refused:
        throttle.take("a")
    assert refused.value.retry_after_s == 10
    throttle.take("b")
    clock.s += 10
    throttle.take("a")
    throttle.give_back("a")
    throttle.take("a")
    for number in range(NAMES_MAX):
        throttle.take(str(number))
    throttle.take("a")
    assert len(throttle._left) == NAMES_MAX


def test_an_ipv6_client_is_its_network() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::2") == "2001:db8::/64"
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("not an address") == "not an address"
