"""The secure channel: our own certificate, and whom we believe to be the server.

Without a certificate of the user's we make one that lives for twenty years: an administrator
trusts it once, in the server. The server's certificate is pinned: the one that was given, else
the first one that was seen (as ssh does).
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.crypto.uacrypto import CertProperties
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lianji.base.durable import make_folder, sync_folder, write_atomically
from lianji.base.errors import InputError, Refused, Text
from lianji.base.ids import new_id
from lianji.connect.drivers.opcua.config import OpcUaConfig

OWN_PAIR = "lianji.pem"
OWN_PUBLIC = "lianji.der"
YEARS_VALID = 20


@dataclass(frozen=True, slots=True)
class Pair:
    """An application certificate and its private key, as bytes of PEM or DER."""

    certificate: bytes
    private_key: bytes


def application_uri() -> str:
    return f"urn:{socket.gethostname()}:lianji"


async def secure(client: Client, config: OpcUaConfig) -> None:
    """Make the client's channel secure.

    Asks the server for its endpoints over a channel of its own. Raises InputError for files that
    are not certificates, Refused if the server has no such endpoint or another certificate.
    """
    pair = await asyncio.to_thread(own_pair, config)
    client.application_uri = _uri_of(pair)
    offered = await client.connect_and_get_server_endpoints()
    mode = ua.MessageSecurityMode[config.security_mode]
    seen = _certificate_of(offered, mode, config)
    await asyncio.to_thread(_check_pin, seen, config)
    try:
        await client.set_security(
            SecurityPolicyBasic256Sha256,
            CertProperties(pair.certificate, _extension(pair.certificate)),
            CertProperties(pair.private_key, _extension(pair.private_key)),
            server_certificate=CertProperties(seen, "der"),
            mode=mode,
        )
    except (ValueError, TypeError) as error:
        raise _unreadable("a private key", "私钥", str(error)) from error


def _certificate_of(
    offered: list[ua.EndpointDescription], mode: ua.MessageSecurityMode, config: OpcUaConfig
) -> bytes:
    for endpoint in offered:
        if endpoint.SecurityMode == mode and (
            endpoint.SecurityPolicyUri == SecurityPolicyBasic256Sha256.URI
        ):
            chain: bytes = endpoint.ServerCertificate
            return chain[: int.from_bytes(chain[2:4], "big") + 4]  # the first of the chain
    has = ", ".join(
        sorted({f"{e.SecurityPolicyUri.partition('#')[2]}/{e.SecurityMode.name}" for e in offered})
    )
    raise Refused(
        "opcua-no-such-security",
        Text(
            f"{config.url} does not offer {config.security}/{config.security_mode}, only {has}.",
            f"{config.url} 不提供 {config.security}/{config.security_mode}，只提供 {has}。",
        ),
        Text(
            "Switch that policy on in the server, or set security and security_mode to one that "
            "it offers.",
            "请在服务器上启用该安全策略，或把 security 和 security_mode 改成它提供的一种。",
        ),
    )


def _check_pin(seen: bytes, config: OpcUaConfig) -> None:
    """Compare with the pinned certificate; the first one seen becomes the pin."""
    pin = config.server_certificate or config.certificates / _pin_name(config.url)
    if config.server_certificate is None and not pin.exists():
        make_folder(pin.parent)
        write_atomically(pin, seen)
    elif load(_bytes_of(pin)).public_bytes(Encoding.DER) != seen:
        raise Refused(
            "opcua-certificate-changed",
            Text(
                f"{config.url} shows another certificate than the one that is trusted ({pin}).",
                f"{config.url} 出示的证书与受信任的证书（{pin}）不同。",
            ),
            Text(
                "If the server's certificate was renewed on purpose, delete that file; if not, "
                "somebody may be listening in: ask the server's administrator.",
                "如果服务器证书是有意更换的，请删除该文件；否则可能有人窃听，请联系服务器管理员。",
            ),
        )


def _pin_name(url: str) -> str:
    parts = urlsplit(url)
    return f"server-{re.sub(r'[^A-Za-z0-9.-]', '_', parts.hostname or '')}-{parts.port}.der"


def own_pair(config: OpcUaConfig) -> Pair:
    """The user's certificate and key, else ours, made when first needed."""
    if config.certificate is not None and config.private_key is not None:
        return Pair(_bytes_of(config.certificate), _bytes_of(config.private_key))
    path = config.certificates / OWN_PAIR
    if not path.exists():
        make_folder(path.parent)
        _keep_first(path, make_pair())
    both = _bytes_of(path)
    public = path.with_name(OWN_PUBLIC)
    if not public.exists():
        write_atomically(public, load(both).public_bytes(Encoding.DER))
    return Pair(both, both)


def _keep_first(path: Path, content: bytes) -> None:
    """Create a private file whole; where two devices start at once, the first one stands."""
    draft = path.with_name(f".{new_id().hex()}.tmp")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    sync_folder(path.parent)


def make_pair() -> bytes:
    """Key and self-signed certificate in one PEM text (OPC 10000-6, section 6.2.2).

    It is valid from a year ago, since machines' clocks are often late.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lianji")])
    names = [
        x509.UniformResourceIdentifier(application_uri()),
        x509.DNSName(socket.gethostname()),
    ]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=365))
        .not_valid_after(now + timedelta(days=365 * YEARS_VALID))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret + certificate.public_bytes(Encoding.PEM)


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def load(content: bytes) -> x509.Certificate:
    """A certificate from PEM or DER. Raises InputError if it is neither."""
    try:
        if _extension(content) == "pem":
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content)
    except ValueError as error:
        raise _unreadable("a certificate", "证书", str(error)) from error


def _uri_of(pair: Pair) -> str:
    """The application URI must be the one that the certificate names, or servers refuse it."""
    certificate = load(pair.certificate)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return application_uri()
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return uris[0] if uris else application_uri()


def _extension(content: bytes) -> str:
    return "pem" if b"-----BEGIN" in content else "der"


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(str(path), str(path), str(error)) from error


def _unreadable(en: str, zh: str, why: str) -> InputError:
    return InputError(
        "opcua-certificate-unreadable",
        Text(f"This cannot be read as {en}: {why}.", f"无法读取{zh}：{why}。"),
        Text(
            "Give files in PEM or DER that this user may read.",
            "请提供当前用户可读的 PEM 或 DER 文件。",
        ),
    )
