"""The hub's own certificate authority: signs its edges and its door, and never leaves its folder.

ca.key, ca.pem   the root; it is there when ca.pem is
door.pem         key and certificate of the door, and the root behind them; made anew at half life
signing.key      Ed25519, for messages to edges

Whoever has these files can be the hub. Backups hold them, so keep backups as you keep keys.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from lianji.base.clock import now_us, to_us
from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import InputError, NotFound, StorageError, Text
from lianji.relay.trust import certificates, tls
from lianji.relay.trust.names import checked_name

KEY_MODE, FOLDER_MODE = 0o600, 0o700
DAYS = 30


class Authority:
    """An authority that exists. Raises NotFound where there is none, StorageError if it is damaged.

    ``clock`` is wall time in microseconds.
    """

    def __init__(self, folder: Path, clock: Callable[[], int] = now_us) -> None:
        self._folder, self._clock = folder, clock
        if not self.exists(folder):
            raise _missing(folder)
        try:
            folder.chmod(FOLDER_MODE)
            for name in ("ca.key", "signing.key"):
                (folder / name).chmod(KEY_MODE)  # a restored backup, a copy
            self.certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
            key = _private_key(folder / "ca.key")
            signing = _private_key(folder / "signing.key")
        except (OSError, ValueError) as error:
            raise _damaged(folder, str(error)) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or (
            key.public_key() != self.certificate.public_key()
        ):
            raise _damaged(folder, "ca.key does not belong to ca.pem")
        if not isinstance(signing, Ed25519PrivateKey):
            raise _damaged(folder, "signing.key is not Ed25519")
        self._key = key
        self.signing_key = signing
        """For messages to edges, which got its public key when they joined."""

    @staticmethod
    def exists(folder: Path) -> bool:
        return (folder / "ca.pem").exists()

    @classmethod
    def create(cls, folder: Path, name: str, clock: Callable[[], int] = now_us) -> Authority:
        """Make a new authority. Raises InputError for a name that is none, or if there is one."""
        checked_name(name)
        if cls.exists(folder):
            raise InputError(
                "hub-exists",
                Text(f"There is a hub in {folder} already.", f"{folder} 中已有中心。"),
                Text("Take another folder.", "请使用其他文件夹。"),
            )
        make_folder(folder.resolve())
        folder.chmod(FOLDER_MODE)
        key = certificates.new_key()
        root = certificates.authority_certificate(key, name, clock())
        signing = certificates.key_pem(Ed25519PrivateKey.generate())
        write_atomically(folder / "signing.key", signing, KEY_MODE)
        write_atomically(folder / "ca.key", certificates.key_pem(key), KEY_MODE)
        write_atomically(folder / "ca.pem", certificates.pem_of(root))
        return cls(folder, clock)

    @cached_property
    def name(self) -> str:
        """The hub's."""
        [common] = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(common.value)

    @cached_property
    def pem(self) -> bytes:
        return certificates.pem_of(self.certificate)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the root certificate (DER), 64 hex digits."""
        return hashlib.sha256(certificates.der_of(self.certificate)).hexdigest()

    @cached_property
    def public_key_pem(self) -> bytes:
        """Of ``signing_key``."""
        return self.signing_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(
        self, csr_pem: bytes, edge: str, days: float = DAYS, generation: int = 1
    ) -> x509.Certificate:
        """A certificate for the key of the request. Raises InputError for a wrong request."""
        key = certificates.requested_key(csr_pem, edge)
        serial = certificates.serial_for(generation)
        signer = (self._key, self.certificate)
        return certificates.end_certificate(signer, key, edge, self._clock(), days, serial)

    def server_certificate(self) -> Path:
        """The file with the door's key, its certificate and the root; made anew when it is due."""
        door = self._folder / "door.pem"
        if not self._is_fresh(door):
            key = certificates.new_key()
            certificate = certificates.end_certificate(
                (self._key, self.certificate),
                key.public_key(),
                self.name,
                self._clock(),
                certificates.DOOR_DAYS,
            )
            content = certificates.key_pem(key) + certificates.pem_of(certificate) + self.pem
            write_atomically(door, content, KEY_MODE)
        return door

    def server_context(self) -> ssl.SSLContext:
        """What the door listens with; see ``tls.server_context``."""
        return tls.server_context(self.server_certificate(), self.pem)

    def refresh(self, context: ssl.SSLContext) -> None:
        """Let new connections see the newest certificate: for a door that stands open for months,
        once a day."""
        context.load_cert_chain(self.server_certificate())

    def _is_fresh(self, door: Path) -> bool:
        try:
            door.chmod(KEY_MODE)
            found, root = x509.load_pem_x509_certificates(door.read_bytes())[:2]
        except (OSError, ValueError):
            return False
        begin, end = to_us(found.not_valid_before_utc), to_us(found.not_valid_after_utc)
        return root == self.certificate and begin <= self._clock() < (begin + end) // 2


def _private_key(path: Path) -> object:
    return serialization.load_pem_private_key(path.read_bytes(), None)


def _missing(folder: Path) -> NotFound:
    return NotFound(
        "hub-missing",
        Text(f"There is no hub in {folder}.", f"{folder} 中没有中心。"),
        Text("Make one with `lianji hub init DIR`.", "请用 `lianji hub init DIR` 新建。"),
    )


def _damaged(folder: Path, why: str) -> StorageError:
    return StorageError(
        "hub-keys-damaged",
        Text(f"The hub's keys in {folder} are no use: {why}.", f"{folder} 中的密钥不可用：{why}。"),
        Text("Restore them from a backup.", "请从备份恢复。"),
    )
