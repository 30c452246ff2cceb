"""A model in one file: the card, the ONNX graph, golden vectors, and a signature over all three.

A ZIP (stored, not compressed) of ``card.json``, ``model.onnx``, ``golden.json`` and
``signature.json``. Signed (Ed25519, RFC 8032) is a line that says what this is and the SHA-256 of
each of the others by name. Nothing in it is code: no pickle, no Python.

A bundle has one form only: a file that is not byte for byte what ``pack`` writes of its parts is
refused, so no byte of it can change unseen, not even one that no signature covers.
"""

from __future__ import annotations

import base64
import io
import json
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import BaseModel, ConfigDict, ValidationError

from lianji.base.errors import InputError, Text
from lianji.learn.models.card import Card

CARD, MODEL, GOLDEN, SIGNATURE = "card.json", "model.onnx", "golden.json", "signature.json"
SIGNED = (CARD, MODEL, GOLDEN)
HEAD = b"lianji model bundle 1\n"
BYTES_MAX = 512 << 20
_STAMP = (1980, 1, 1, 0, 0, 0)
_UNIX, _MODE = 3, 0o600 << 16
_BROKEN = (
    zipfile.BadZipFile, ValueError, OSError, RuntimeError, EOFError, struct.error
)  # fmt: skip
"""What zipfile raises for files that are none, RuntimeError for what is encrypted."""


class Golden(BaseModel):
    """Rows and what the model made of them where it was trained: an edge must find the same."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    inputs: list[list[float | None]]
    """Rows by ``Card.inputs``; None is NaN."""
    outputs: list[list[float]]
    """Rows by ``Card.outputs``, as the graph gives them: before bias and limits."""
    relative: float = 1e-4
    absolute: float = 1e-6


@dataclass(frozen=True, slots=True)
class Bundle:
    """The three parts. ``onnx`` takes ``x`` float32 [rows, inputs], gives ``y`` [rows, outputs]."""

    card: Card
    onnx: bytes
    golden: Golden

    @property
    def name(self) -> str:
        """As files and messages call it."""
        return f"{self.card.name}@{self.card.version}"


class _Signature(BaseModel):
    """``signature.json``: whose key it is, and what it made of the others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    public_key: str
    signature: str


def pack(bundle: Bundle, key: Ed25519PrivateKey) -> bytes:
    """The signed file; the same parts and key make the same bytes.

    Raises InputError ``bundle-too-large``.
    """
    parts = {
        CARD: json_of(bundle.card),
        MODEL: bundle.onnx,
        GOLDEN: json_of(bundle.golden),
    }
    signed = base64.b64encode(key.sign(_to_sign(parts))).decode()
    parts[SIGNATURE] = json_of(_Signature(public_key=key_text(key.public_key()), signature=signed))
    content = _zipped(parts)
    if len(content) > BYTES_MAX:
        raise _too_large(len(content))
    return content


def unpack(content: bytes, trusted: Mapping[str, str]) -> tuple[Bundle, str]:
    """The parts, and who signed them.

    ``trusted`` maps the texts of public keys (``key_text``) to their owners. Raises InputError:
    ``bundle-unreadable`` for what is no bundle or not in the one form, ``bundle-unsigned`` for a
    signature that is missing or wrong, ``bundle-untrusted`` for one of nobody whom we trust.
    Nothing is looked into before that.
    """
    parts = _parts(content)
    owner = _owner(parts, trusted)
    try:
        card = Card.model_validate_json(parts[CARD])
        golden = Golden.model_validate_json(parts[GOLDEN])
    except ValidationError as error:
        raise _unreadable(str(error.errors()[0]["msg"])) from error
    return Bundle(card, parts[MODEL], golden), owner


def key_text(key: Ed25519PublicKey) -> str:
    """A public key as people write it down: 44 characters of base64 (RFC 8032, 32 bytes)."""
    return base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def _parts(content: bytes) -> dict[str, bytes]:
    if len(content) > BYTES_MAX:
        raise _too_large(len(content))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if [one.filename for one in infos] != [*SIGNED, SIGNATURE]:
                raise ValueError("it holds other files than a model bundle")
            if any(one.compress_type != zipfile.ZIP_STORED for one in infos):
                raise ValueError("its files are compressed")
            if sum(one.file_size for one in infos) > len(content):
                raise ValueError("its files are larger than itself")
            parts = {one.filename: archive.read(one) for one in infos}
    except _BROKEN as error:
        raise _unreadable(str(error)) from error
    if _zipped(parts) != content:
        raise _unreadable("something was changed in it or put beside its files")
    return parts


def _zipped(parts: Mapping[str, bytes]) -> bytes:
    """The one form; nothing in it depends on the machine."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, _STAMP)
            info.create_system, info.external_attr = _UNIX, _MODE
            archive.writestr(info, content)
    return file.getvalue()


def _owner(parts: Mapping[str, bytes], trusted: Mapping[str, str]) -> str:
    try:
        told = _Signature.model_validate_json(parts[SIGNATURE])
        if json_of(told) != parts[SIGNATURE]:
            raise ValueError("not as it is written")
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(told.public_key, validate=True))
        signature = base64.b64decode(told.signature, validate=True)
        if base64.b64encode(signature).decode() != told.signature:
            raise ValueError("not as it is written")
        key.verify(signature, _to_sign(parts))
    except (ValueError, InvalidSignature) as error:
        raise _unsigned() from error
    if told.public_key not in trusted:
        raise _stranger(told.public_key)
    return trusted[told.public_key]


def _to_sign(parts: Mapping[str, bytes]) -> bytes:
    lines = (f"{name} {sha256(parts[name]).hexdigest()}\n" for name in SIGNED)
    return HEAD + "".join(lines).encode()


def json_of(model: BaseModel) -> bytes:
    """A part as it is written: one line, keys in order."""
    return json.dumps(model.model_dump(mode="json"), ensure_ascii=False, sort_keys=True).encode()


def _unreadable(why: str) -> InputError:
    return InputError(
        "bundle-unreadable",
        Text(f"This is no model bundle: {why}.", f"该文件不是模型包：{why}。"),
        Text("Export the model again.", "请重新导出模型。"),
    )


def _too_large(length: int) -> InputError:
    return InputError(
        "bundle-too-large",
        Text(
            f"A model bundle has at most {BYTES_MAX >> 20} MiB; this one has {length >> 20}.",
            f"模型包最大 {BYTES_MAX >> 20} MiB；此文件为 {length >> 20} MiB。",
        ),
        Text("Make the model smaller.", "请缩小模型。"),
    )


def _unsigned() -> InputError:
    return InputError(
        "bundle-unsigned",
        Text(
            "The bundle's signature does not fit its content: it was changed or is damaged.",
            "模型包的签名与内容不符：内容被改动或已损坏。",
        ),
        Text("Get the bundle again from where it was signed.", "请从签发处重新获取模型包。"),
    )


def _stranger(key: str) -> InputError:
    return InputError(
        "bundle-untrusted",
        Text(
            f"The bundle is signed with the key {key}, which this plant does not trust.",
            f"模型包由密钥 {key} 签名，本厂不信任该密钥。",
        ),
        Text(
            "If you know whose it is, put the key into models/trusted.txt in the plant's folder.",
            "如果确认该密钥的归属，请将其写入工厂文件夹的 models/trusted.txt。",
        ),
    )
