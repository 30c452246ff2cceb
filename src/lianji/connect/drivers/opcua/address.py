"""The address of a tag: a node id as the standard writes it, and perhaps one element of an array.

    ns=2;s=Machine1.Temp            i=2258            ns=3;g=09087e75-8e5e-499b-954f-f2a9603db28a
    nsu=http://example.org/plant;s=Machine1.Temp      (OPC 10000-6, section 5.3.1.10)
    ns=2;i=1007[3]                  element 3 of an array; [1,2] of a matrix

Servers renumber their namespaces, so ``nsu=`` outlives ``ns=``. Some servers (Siemens, Kepware)
name an element ``"DB1"."flow"[3]`` as a node of its own: a string id that ends in ``[n]`` means
that node where the server has it, else an element of the array.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from dataclasses import dataclass

NAMESPACE_MAX = 65_535
_SHAPE = re.compile(r"(?:ns=(\d+);|nsu=(.+?);)?([isgb])=(.+)", re.DOTALL)
_ELEMENT = re.compile(r"(.+)\[(\d+(?:,\d+)*)\]", re.DOTALL)

Identifier = int | str | uuid.UUID | bytes


@dataclass(frozen=True, slots=True)
class Address:
    """``namespace`` is an index, or a URI to be looked up in the server's own table.

    ``element`` is an IndexRange of one element ("3", "1,2"; OPC 10000-4, section 7.27) or empty.
    ``literal`` is the identifier with its ``[n]``, where that may be a node of its own.
    """

    namespace: int | str
    identifier: Identifier
    element: str = ""
    literal: str | None = None


def parse_address(text: str) -> Address:
    """Read a node id. Raises ValueError in plain words."""
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"'{text}' is not a node id: write ns=2;s=Name, ns=2;i=1234 or nsu=URI;s=Name"
        )
    index, uri, kind, rest = match.groups()
    namespace: int | str = uri.replace("%3B", ";").replace("%25", "%") if uri else int(index or 0)
    if isinstance(namespace, int) and namespace > NAMESPACE_MAX:
        raise ValueError(f"'{text}': a namespace index is at most {NAMESPACE_MAX}")
    element = _ELEMENT.fullmatch(rest)
    if element is None:
        return Address(namespace, _identifier(kind, rest, text))
    body, place = element.groups()
    literal = rest if kind == "s" else None
    return Address(namespace, _identifier(kind, body, text), place, literal)


def _identifier(kind: str, text: str, whole: str) -> Identifier:
    try:
        if kind == "i":
            return _number(text)
        if kind == "g":
            return uuid.UUID(text)
        if kind == "b":
            return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        wanted = {"i": "a number from 0 to 4294967295", "g": "a GUID", "b": "base64"}[kind]
        raise ValueError(f"'{whole}': what follows {kind}= must be {wanted}") from None
    return text


def _number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number < 2**32:
        raise ValueError
    return number


def write_address(namespace: int, identifier: Identifier, uris: list[str]) -> str:
    """The address of a node that keeps its meaning when the server renumbers its namespaces.

    Namespaces 0 and 1 keep their numbers by the standard; the others are written by URI.
    """
    if isinstance(identifier, int):
        tail = f"i={identifier}"
    elif isinstance(identifier, uuid.UUID):
        tail = f"g={identifier}"
    elif isinstance(identifier, bytes):
        tail = f"b={base64.b64encode(identifier).decode()}"
    else:
        tail = f"s={identifier}"
    if namespace == 0:
        return tail
    if namespace == 1 or namespace >= len(uris):
        return f"ns={namespace};{tail}"
    uri = uris[namespace].replace("%", "%25").replace(";", "%3B")
    return f"nsu={uri};{tail}"
