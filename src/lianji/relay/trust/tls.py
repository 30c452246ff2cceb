"""The two ends of a connection between an edge and a hub: TLS 1.2 or newer, one authority, pinned.

Neither end lets TLS look at the time. The hub looks at it in each request, since an edge whose
certificate is over may still renew it. The edge does not at all: its clock may have lost its
battery, and who has the key of a hub's door has the authority's, which lies beside it.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509

from lianji.relay.trust.certificates import HUB_URI, names_of

NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, for which Python has no name."""


def server_context(door: Path, authority_pem: bytes) -> ssl.SSLContext:
    """A hub's door: a client may come without a certificate, but not with a foreign one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _strict(context, authority_pem)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.options |= ssl.OP_NO_RENEGOTIATION  # a cheap question with a dear answer
    context.load_cert_chain(door)
    return context


def client_context(authority_pem: bytes, own: Path | None = None) -> ssl.SSLContext:
    """Speaks only to a hub whose door this authority signed, whatever address it has.

    ``own`` is a PEM file with the edge's key and certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    _strict(context, authority_pem)
    context.verify_mode = ssl.CERT_REQUIRED
    context.sslsocket_class = _HubSocket
    context.sslobject_class = _HubObject
    if own is not None:
        context.load_cert_chain(own)
    return context


def unverified_context() -> ssl.SSLContext:
    """To fetch what is checked by other means, and never to send a secret."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _strict(context: ssl.SSLContext, authority_pem: bytes) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= NO_CHECK_TIME
    context.load_verify_locations(cadata=authority_pem.decode("ascii"))
    context.set_alpn_protocols(["http/1.1"])


def _check_hub(der: bytes | None) -> None:
    """OpenSSL has checked who signed it, and that it may be a server's."""
    try:
        names = names_of(x509.load_der_x509_certificate(der or b""))
    except ValueError:
        names = []
    if not any(name.startswith(HUB_URI) for name in names):
        raise ssl.SSLCertVerificationError("the certificate is not that of a hub")


class _HubSocket(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        _check_hub(self.getpeercert(binary_form=True))


class _HubObject(ssl.SSLObject):
    def do_handshake(self) -> None:
        super().do_handshake()
        _check_hub(self.getpeercert(binary_form=True))
