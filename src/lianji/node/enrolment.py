"""A plant becomes a hub, invites others, or becomes an edge of one: its files and its state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import tomlkit

from lianji.base.errors import InputError, Text
from lianji.node.folder import PlantFolder
from lianji.node.settings import DEFAULT_PORT, SiteSettings, load_settings
from lianji.node.site_file import changed
from lianji.relay.settings import ADDRESSES_MAX, HubSettings

if TYPE_CHECKING:
    from lianji.base.state import State
    from lianji.relay.quotas import Quotas
    from lianji.relay.trust.authority import Authority
    from lianji.relay.trust.edges import Edges
    from lianji.relay.trust.identity import Identity
    from lianji.relay.trust.invitation import Invitation

ANYWHERE = ("0.0.0.0", "::", "")


def create_hub(folder: PlantFolder, name: str) -> Authority:
    """Make a plant that is a hub, or a hub of a plant that is there.

    Raises InputError if it is one already, or for a name that is none; StorageError.
    """
    from lianji.relay.trust.authority import Authority
    from lianji.relay.trust.names import checked_name

    checked_name(name)
    if not folder.settings.exists():
        SiteSettings(name=name)
        folder.create(name, DEFAULT_PORT)
    there = load_settings(folder.root).hub
    if there is not None:  # whose keys may be missing, if an earlier try was killed
        return Authority.create(folder.hub, there.name)
    kept = Authority(folder.hub) if Authority.exists(folder.hub) else None
    with changed(folder) as document:
        document["hub"] = _hub_part(kept.name if kept else name)
    return kept or Authority.create(folder.hub, name)


def _hub_part(name: str) -> Any:
    """``[hub]`` as it is written first, with what one wants to change."""
    part = tomlkit.table()
    part["name"] = name
    part["host"] = tomlkit.string("127.0.0.1")
    part["host"].comment('only this machine; "0.0.0.0" lets edges in')
    part["port"] = HubSettings.model_fields["port"].default
    part["addresses"] = tomlkit.array()
    part["addresses"].comment('where edges find it, such as "https://hub.example.com:8461"')
    return part


def authority_of(folder: PlantFolder) -> Authority:
    """Raises NotFound, StorageError."""
    from lianji.relay.trust.authority import Authority

    load_settings(folder.root)
    return Authority(folder.hub)


def edges_with(folder: PlantFolder, state: State) -> Edges:
    """The edges of a hub whose state is open; what happens to them is in its audit log.

    Raises NotFound, StorageError.
    """
    from lianji.relay.trust.edges import Edges
    from lianji.web.access import audit

    settings = load_settings(folder.root).hub
    days = settings.certificate_days if settings else 30
    return Edges(state, authority_of(folder), days=days, audit=audit.append)


@contextmanager
def edges_of(folder: PlantFolder) -> Iterator[Edges]:
    """The same for the command line, whether the hub runs or not: a running one sees what is
    changed within seconds."""
    from lianji.node.state_place import open_state

    authority_of(folder)
    state = open_state(folder.root)
    try:
        yield edges_with(folder, state)
    finally:
        state.close()


@contextmanager
def quotas_of(folder: PlantFolder) -> Iterator[Quotas]:
    """The limits of a hub's edges, whether it runs or not."""
    from lianji.node.limiting import quotas_with
    from lianji.node.state_place import open_state

    authority_of(folder)
    state = open_state(folder.root)
    try:
        yield quotas_with(state)
    finally:
        state.close()


def invite(
    folder: PlantFolder, name: str, sites: Sequence[str], address: str, by: str
) -> Invitation:
    """``address`` is HOST:PORT or empty: then it is the settings'. Raises NotFound, InputError."""
    from lianji.relay.trust.invitation import Invitation
    from lianji.relay.trust.names import checked_name

    checked_name(name)
    fingerprint = authority_of(folder).fingerprint
    where = f"https://{address.removeprefix('https://')}" if address else address_of(folder)
    Invitation.of(where, f"{name}.", fingerprint)  # what is wrong is told before a token is made
    with edges_of(folder) as edges:
        token = edges.invite(name, sites or [name], by)
    return Invitation.of(where, token, fingerprint)


def address_of(folder: PlantFolder) -> str:
    """Where edges find this hub. Raises InputError if nobody has said it."""
    settings = load_settings(folder.root).hub
    if settings is not None and settings.addresses:
        return settings.addresses[0]
    if settings is None or settings.host in ANYWHERE:
        raise InputError(
            "hub-address-unknown",
            Text("Nobody has said where edges find this hub.", "尚未说明边缘如何连接本中心。"),
            Text(
                "Say it with --address HOST:PORT, or write [hub] addresses in lianji.toml.",
                "请用 --address 主机:端口 指定，或在 lianji.toml 中填写 [hub] addresses。",
            ),
        )
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"https://{host}:{settings.port}"


def join_hub(folder: PlantFolder, line: Invitation, proxy: str | None = None) -> Identity:
    """Join, and write ``[relay]``; what else stands there stays.

    Raises NotFound, Untrusted, InputError, LinkDown, StorageError.
    """
    from lianji.relay.trust import joining

    before = load_settings(folder.root).relay
    identity = joining.join(folder.relay, line, proxy or (before.proxy if before else None))
    told = [address for address in identity.addresses if address != line.address]
    with changed(folder) as document:
        part = document.setdefault("relay", tomlkit.table())
        part["hubs"] = [line.address, *told][:ADDRESSES_MAX]
        part["edge"] = identity.edge
        if proxy:
            part["proxy"] = proxy
    return identity


def go_on_anew(folder: PlantFolder) -> None:
    """Let this plant's relay begin a new epoch, whether it runs or not.

    Raises NotFound if it has joined no hub, StorageError.
    """
    from lianji.base.durable import write_atomically
    from lianji.relay.trust.identity import Identity
    from lianji.relay.uplink import ANEW

    Identity(folder.relay)
    write_atomically(folder.relay / ANEW, b"")
