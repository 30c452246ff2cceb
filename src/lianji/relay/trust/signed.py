"""Documents that a hub signs: JSON with an Ed25519 signature over its canonical form.

Canonical is what RFC 8785 says for what we write: sorted keys, no spaces, integers and text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from lianji.relay.trust.authority import Authority

SIGNATURE, KEY = "signature", "public_key"


def signed(authority: Authority, document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the public key of whoever signs it, and the signature."""
    whole = {**document, KEY: authority.public_key_pem.decode()}
    signature = authority.signing_key.sign(_canonical(whole))
    return {**whole, SIGNATURE: base64.b64encode(signature).decode()}


def is_signed(document: Mapping[str, Any], public_key_pem: str | None = None) -> bool:
    """Whether a document is as its key has signed it; whose key it is says ``public_key_pem``, or,
    where that is None, nobody."""
    try:
        key = load_pem_public_key(str(document[KEY]).encode())
        signature = base64.b64decode(str(document[SIGNATURE]), validate=True)
        rest = {name: value for name, value in document.items() if name != SIGNATURE}
        if not isinstance(key, Ed25519PublicKey):
            return False
        key.verify(signature, _canonical(rest))
    except (KeyError, ValueError, InvalidSignature):
        return False
    return public_key_pem is None or document[KEY] == public_key_pem


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
