"""hub send, hub messages: what the hub tells its edges, and what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianji.base.errors import counted
from lianji.cli.output import AsCsv, AsJson, form_of, show_rows
from lianji.cli.speech import language, t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

if TYPE_CHECKING:
    from lianji.node.told.contents import Told
    from lianji.relay.messages.store import Message

KINDS = ("configuration", "dictionary", "bundle", "command")
COLUMNS = ("sent", "edge", "kind", "name", "version", "state", "answered", "reason")
HOUR_US = 3_600_000_000
_WORDS = t(
    "SITE... (park1, or park-*), then one of: configuration DIR|FILE..., dictionary TABLE.csv, "
    "bundle FILE, command NAME [key=value]...",
    "站点…（park1 或 park-*），然后是：configuration 文件夹或文件…、dictionary 表.csv、"
    "bundle 文件、command 命令 [键=值]…",
)


def register(app: typer.Typer) -> None:
    app.command("send", help=t("Tell edges something, signed", "向边缘下发签名消息"))(send)
    app.command("messages", help=t("What was told, what became of it", "已下发消息及结果"))(
        messages
    )


def send(
    words: Annotated[list[str], typer.Argument(metavar="SITE... KIND WHAT...", help=_WORDS)],
    name: Annotated[
        str,
        typer.Option(
            help=t("A bundle's name: a-z, digits, . _ -", "模型包名称（英文）"),
            show_default=t("that of the file", "与文件名相同"),
        ),
    ] = "",
    hours: Annotated[
        float, typer.Option(help=t("So long may it be applied", "有效小时数"), min=0.01)
    ] = 168,
    plant: PlantDir = HERE,
) -> None:
    from lianji.cli.access import by
    from lianji.node import telling

    sites, kind, what = _parts(words)
    content = _told(kind, what, name)
    lives_us = int(hours * HOUR_US)
    sent = telling.send(folder_of(plant), sites, content, by(), lives_us)
    edges = ", ".join(one.edge for one in sent)
    tell(
        f"{counted(len(sent), 'message')} for {edges}; see `lianji hub messages`.",
        f"已向 {edges} 下发 {len(sent)} 条消息；请用 `lianji hub messages` 查看。",
    )


def messages(
    site: Annotated[
        str | None, typer.Argument(metavar="[SITE]", help=t("The edge's name", "边缘名称"))
    ] = None,
    count: Annotated[
        int, typer.Option("-n", help=t("So many, the newest first", "显示条数"), min=1)
    ] = 50,
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    from lianji.node.telling import messages_of

    with messages_of(folder_of(plant)) as found:
        rows = [_row(one) for one in found.all(site, count)]
    columns = [*COLUMNS, "expires", "sender", "result"] if as_json or as_csv else list(COLUMNS)
    show_rows(rows, form_of(as_json, as_csv), columns)


def _parts(words: list[str]) -> tuple[list[str], str, list[str]]:
    """Sites, kind, and what comes behind. The first word is a site, whatever it is called."""
    at = next((n for n, word in enumerate(words) if n and word in KINDS), 0)
    if not at or at + 1 == len(words):
        raise typer.BadParameter(_WORDS)
    return words[:at], words[at], words[at + 1 :]


def _told(kind: str, what: list[str], name: str) -> Told:
    from lianji.node.told import contents

    paths = [Path(word) for word in what]
    if kind == "configuration":
        return contents.configuration(paths)
    if kind == "command":
        return contents.command(what[0], what[1:])
    if len(paths) > 1:
        raise typer.BadParameter(t(f"one file for a {kind}", f"{kind} 只需一个文件"))
    if kind == "dictionary":
        return contents.dictionary(paths[0])
    return contents.bundle(paths[0], name or paths[0].stem)


def _row(one: Message) -> dict[str, Any]:
    from lianji.base.clock import from_us

    reason = (one.reason or {}).get("cause", {})
    return {
        "sent": from_us(one.created_us),
        "edge": one.edge,
        "kind": one.kind,
        "name": one.name,
        "version": one.version,
        "state": one.state,
        "answered": None if one.answered_us is None else from_us(one.answered_us),
        "reason": reason.get(language(), reason.get("en", "")),
        "expires": from_us(one.expires_us),
        "sender": one.sender,
        "result": one.result,
    }
