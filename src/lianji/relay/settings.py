"""The ``[hub]`` and ``[relay]`` parts of ``lianji.toml``: a door for edges, the way to a hub."""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lianji.base.errors import Text
from lianji.relay.messages.kinds import Kind
from lianji.relay.trust.names import NAME_MAX, is_name

DEFAULT_PORT = 8461
HTTPS_PORT = 443
ADDRESSES_MAX = 8
_HOST = re.compile(r"[\w.-]+|\[[0-9A-Fa-f:.]+\]")


class RelaySettingsError(ValueError):
    """What is wrong with a setting, in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(en, zh)


def https_address(text: str) -> str:
    """``https://host:port`` of a hub; 443 where no port is written. Raises ValueError."""
    try:
        parts = urlsplit(text.strip())
        port = HTTPS_PORT if parts.port is None else parts.port
    except ValueError:
        raise _no_address(text) from None
    rest = parts.path.rstrip("/") + parts.query + parts.fragment
    host = parts.netloc if parts.port is None else parts.netloc.rpartition(":")[0]
    if parts.scheme != "https" or rest or not port or not _HOST.fullmatch(host):
        raise _no_address(text)
    return f"https://{host}:{port}"


def _no_address(text: str) -> RelaySettingsError:
    shown = ascii(text[:NAME_MAX])
    return RelaySettingsError(
        f"{shown} is no address of a hub such as https://hub.example.com:8461",
        f"{shown} 不是中心地址，应形如 https://hub.example.com:8461",
    )


def _edge_name(name: str) -> str:
    if not is_name(name):
        raise RelaySettingsError(
            f"{name[:NAME_MAX]!a} is no name: letters a-z, digits, and . _ - behind the first",
            f"{name[:NAME_MAX]!a} 不是有效名称：英文字母、数字以及 . _ -（首字符除外）",
        )
    return name


def _addresses(texts: list[str]) -> list[str]:
    return [https_address(text) for text in texts]


def _process_address(text: str) -> str:
    return https_address(text) if text else ""


def _proxy(url: str | None) -> str | None:
    if url is None:
        return None
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise RelaySettingsError(
            "a proxy is written as http://host:port", "代理应写成 http://主机:端口"
        )
    return url


class Mode(StrEnum):
    """When a hub that sends to a second one says yes to its edges."""

    ASYNC = "async"
    SYNC = "sync"


class SyncPolicy(StrEnum):
    """What a hub in sync mode does whose second hub does not follow."""

    DEGRADE = "degrade"
    REFUSE = "refuse"


class HubSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    """What the hub is called: letters, digits, ``.``, ``_``, ``-``."""
    host: str = "127.0.0.1"
    """Where the door for edges listens: only this machine, until this is changed to ``0.0.0.0``."""
    port: int = Field(DEFAULT_PORT, ge=0, le=65535)
    """The door's port; 0 takes any that is free."""
    addresses: list[str] = Field(default_factory=list, max_length=ADDRESSES_MAX)
    """Where edges find this hub, and others that take its place, the best first:
    ``https://host:port``."""
    samples_per_s: float = Field(0, ge=0)
    """At most so many samples a second from one edge, on average; 0: no limit."""
    certificate_days: float = Field(30, ge=1, le=825)
    """So long an edge's certificate lives; it is renewed at half of that."""
    reconcile_at: str = Field("02:30", pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")
    """When, in the site's time zone, hub and edges compare each night what they have, and mend it;
    empty: never by themselves."""
    reconcile_days: float = Field(7, gt=0, le=36_500)
    """So many days back, unless others are asked for."""
    process_address: str = ""
    """Where several processes stand behind one address: where edges find this one, such as
    ``https://10.0.0.7:8461``. Empty: they come by the common address until they meet it."""
    lease_s: float = Field(15, ge=1, le=300)
    """So long after one of several processes has ended, another takes over its edges."""

    _process_address = field_validator("process_address")(_process_address)
    _name = field_validator("name")(_edge_name)
    _addresses = field_validator("addresses")(_addresses)


class RelaySettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    hubs: list[str] = Field(min_length=1, max_length=ADDRESSES_MAX)
    """The hub, and others that take its place, the best first: ``https://host:port``."""
    edge: str
    """What this plant is called at the hub, which its certificate says too."""
    share: float = Field(0.7, gt=0, le=1)
    """The part of the line that a backlog may take while new samples come."""
    proxy: str | None = None
    """A proxy on the way to the hub: ``http://host:port``."""
    mode: Mode = Mode.ASYNC
    """Of a hub that sends on to a second one: ``sync`` says yes to edges when both have it."""
    sync_wait_s: float = Field(2, gt=0, le=60)
    """In sync mode: so long a hub waits for the second one."""
    sync_policy: SyncPolicy = SyncPolicy.DEGRADE
    """Then, ``degrade`` says yes alone, and tells so, until the second hub has caught up;
    ``refuse`` says no, and the edge sends again."""
    keep_h: float = Field(24, ge=0, le=8760)
    """So many hours back, what the hub had is offered again to one that lacks it: the spool keeps
    it so long, or for its own ``keep_h`` if that is longer, while its cap allows."""
    accept: list[Kind] = Field(default_factory=lambda: [Kind.COMMAND, Kind.BUNDLE, Kind.DICTIONARY])
    """What the hub may tell this plant: ``command``, ``bundle``, ``dictionary``, and
    ``configuration`` only where it is named, since that changes how machines are read."""
    tags: list[str] = Field(default_factory=list)
    """Patterns of the tag paths that are sent, such as ``plant/line1/*``; empty: all. Between hubs
    of one group all are sent."""
    rollups: bool = False
    """Send what each minute held instead of the samples: of each of these tags ``<tag>/avg_1min``,
    ``min_1min``, ``max_1min`` and ``count_1min``, from when this is set on. Not between hubs of one
    group."""

    _edge = field_validator("edge")(_edge_name)
    _hubs = field_validator("hubs")(_addresses)
    _way = field_validator("proxy")(_proxy)
