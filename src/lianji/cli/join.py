"""join: a plant becomes an edge of a hub."""

from __future__ import annotations

from typing import Annotated

import typer

from lianji.cli.speech import t, tell
from lianji.cli.where import HERE, PlantDir, folder_of


def register(app: typer.Typer) -> None:
    app.command(help=t("Let this plant send to a hub", "让本工厂加入中心"))(join)


def join(
    address: Annotated[str, typer.Argument(help=t("https://HOST:PORT of the hub", "中心地址"))],
    token: Annotated[str, typer.Argument(help=t("From the invitation", "邀请中的令牌"))],
    hub: Annotated[
        str, typer.Option(help=t("The hub's fingerprint, from the invitation", "邀请中的中心指纹"))
    ],
    proxy: Annotated[
        str | None, typer.Option(help=t("http://HOST:PORT on the way", "途经的代理"))
    ] = None,
    plant: PlantDir = HERE,
) -> None:
    from lianji.base.clock import from_us
    from lianji.node.enrolment import join_hub
    from lianji.relay.trust.invitation import Invitation

    line = Invitation.of(address, token, hub)
    identity = join_hub(folder_of(plant), line, proxy)
    sites, until = ", ".join(identity.sites), f"{from_us(identity.not_after):%Y-%m-%d}"
    tell(
        f"This plant is the edge {identity.edge} of the hub {identity.hub} and may write {sites}. "
        f"Its certificate ends on {until} and is renewed before. A running plant sends at once.",
        f"本工厂已作为边缘 {identity.edge} 加入中心 {identity.hub}，可写站点：{sites}。"
        f"证书有效至 {until}，会自动续期。运行中的工厂即开始发送。",
    )
