"""Who a certificate stands for: no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from lianji.base.errors import InputError, NotFound
from lianji.relay.trust.certificates import (
    der_of,
    end_certificate,
    new_key,
    request_of,
    requested_key,
    serial_for,
)
from lianji.relay.trust.peer import Peer, peer_of
from lianji.relay.trust.refusals import Untrusted
from tests.relay.trust.door import Hub, made_hub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with made_hub(tmp_path / "hub") as hub:
        yield hub


def joined(hub: Hub, name: str = "park1", sites: tuple[str, ...] = ("park1",)) -> bytes:
    token = hub.edges.invite(name, sites)
    return der_of(hub.edges.admit(token, request_of(new_key(), name), name).certificate)


def refusal(hub: Hub, der: bytes | None) -> str:
    with pytest.raises(Untrusted) as refused:
        peer_of(der, hub.clock(), hub.edges)
    return refused.value.code


def test_an_edge_may_write_its_own_sites_and_no_others(hub: Hub) -> None:
    peer = peer_of(joined(hub, "east", ("park1", "园区-*")), hub.clock(), hub.edges)
    assert peer.may_write("park1/line/temperature") and peer.may_write("park1")
    assert peer.may_write("园区-3/a")
    for other in ("park10/a", "park", "xpark1/a", "园区", "", "/park1", "PARK1/a", "x/park1"):
        assert not peer.may_write(other), other


def test_a_star_stays_within_the_site(hub: Hub) -> None:
    peer = Peer("e", ("a*z", "[ab]", "?"), False, 1, 0)
    assert peer.may_write("az/x") and peer.may_write("a.z") and peer.may_write("[ab]/x")
    assert not any(peer.may_write(site) for site in ("a/z", "a", "b", "x"))


def test_the_door_of_the_hub_is_no_edge(hub: Hub) -> None:
    door = x509.load_pem_x509_certificates(hub.authority.server_certificate().read_bytes())[0]
    assert refusal(hub, der_of(door)) == "edge-foreign"
    assert refusal(hub, der_of(hub.authority.certificate)) == "edge-foreign"


def test_a_certificate_for_servers_is_no_edge_whatever_its_name(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined(hub, "hub")
    monkeypatch.setattr("lianji.relay.trust.certificates.HUB_URI", "lianji:edge:")
    door = x509.load_pem_x509_certificates(hub.authority.server_certificate().read_bytes())[0]
    assert refusal(hub, der_of(door)) == "edge-foreign"


def test_another_authority_with_the_same_names_is_foreign(hub: Hub, tmp_path: Path) -> None:
    good = x509.load_der_x509_certificate(joined(hub))
    with made_hub(tmp_path / "other") as other:
        key = new_key()
        signer = (other.authority._key, other.authority.certificate)
        serial = good.serial_number
        same = end_certificate(signer, key.public_key(), "park1", hub.clock(), 30, serial)
    assert refusal(hub, der_of(same)) == "edge-foreign"


def test_a_certificate_with_one_bit_turned_is_foreign(hub: Hub) -> None:
    der = joined(hub)
    for place in range(0, len(der), 7):
        turned = bytearray(der)
        turned[place] ^= 1
        assert refusal(hub, bytes(turned)) == "edge-foreign", place


@pytest.mark.parametrize("der", [b"x", b"\x30\x82" * 9_000, b"0" * 100_000])
def test_garbage_is_foreign(hub: Hub, der: bytes) -> None:
    assert refusal(hub, der) == "edge-foreign"
    assert refusal(hub, None) == refusal(hub, b"") == "edge-certificate-missing"


def test_an_edge_that_the_state_does_not_know_is_unknown(hub: Hub) -> None:
    der = der_of(hub.authority.sign(request_of(new_key(), "ghost"), "ghost"))
    assert refusal(hub, der) == "edge-unknown"


def test_joining_anew_shuts_out_the_older_certificate(hub: Hub) -> None:
    old, new = joined(hub), joined(hub)
    assert refusal(hub, old) == "edge-unknown"
    assert peer_of(new, hub.clock(), hub.edges).generation == 2


def test_an_expired_one_is_refused_at_the_very_microsecond_unless_it_renews(hub: Hub) -> None:
    der = joined(hub)
    end = peer_of(der, hub.clock(), hub.edges).not_after_us
    assert not peer_of(der, end - 1, hub.edges).expired
    with pytest.raises(Untrusted) as refused:
        peer_of(der, end, hub.edges)
    assert refused.value.code == "edge-expired"
    assert peer_of(der, end, hub.edges, renewing=True).expired


def test_the_state_is_asked_again_after_ten_seconds_and_not_before(hub: Hub) -> None:
    der = joined(hub)
    peer_of(der, hub.clock(), hub.edges)
    with hub.state.writing() as connection:
        connection.exec_driver_sql("UPDATE relay_edges SET revoked_us = 1")
    hub.clock.s += 9.9
    assert peer_of(der, hub.clock(), hub.edges).edge == "park1"
    hub.clock.s += 0.1
    assert refusal(hub, der) == "edge-revoked"


def test_a_renewal_does_not_wait_for_ten_seconds(hub: Hub) -> None:
    peer = peer_of(joined(hub), hub.clock(), hub.edges)
    with hub.state.writing() as connection:
        connection.exec_driver_sql("UPDATE relay_edges SET revoked_us = 1")
    with pytest.raises(Untrusted) as refused:
        hub.edges.renew(peer, request_of(new_key(), "park1"))
    assert refused.value.code == "edge-revoked"


def test_who_joined_since_the_state_was_restored_keeps_its_generation(hub: Hub) -> None:
    joined(hub)
    new = joined(hub)
    with hub.state.writing() as connection:
        connection.exec_driver_sql("UPDATE relay_edges SET generation = 1")
    hub.clock.s += 10
    peer = peer_of(new, hub.clock(), hub.edges)
    hub.edges.renew(peer, request_of(new_key(), "park1"))
    assert hub.edges.all()[0].generation == 2


def test_who_is_not_there_cannot_be_revoked(hub: Hub) -> None:
    with pytest.raises(NotFound):
        hub.edges.revoke("nobody")


@pytest.mark.parametrize("sites", [[], [""], ["a/b"], ["a,b"], [" a"], ["x" * 300], ["a"] * 0])
def test_what_is_no_site_is_refused(hub: Hub, sites: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        hub.edges.invite("park1", sites)
    assert refused.value.code == "edge-sites-invalid"


@pytest.mark.parametrize("name", ["../x", "a/b", "", "x" * 64, "a\x00", "a\n", "-a", ".a", "园区"])
def test_what_is_no_name_is_refused(hub: Hub, name: str) -> None:
    with pytest.raises(InputError) as refused:
        hub.edges.invite(name, ["park1"])
    assert refused.value.code == "edge-name-invalid"


def test_no_token_is_in_the_state(hub: Hub, tmp_path: Path) -> None:
    secret = hub.edges.invite("park1", ["park1"]).rpartition(".")[2]
    for file in (tmp_path / "hub" / "data").glob("state.db*"):
        assert secret.encode() not in file.read_bytes()


def test_only_a_p256_key_that_signed_its_own_request_is_signed() -> None:
    def request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, *names: str) -> bytes:
        common = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names]
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(common))
        signed = builder.sign(key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    good = request(new_key(), "park1")
    assert requested_key(good, "park1").curve.name == "secp256r1"
    der = bytearray(x509.load_pem_x509_csr(good).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    other = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM)
    for wrong in (
        other,
        request(ec.generate_private_key(ec.SECP384R1()), "park1"),
        request(rsa.generate_private_key(65537, 1024), "park1"),
        request(new_key(), "park2"),
        request(new_key(), "park1", "park2"),
        request(new_key()),
        good[:100],
        b"",
        b"x" * 20_000,
    ):
        with pytest.raises(InputError) as refused:
            requested_key(wrong, "park1")
        assert refused.value.code == "csr-invalid"


def test_serial_numbers_are_random_and_fit() -> None:
    serials = {serial_for(2**31 - 1) for _ in range(1000)}
    assert len(serials) == 1000 and max(serials).bit_length() < 20 * 8
