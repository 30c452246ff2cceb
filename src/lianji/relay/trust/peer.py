"""Who speaks: from the certificate of a connection to an edge that may.

TLS has checked that the certificate is one of ours and that its key is at the other end. It is
checked again here, so that no door that was opened otherwise lets anybody in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lianji.base.clock import to_us
from lianji.base.errors import Text
from lianji.relay.trust.certificates import EDGE_URI, generation_of, names_of
from lianji.relay.trust.names import allows, is_name
from lianji.relay.trust.refusals import Untrusted

CERTIFICATE_BYTES_MAX = 16_384


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """What a hub knows of an edge. ``sites`` are patterns, times are microseconds, UTC.

    ``serial`` and ``not_after_us`` are those of the newest certificate.
    """

    name: str
    sites: tuple[str, ...]
    generation: int
    serial: int
    not_after_us: int
    created_us: int
    joined_us: int
    revoked_us: int | None

    def state(self, now_us: int) -> str:
        """``joined``, ``expired`` or ``revoked``."""
        if self.revoked_us is not None:
            return "revoked"
        return "joined" if now_us < self.not_after_us else "expired"


class Known(Protocol):
    """What a hub knows of its edges."""

    @property
    def certificate(self) -> x509.Certificate:
        """The root of all edges' certificates."""
        ...

    def known(self, name: str, serial: int) -> EdgeRow | None: ...


@dataclass(frozen=True, slots=True)
class Peer:
    """An edge that speaks. ``expired``: it may renew its certificate and nothing else."""

    edge: str
    sites: tuple[str, ...]
    expired: bool
    generation: int
    not_after_us: int

    def may_write(self, path: str) -> bool:
        """Whether a tag path, the first part of which is its site, or a site alone, is its own."""
        return allows(self.sites, path.partition("/")[0])


def peer_of(
    certificate_der: bytes | None, now_us: int, edges: Known, *, renewing: bool = False
) -> Peer:
    """The edge with this certificate. Raises Untrusted, StorageError.

    Its code is ``edge-certificate-missing``, ``edge-foreign`` (of another authority, or not that of
    an edge), ``edge-unknown``, ``edge-revoked``, or ``edge-expired`` unless it is ``renewing``.
    """
    if not certificate_der:
        raise _without()
    found = _certified(certificate_der, edges.certificate)
    row = edges.known(found.edge, found.serial)
    if row is None:
        raise _unknown(found.edge)
    if row.revoked_us is not None:
        raise revoked(found.edge)
    expired = now_us >= found.not_after_us
    if expired and not renewing:
        raise _expired(found.edge)
    generation = generation_of(found.serial)
    return Peer(found.edge, row.sites, expired, generation, found.not_after_us)


@dataclass(frozen=True, slots=True)
class _Certified:
    edge: str
    serial: int
    not_after_us: int


@lru_cache(maxsize=4096)
def _certified(der: bytes, root: x509.Certificate) -> _Certified:
    """What a certificate of ours says; only good ones are remembered. Raises Untrusted."""
    if len(der) > CERTIFICATE_BYTES_MAX:
        raise _foreign()
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.verify_directly_issued_by(root)
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        uris = names_of(certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise _foreign() from error
    except x509.ExtensionNotFound as error:
        raise _foreign() from error
    name = str(names[0].value) if len(names) == 1 else ""
    if (
        ExtendedKeyUsageOID.CLIENT_AUTH not in usage
        or uris != [EDGE_URI + name]
        or not is_name(name)
    ):
        raise _foreign()
    return _Certified(name, certificate.serial_number, to_us(certificate.not_valid_after_utc))


_AGAIN = Text(
    "On the hub make a new invitation with `lianji hub invite`, and join with it.",
    "请在中心用 `lianji hub invite` 重新邀请，然后加入。",
)


def _without() -> Untrusted:
    return Untrusted(
        "edge-certificate-missing",
        Text("The hub needs the certificate of an edge.", "中心要求边缘证书。"),
        Text("Join first with `lianji join`.", "请先用 `lianji join` 加入。"),
    )


def _foreign() -> Untrusted:
    return Untrusted(
        "edge-foreign",
        Text("The certificate is not of an edge of this hub.", "该证书不属于本中心的边缘。"),
        _AGAIN,
    )


def _unknown(edge: str) -> Untrusted:
    return Untrusted(
        "edge-unknown",
        Text(
            f"The hub does not know this certificate of {edge}: it never joined, or has joined "
            "anew since.",
            f"中心不认识 {edge} 的这张证书：从未加入，或此后已重新加入。",
        ),
        _AGAIN,
    )


def revoked(edge: str) -> Untrusted:
    return Untrusted(
        "edge-revoked",
        Text(f"The edge {edge} was shut out at the hub.", f"边缘 {edge} 已被中心吊销。"),
        _AGAIN,
    )


def _expired(edge: str) -> Untrusted:
    return Untrusted(
        "edge-expired",
        Text(f"The certificate of {edge} is over.", f"{edge} 的证书已过期。"),
        Text(
            "The edge renews it by itself; see that its clock and the hub's are right.",
            "边缘会自动续期；请检查边缘与中心的时钟。",
        ),
    )
