"""hub pair, follow, promote, standing: a second hub that takes over when the first is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lianji.base.errors import InputError, Text
from lianji.cli.output import AsJson, form_of, show_rows
from lianji.cli.speech import t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

if TYPE_CHECKING:
    from lianji.relay.standing import Stood


def register(app: typer.Typer) -> None:
    app.command(help=t("Let a second hub be this one's standby", "配对备用中心"))(pair)
    app.command(help=t("Be the standby of another hub", "成为备用中心"))(follow)
    app.command(help=t("Be the active hub from now on", "接管为主中心"))(promote)
    app.command(help=t("Whether this hub is active, a standby or fenced", "中心角色"))(standing)


def pair(
    name: Annotated[str, typer.Argument(help=t("The second hub's name", "备用中心名称"))],
    at: Annotated[str, typer.Option(help=t("HOST:PORT of its door", "其 主机:端口"))],
    sync: Annotated[
        bool, typer.Option("--sync", help=t("Say yes when both have it", "两地都保存后才确认"))
    ] = False,
    plant: PlantDir = HERE,
) -> None:
    from lianji.cli.access import by
    from lianji.node import pairing

    line = pairing.pair(folder_of(plant), name, at, sync, by())
    if line is not None:
        tell(
            "In the folder of the second hub, within 15 minutes, once, while this hub runs; its "
            "keys go with it, so treat that machine as this one:",
            "请在 15 分钟内、本中心运行时，于备用中心的文件夹中执行一次；密钥会随之移交，"
            "请同等保护该机器：",
        )
        typer.echo(f"lianji hub follow {line.address} {line.token} --hub {line.fingerprint}")
    tell(
        "Then start this hub again: it sends to the second one from then on. Edges that joined "
        "before must find both: put the second address behind the first in their [relay] hubs.",
        "随后请重启本中心，此后将向备用中心发送数据。此前加入的边缘需在其 [relay] hubs 中"
        "追加备用中心地址。",
    )


def follow(
    address: Annotated[
        str,
        typer.Argument(help=t("From the pairing line; none: the active hub", "配对命令中的地址")),
    ] = "",
    token: Annotated[str, typer.Argument(help=t("From the pairing line", "配对命令中的令牌"))] = "",
    hub: Annotated[
        str, typer.Option(help=t("The fingerprint, from the pairing line", "指纹"))
    ] = "",
    proxy: Annotated[
        str | None, typer.Option(help=t("http://HOST:PORT on the way", "途经的代理"))
    ] = None,
    plant: PlantDir = HERE,
) -> None:
    from lianji.node import pairing
    from lianji.relay.trust.invitation import Invitation

    folder = folder_of(plant)
    if address:
        stood = pairing.join_group(folder, Invitation.of(address, token, hub), proxy)
        tell(
            "This hub has the other's keys and is its standby. Start it.",
            "本中心已取得对方密钥并成为其备用中心。请启动本中心。",
        )
    else:
        if pairing.Group.of(folder) is None:
            raise _alone()
        stood = pairing.standing_of(folder).follow()
    _tell(stood)


def promote(plant: PlantDir = HERE) -> None:
    """Take over. What edges sent that this hub lacks they offer again."""
    from lianji.node.pairing import standing_of

    _tell(standing_of(folder_of(plant)).promote())


def standing(plant: PlantDir = HERE, as_json: AsJson = False) -> None:
    from lianji.node.pairing import Group, standing_of

    folder = folder_of(plant)
    now, group = standing_of(folder).now, Group.of(folder)
    row: dict[str, object] = {
        "role": str(now.role),
        "generation": now.generation,
        "highest": now.highest,
        "hubs": ", ".join(group.hubs) if group else "",
        "sends to": group.to if group else "",
    }
    show_rows([row], form_of(as_json, False), list(row))


def _tell(stood: Stood) -> None:
    roles = {"active": "主中心", "standby": "备用中心", "fenced": "已隔离"}
    tell(
        f"This hub is {stood.role}, generation {stood.generation}.",
        f"本中心角色：{roles[stood.role]}，第 {stood.generation} 代。",
    )


def _alone() -> InputError:
    return InputError(
        "hub-alone",
        Text("This hub is in no group: there is none to follow.", "本中心未与其他中心配对。"),
        Text(
            "Pair it at the other hub with `lianji hub pair`, and paste the line here.",
            "请在对方中心执行 `lianji hub pair`，并在此粘贴其输出的命令。",
        ),
    )
