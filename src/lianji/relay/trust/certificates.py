"""Keys, requests and certificates of a hub and its edges (RFC 5280), as values.

An edge's certificate names it twice: as common name and as URI ``lianji:edge:<name>``; a hub's door
is ``lianji:hub:<name>``. The serial number of an edge's certificate holds the generation of its
enrolment in front of 112 random bits, so that a hub whose state was restored from an old backup
still knows the edges that it renewed since, and an edge that joined anew shuts out its old keys.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lianji.base.clock import from_us
from lianji.base.errors import InputError, Text

AUTHORITY_DAYS = 20 * 365
DOOR_DAYS = 90
EDGE_URI = "lianji:edge:"
HUB_URI = "lianji:hub:"
REQUEST_BYTES_MAX = 16_384
GENERATION_MAX = 2**31 - 1
_RANDOM_BITS = 112
_BEFORE = timedelta(hours=1)
"""Certificates begin a little earlier, for clocks that are behind."""

Key = ec.EllipticCurvePrivateKey
_USAGE = {
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "encipher_only": False,
    "decipher_only": False,
}


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key | Ed25519PrivateKey) -> bytes:
    """A private key as PKCS #8 without a password: the file's mode keeps it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def pem_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def serial_for(generation: int) -> int:
    """A random serial number of this generation; at most 18 bytes (RFC 5280 allows 20)."""
    return generation << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)


def generation_of(serial: int) -> int:
    return serial >> _RANDOM_BITS


def authority_certificate(key: Key, name: str, now_us: int) -> x509.Certificate:
    """The hub's own root, which signs nothing but ends."""
    subject = _named(name)
    builder = _begun(subject, subject, key.public_key(), now_us, AUTHORITY_DAYS)
    return (
        builder.serial_number(serial_for(1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=False, key_cert_sign=True, crl_sign=True, **_USAGE),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def end_certificate(
    authority: tuple[Key, x509.Certificate],
    public_key: ec.EllipticCurvePublicKey,
    name: str,
    now_us: int,
    days: float,
    serial: int | None = None,
) -> x509.Certificate:
    """An edge's certificate with this serial, or, with none, that of the hub's door."""
    key, root = authority
    usage, uri = (
        (ExtendedKeyUsageOID.SERVER_AUTH, HUB_URI)
        if serial is None
        else (ExtendedKeyUsageOID.CLIENT_AUTH, EDGE_URI)
    )
    root_id = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    by_root = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_id)
    return (
        _begun(_named(name), root.subject, public_key, now_us, days)
        .serial_number(serial_for(1) if serial is None else serial)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=True, key_cert_sign=False, crl_sign=False, **_USAGE),
            critical=True,
        )
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri + name)]),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(by_root, critical=False)
        .sign(key, hashes.SHA256())
    )


def request_of(key: Key, edge: str) -> bytes:
    """A signing request (PKCS #10, PEM) of an edge for its own key."""
    request = x509.CertificateSigningRequestBuilder().subject_name(_named(edge))
    return request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def requested_key(csr_pem: bytes, edge: str) -> ec.EllipticCurvePublicKey:
    """The key of a request, of which nothing else is believed. Raises InputError."""
    if len(csr_pem) > REQUEST_BYTES_MAX:
        raise _wrong_request("it is too long", "过长")
    try:
        request = x509.load_pem_x509_csr(csr_pem)
        names = [str(one.value) for one in request.subject]
        key = request.public_key()
        signed = request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _wrong_request("it cannot be read", "无法读取") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _wrong_request("its key is not of the curve P-256", "密钥不是 P-256 曲线")
    if not signed:
        raise _wrong_request("it is not signed with its own key", "未用其自身密钥签名")
    if names != [edge]:
        raise _wrong_request(f"it is not for {edge}", f"不属于 {edge}")
    return key


def names_of(certificate: x509.Certificate) -> list[str]:
    """Its URIs. Raises ValueError for a certificate that cannot be read."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return found.value.get_values_for_type(x509.UniformResourceIdentifier)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now_us: int,
    days: float,
) -> x509.CertificateBuilder:
    now = from_us(now_us)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + timedelta(days=days))
    )


def _wrong_request(en: str, zh: str) -> InputError:
    return InputError(
        "csr-invalid",
        Text(f"The signing request is refused: {en}.", f"证书签名请求被拒绝：{zh}。"),
        Text("Join again with `lianji join`.", "请用 `lianji join` 重新加入。"),
    )
