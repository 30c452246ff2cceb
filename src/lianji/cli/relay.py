"""relay anew: how a plant's way to its hub is."""

from __future__ import annotations

from typing import Annotated

import typer

from lianji.cli.speech import t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

app = typer.Typer(help=t("The way to the hub", "通往中心的链路"), no_args_is_help=True)


@app.command(
    "anew",
    help=t("This box goes on after the hub took it for a copy", "被中心判为副本后，由本机继续"),
)
def anew(
    yes: Annotated[
        bool, typer.Option("--yes", help=t("No other copy runs", "确认没有其他副本在运行"))
    ] = False,
    plant: PlantDir = HERE,
) -> None:
    from lianji.node.enrolment import go_on_anew

    if not yes:
        tell(
            "Only one box may go on. Stop every copy of it (another machine, an old image), then "
            "run this with --yes.",
            "只能有一台设备继续。请停用其他副本（其他机器或旧镜像），然后加 --yes 执行。",
        )
        raise typer.Exit(2)
    go_on_anew(folder_of(plant))
    tell(
        "It goes on under a new epoch within seconds; what the hub lacks of it is sent.",
        "几秒内将以新的纪元继续，并补发中心缺少的数据。",
    )
