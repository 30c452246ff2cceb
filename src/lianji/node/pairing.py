"""Hubs of one group: how a second one becomes so, and who they are, in ``data/hub/group.json``.

``me`` is what this hub is called in the group, ``hubs`` are all of its hubs, ``to`` the one that
this hub sends to, ``awaited`` the one that may fetch the keys, once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit

from lianji.base.durable import write_atomically
from lianji.base.errors import Busy, InputError, StorageError, Text
from lianji.node.enrolment import address_of, authority_of, edges_of
from lianji.node.folder import PlantFolder
from lianji.node.settings import load_settings
from lianji.node.site_file import changed
from lianji.relay.settings import Mode, https_address
from lianji.spool.spool import Spool

if TYPE_CHECKING:
    from lianji.relay.standing import Standing, Stood
    from lianji.relay.trust.authority import Authority
    from lianji.relay.trust.edges import Edges
    from lianji.relay.trust.invitation import Invitation

EVERYTHING = ("*",)
FILE = "group.json"
RELAY = "relay"
"""The uplink's name among the spool's readers."""


@dataclass(frozen=True, slots=True)
class Group:
    me: str
    hubs: tuple[str, ...] = ()
    to: str = ""
    awaited: str = ""

    @staticmethod
    def of(folder: PlantFolder) -> Group | None:
        """The group of this hub, if it is in one. Raises StorageError."""
        return read_group(folder.hub / FILE)

    def write(self, folder: PlantFolder) -> None:
        write_atomically(folder.hub / FILE, json.dumps(asdict(self)).encode())


def read_group(path: Path) -> Group | None:
    try:
        told = json.loads(path.read_text())
        return Group(**{**told, "hubs": tuple(told["hubs"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            "hub-group-damaged",
            Text(f"{path} is no use: {error}.", f"{path} 无法使用：{error}。"),
            Text("Restore it from a backup, or pair the hubs again.", "请从备份恢复，或重新配对。"),
        ) from error


def standing_of(folder: PlantFolder, authority: Authority | None = None) -> Standing:
    """Raises NotFound, StorageError."""
    from lianji.relay.standing import Standing

    return Standing(folder.hub, (authority or authority_of(folder)).signing_key)


# -- at the first hub --------------------------------------------------------------------------


def pair(folder: PlantFolder, name: str, at: str, sync: bool, by: str) -> Invitation | None:
    """Send to the hub ``name`` at ``at`` (HOST:PORT) from the next start on, and invite it.

    None if it is of the group already. Raises NotFound, InputError, StorageError.
    """
    from lianji.relay.trust.invitation import Invitation
    from lianji.relay.trust.names import checked_name

    authority, settings = authority_of(folder), load_settings(folder.root)
    where = https_address(f"https://{checked_address(at)}")
    group = Group.of(folder) or Group(settings.hub.name if settings.hub else authority.name)
    if checked_name(name) == group.me:
        raise _same_name(name)
    if settings.relay is not None and settings.relay.edge != group.me:
        raise _sends_elsewhere()
    mine = address_of(folder)
    known = name in group.hubs
    with edges_of(folder) as edges:
        if not (folder.relay / "identity.pem").exists():
            _identify(folder, authority, edges, group.me, by)
        token = "" if known else edges.invite(name, EVERYTHING, by)
    hubs = tuple(dict.fromkeys((*group.hubs, group.me, name)))
    replace(group, hubs=hubs, to=name, awaited="" if known else name).write(folder)
    _write_ways(folder, group.me, where, [mine, where], sync)
    return None if known else Invitation.of(mine, token, authority.fingerprint)


def checked_address(at: str) -> str:
    return at.strip().removeprefix("https://")


def _identify(folder: PlantFolder, authority: Authority, edges: Edges, me: str, by: str) -> None:
    """What this hub shows at the others: a certificate that it signs for itself."""
    from lianji.relay.trust.certificates import new_key, request_of
    from lianji.relay.trust.identity import Identity, LetIn

    key = new_key()
    let_in = edges.admit(edges.invite(me, EVERYTHING, by), request_of(key, me), me, by)
    pem, public = authority.pem.decode(), authority.public_key_pem.decode()
    Identity.write(
        folder.relay,
        key,
        LetIn(
            edge=me,
            hub=authority.name,
            certificate=let_in.pem.decode(),
            ca=pem,
            public_key=public,
            sites=list(EVERYTHING),
            addresses=[],
        ),
    )


def _write_ways(
    folder: PlantFolder, me: str, to: str, addresses: Sequence[str], sync: bool | None
) -> None:
    with changed(folder) as document:
        relay = document.setdefault("relay", tomlkit.table())
        relay["hubs"], relay["edge"] = [to], me
        if sync is not None:
            relay["mode"] = str(Mode.SYNC if sync else Mode.ASYNC)
        hub = document.setdefault("hub", tomlkit.table())
        found = [*hub.get("addresses", []), *addresses]
        hub["addresses"] = list(dict.fromkeys(https_address(str(one)) for one in found))


def told_of_group(folder: PlantFolder, edge: str, keys_wanted: bool) -> dict[str, Any]:
    """What a hub tells one of its group besides edges; its keys to the one that it awaits, once."""
    from lianji.relay.trust.handover import keys_of

    group = Group.of(folder)
    if group is None:
        return {}
    settings = load_settings(folder.root).hub
    told: dict[str, Any] = {
        "me": group.me,
        "hubs": group.hubs,
        "addresses": settings.addresses if settings else [],
    }
    if keys_wanted:
        if edge != group.awaited:
            raise _not_awaited(edge)
        replace(group, awaited="").write(folder)
        told["keys"] = keys_of(folder.hub)
    return told


# -- at the second hub -------------------------------------------------------------------------


def join_group(folder: PlantFolder, line: Invitation, proxy: str | None = None) -> Stood:
    """Become a standby of the hub that invited us: the same authority, and its edges.

    A hub that was restored from the other's backup has its history, and gets what came since.
    Raises NotFound where there is no hub, InputError if it has edges of its own, Busy if it runs,
    Untrusted, LinkDown, StorageError, OSError.
    """
    from lianji.relay import group as groups
    from lianji.relay.standing import Role
    from lianji.relay.trust import joining
    from lianji.relay.trust.handover import take_keys

    with edges_of(folder) as edges:
        if edges.all() and edges.authority.fingerprint != line.fingerprint:
            raise _has_edges()
    if folder.running() is not None:
        raise _runs()
    identity = joining.join(folder.relay, line, proxy)
    told, generation = _fetch(line, identity, proxy)
    authority = take_keys(folder.hub, told.get("keys", {}), line.fingerprint)
    _begin_anew(folder)
    Group(line.edge, tuple(told["hubs"]), to=str(told["me"])).write(folder)
    with edges_of(folder) as edges:
        edges.take(groups.of_json(told["edges"]))
    _write_ways(folder, line.edge, line.address, told["addresses"], None)
    return standing_of(folder, authority).begin(Role.STANDBY, generation)


def _begin_anew(folder: PlantFolder) -> None:
    """Of what lies here already (a backup of the first hub, say) nothing is sent to that."""
    (folder.relay / "book.json").unlink(missing_ok=True)
    with Spool(folder.spool) as spool:
        spool.holder(RELAY).commit(spool.durable)


def _fetch(line: Invitation, identity: Any, proxy: str | None) -> tuple[dict[str, Any], int]:
    """What the first hub tells, and its generation."""
    from lianji.relay.client import HubClient, NotNow, Unwelcome
    from lianji.relay.generation import Highest

    seen = Highest()
    client = HubClient([line.address], line.edge, identity.client_context, proxy, seen)
    try:
        told = client.group(json.dumps({"keys": True, "edges": []}).encode())
    except Unwelcome as error:
        raise InputError(error.code, error.text, _AGAIN) from error
    except NotNow as error:
        raise Busy("hub-busy", error.why, _AGAIN) from error
    finally:
        client.close()
    return told, max(1, seen.told().number)


_AGAIN = Text(
    "Make a new invitation with `lianji hub pair` at the other hub.",
    "请在对方中心用 `lianji hub pair` 重新生成邀请。",
)


def _same_name(name: str) -> InputError:
    return InputError(
        "hub-names-same",
        Text(f"This hub is called {name} itself.", f"本中心的名称就是 {name}。"),
        Text("Give the second hub a name of its own.", "请为第二个中心指定不同的名称。"),
    )


def _sends_elsewhere() -> InputError:
    return InputError(
        "hub-relays-already",
        Text(
            "This hub sends to a hub of another authority already.",
            "本中心已向其他机构的中心发送数据。",
        ),
        Text(
            "Let the standby send there, or remove [relay] from lianji.toml first.",
            "请改由备用中心发送，或先从 lianji.toml 中删除 [relay]。",
        ),
    )


def _not_awaited(edge: str) -> InputError:
    return InputError(
        "hub-not-awaited",
        Text(
            f"{edge} has fetched the keys already, or was never to have them.",
            f"{edge} 已取走密钥，或无权获取。",
        ),
        _AGAIN,
    )


def _has_edges() -> InputError:
    return InputError(
        "hub-has-edges",
        Text(
            "This hub has edges of its own, which would not know it under another authority.",
            "本中心已有自己的边缘，更换机构后它们将无法识别本中心。",
        ),
        Text(
            "Take a hub that is new: `lianji hub init DIR`.", "请新建中心：`lianji hub init DIR`。"
        ),
    )


def _runs() -> Busy:
    return Busy(
        "hub-runs",
        Text("This hub is running with the keys that it has.", "本中心正在以现有密钥运行。"),
        Text("Stop it, and run the command again.", "请先停止它，再执行该命令。"),
    )
