"""Who asks, as far as the connection says: the address, whether it is this machine, and https.

What a proxy says of the client is believed only of proxies that are configured.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

Networks = Sequence[IPv4Network | IPv6Network]
SESSION_COOKIE = "lianji-session"
FORM_COOKIE = "lianji-form"
DEVICE_COOKIE = "lianji-device"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def networks(texts: Sequence[str]) -> Networks:
    """Addresses and networks such as 10.0.0.0/8. Raises ValueError."""
    return [ip_network(text, strict=False) for text in texts]


@dataclass(frozen=True)
class Client:
    """One request's sender."""

    scope: Scope
    proxies: Networks = ()

    @cached_property
    def headers(self) -> Headers:
        return Headers(scope=self.scope)

    @cached_property
    def _peer(self) -> str:
        client = self.scope.get("client")
        return str(client[0]) if client else ""

    @cached_property
    def _hops(self) -> list[str]:
        """The way here, the nearest first: the peer, then what trusted proxies say."""
        said = ",".join(self.headers.getlist("x-forwarded-for"))
        return [self._peer, *(hop.strip() for hop in reversed(said.split(",")) if hop.strip())]

    @cached_property
    def address(self) -> str:
        """The first hop that is no trusted proxy."""
        for hop in self._hops:
            if not _within(hop, self.proxies):
                return hop
        return self._hops[-1]

    @property
    def network(self) -> str:
        """What is counted as one guesser: an address, or the /64 that an IPv6 client owns."""
        try:
            found = ip_address(self.address)
        except ValueError:
            return self.address
        if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
            return str(ip_network((found, 64), strict=False))
        return str(found)

    @cached_property
    def is_https(self) -> bool:
        if _within(self._peer, self.proxies):
            return self.headers.get("x-forwarded-proto", "").strip().lower() == "https"
        return bool(self.scope.get("scheme") == "https")

    @cached_property
    def is_this_machine(self) -> bool:
        """A loopback peer that asks for a loopback name: no proxy before it, and no page of
        another site whose name was made to point here (DNS rebinding)."""
        if any(name in self.headers for name in _FORWARDED):
            return False
        return is_loopback(self._peer) and is_loopback(_name_of(self.headers.get("host", "")))

    @cached_property
    def cookies(self) -> dict[str, str]:
        """Those of this port: two plants of one machine share a jar (RFC 6265, section 8.5)."""
        return cookie_parser("; ".join(self.headers.getlist("cookie")))

    def cookie(self, name: str) -> str:
        return self.cookies.get(self.cookie_name(name), "")

    def cookie_name(self, name: str) -> str:
        port = self.headers.get("host", "").rpartition(":")[2]
        return f"{name}-{port}" if port.isdecimal() else name

    def bearer(self, in_query: bool) -> str:
        """The token of the request, as Bearer, as Token (InfluxDB 2), or as the password of
        InfluxDB 1 (basic, or ``?p=`` where ``in_query`` allows it)."""
        kind, _, value = self.headers.get("authorization", "").partition(" ")
        match kind.lower():
            case "bearer" | "token":
                return value.strip()
            case "basic":
                return _basic_password(value.strip())
        if in_query:
            query: bytes = self.scope.get("query_string", b"")
            return parse_qs(query.decode("latin-1")).get("p", [""])[0]
        return ""


def is_loopback(name: str) -> bool:
    if name.lower() == "localhost":
        return True
    try:
        found = ip_address(name)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback


def _name_of(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _within(address: str, nets: Networks) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in net for net in nets if net.version == found.version)


def _basic_password(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
