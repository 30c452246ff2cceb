"""Who a plant is at its hub: its key, which was made here and never leaves, and whom it trusts.

identity.pem   key, certificate, the hub's root and its public key for messages: replaced as one
hub.json       what the hub told besides: its name, sites, addresses
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID
from pydantic import BaseModel, ConfigDict, Field, field_validator

from lianji.base.clock import to_us
from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import NotFound, StorageError, Text
from lianji.relay.settings import ADDRESSES_MAX, https_address
from lianji.relay.trust import tls
from lianji.relay.trust.certificates import EDGE_URI, Key, key_pem, names_of
from lianji.relay.trust.names import NAME_MAX, SITES_MAX

KEY_MODE = 0o600
_END = b"-----END CERTIFICATE-----\n"


class LetIn(BaseModel):
    """What a hub answers to who joins or renews; keys and certificates are PEM."""

    model_config = ConfigDict(frozen=True, strict=True)

    edge: str
    hub: str
    certificate: str
    ca: str
    public_key: str
    sites: list[str] = Field(max_length=SITES_MAX)
    addresses: list[str] = Field(max_length=ADDRESSES_MAX)

    @field_validator("addresses")
    @classmethod
    def _checked(cls, addresses: list[str]) -> list[str]:
        return [https_address(one) for one in addresses]

    def check(self, key: Key, edge: str, root_pem: bytes) -> None:
        """Raises ValueError if it is not for this key and edge, or of another authority."""
        root = x509.load_pem_x509_certificate(root_pem)
        certificate = x509.load_pem_x509_certificate(self.certificate.encode())
        if x509.load_pem_x509_certificate(self.ca.encode()) != root:
            raise ValueError("the hub names another authority than its own")
        try:
            certificate.verify_directly_issued_by(root)
        except (TypeError, InvalidSignature) as error:
            raise ValueError("the certificate is not of the hub's authority") from error
        if certificate.public_key() != key.public_key() or self.edge != edge:
            raise ValueError("the certificate is somebody else's")
        if names_of(certificate) != [f"{EDGE_URI}{edge}"]:
            raise ValueError("the certificate has another name")
        if not isinstance(
            serialization.load_pem_public_key(self.public_key.encode()), Ed25519PublicKey
        ):
            raise ValueError("the hub's public key is not Ed25519")


class Identity:
    """An identity as it is on disk: make a new one after a renewal.

    Raises NotFound where the plant never joined a hub, StorageError if the files are damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "identity.pem"
        """Key and certificate, for who makes contexts of another kind."""
        if not self.path.exists():
            raise _missing(folder)
        try:
            self.path.chmod(KEY_MODE)
            content = self.path.read_bytes()
            self.certificate, self.root = x509.load_pem_x509_certificates(content)
            told = json.loads((folder / "hub.json").read_text())
            key = serialization.load_pem_public_key(content[content.rindex(_END) + len(_END) :])
            self.sites, self.addresses = tuple(told["sites"]), tuple(told["addresses"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _damaged(folder, str(error)) from error
        if not isinstance(key, Ed25519PublicKey):
            raise _damaged(folder, "the hub's public key is missing")
        self.hub_key = key
        """Checks messages of the hub."""

    @staticmethod
    def write(folder: Path, key: Key, answer: LetIn) -> Identity:
        """Keep what the hub answered, as a whole: the old identity or the new. Raises OSError."""
        make_folder(folder.resolve())
        told = {"hub": answer.hub, "sites": answer.sites, "addresses": answer.addresses}
        write_atomically(folder / "hub.json", json.dumps(told, ensure_ascii=False).encode())
        parts = (key_pem(key), answer.certificate, answer.ca, answer.public_key)
        lines = [part if isinstance(part, bytes) else part.encode() for part in parts]
        content = b"".join(part.rstrip() + b"\n" for part in lines)
        write_atomically(folder / "identity.pem", content, KEY_MODE)
        return Identity(folder)

    def with_addresses(self, addresses: Sequence[str]) -> Identity:
        """The same, where the hub and those that take its place are found elsewhere. Raises
        OSError."""
        told = {"hub": self.hub, "sites": list(self.sites), "addresses": list(addresses)}
        folder = self.path.parent
        write_atomically(folder / "hub.json", json.dumps(told, ensure_ascii=False).encode())
        return Identity(folder)

    @cached_property
    def edge(self) -> str:
        """What this plant is called at its hub."""
        return _common_name(self.certificate)

    @cached_property
    def hub(self) -> str:
        """The hub's name."""
        return _common_name(self.root)

    @cached_property
    def root_pem(self) -> bytes:
        return self.root.public_bytes(serialization.Encoding.PEM)

    @cached_property
    def not_after(self) -> int:
        """When the certificate is over, in microseconds, UTC."""
        return to_us(self.certificate.not_valid_after_utc)

    def renew_due(self, now_us: int) -> bool:
        """From half of the certificate's life on. (A clock that is far behind never says so: renew
        also when the hub says ``edge-expired``.)"""
        begun = to_us(self.certificate.not_valid_before_utc)
        return now_us >= begun + (self.not_after - begun) // 2

    def client_context(self) -> ssl.SSLContext:
        """Shows this identity, and speaks to hubs of the pinned root only: see ``tls``."""
        return tls.client_context(self.root_pem, self.path)


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value)[:NAME_MAX] if names else ""


def _missing(folder: Path) -> NotFound:
    return NotFound(
        "relay-not-joined",
        Text(
            f"This plant has joined no hub: {folder} is empty.", f"本工厂尚未加入中心：{folder}。"
        ),
        Text(
            "Make an invitation on the hub with `lianji hub invite`, and paste its line here.",
            "请在中心用 `lianji hub invite` 生成邀请，并在此粘贴执行。",
        ),
    )


def _damaged(folder: Path, why: str) -> StorageError:
    return StorageError(
        "relay-identity-damaged",
        Text(
            f"The identity in {folder} is no use: {why}.", f"{folder} 中的身份文件不可用：{why}。"
        ),
        Text(
            "Restore it from a backup, or join again with a new invitation.",
            "请从备份恢复，或用新的邀请重新加入。",
        ),
    )
