"""hub init, invite, sites, revoke, reconcile: a hub and the plants that may send to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianji.cli import hub_drill, hub_group, hub_limit, hub_messages, hub_sites, reconcile
from lianji.cli.output import AsCsv, AsJson, form_of, show_rows
from lianji.cli.speech import t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

if TYPE_CHECKING:
    from lianji.relay.quotas import Quota

app = typer.Typer(help=t("A hub and its edges", "中心及其边缘"), no_args_is_help=True)
hub_messages.register(app)
app.command(
    "reconcile",
    help=t("Compare what hub and edges have, and mend it", "核对并修复中心与边缘的数据"),
)(reconcile.reconcile)
hub_sites.register(app)
hub_group.register(app)
hub_drill.register(app)
hub_limit.register(app)
Edge = Annotated[str, typer.Argument(metavar="SITE", help=t("The edge's name", "边缘名称"))]


@app.command("init", help=t("Make a plant that is a hub, or a hub of a plant", "新建中心"))
def init(
    folder: Annotated[Path, typer.Argument(help=t("Its folder", "文件夹"))],
    name: Annotated[
        str, typer.Option(help=t("The hub's name: a-z, digits, . _ -", "中心名称（英文）"))
    ] = "",
) -> None:
    from lianji.node.enrolment import create_hub

    authority = create_hub(folder_of(folder), name or folder.resolve().name)
    tell(
        f"The hub {authority.name} is in {folder}. Its fingerprint: {authority.fingerprint}\n"
        f"Next: set [hub] host and addresses in {folder}/lianji.toml, then\n"
        f"  lianji hub invite SITE --plant {folder}",
        f"中心 {authority.name} 已建在 {folder}，指纹：{authority.fingerprint}\n"
        f"下一步：在 {folder}/lianji.toml 中设置 [hub] host 和 addresses，然后\n"
        f"  lianji hub invite SITE --plant {folder}",
    )


@app.command("invite", help=t("Print the line with which a plant joins", "生成工厂加入命令"))
def invite(
    site: Edge,
    sites: Annotated[
        list[str] | None,
        typer.Option(
            help=t("Sites that it may write, such as park1-*; repeat for more", "可写站点，可重复"),
            show_default=t("its name", "与名称相同"),
        ),
    ] = None,
    address: Annotated[
        str,
        typer.Option(
            help=t("HOST:PORT where it finds the hub", "中心的 主机:端口"),
            show_default=t("the first of [hub] addresses", "[hub] addresses 的第一个"),
        ),
    ] = "",
    plant: PlantDir = HERE,
) -> None:
    from lianji.cli.access import by
    from lianji.node import enrolment

    line = enrolment.invite(folder_of(plant), site, sites or [], address, by())
    tell(
        f"In the folder of {site}, within 15 minutes, once:",
        f"请在 15 分钟内于 {site} 的工厂文件夹中执行一次：",
    )
    typer.echo(str(line))


@app.command("sites", help=t("The edges of the hub, and who is invited", "列出边缘及邀请"))
def sites(plant: PlantDir = HERE, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    from lianji.base.clock import now_us
    from lianji.node.enrolment import authority_of, edges_of, quotas_of

    authority, now = authority_of(folder_of(plant)), now_us()
    with quotas_of(folder_of(plant)) as quotas:
        own = quotas.all()
    with edges_of(folder_of(plant)) as edges:
        rows = [
            _row(edge.name, edge.state(now), edge.sites, edge.joined_us, edge.not_after_us)
            for edge in edges.all()
        ]
        rows += [_row(one.edge, "invited", one.sites, None, one.expires_us)
                 for one in edges.invited()]  # fmt: skip
    rows = [{**row, **_limits(own.get(str(row["edge"])), now)} for row in rows]
    columns = ["edge", "state", "sites", "joined", "until", "rate", "gb_a_day", "gb_today"]
    show_rows(rows, form_of(as_json, as_csv), columns)
    tell(f"Fingerprint: {authority.fingerprint}", f"指纹：{authority.fingerprint}")


def _row(
    edge: str, state: str, sites: Sequence[str], joined_us: int | None, until_us: int
) -> dict[str, object]:
    from lianji.base.clock import from_us

    return {
        "edge": edge,
        "state": state,
        "sites": ", ".join(sites),
        "joined": None if joined_us is None else from_us(joined_us),
        "until": from_us(until_us),
    }


def _limits(own: Quota | None, now_us: int) -> dict[str, object]:
    """What it may send by limits of its own; 0: none, nothing: as [hub] says."""
    from lianji.relay.quotas import DAY_US

    if own is None:
        return {"rate": None, "gb_a_day": None, "gb_today": None}
    used = own.used_bytes if own.used_day == now_us // DAY_US else 0
    most = own.bytes_a_day
    return {
        "rate": own.samples_per_s,
        "gb_a_day": None if most is None else most / 1e9,
        "gb_today": round(used / 1e9, 3),
    }


@app.command("revoke", help=t("Shut an edge out, within seconds", "吊销边缘，数秒内生效"))
def revoke(site: Edge, plant: PlantDir = HERE) -> None:
    from lianji.cli.access import by
    from lianji.node.enrolment import edges_of

    with edges_of(folder_of(plant)) as edges:
        edges.revoke(site, by())
    tell(
        f"{site} is shut out; a new invitation lets it in again.",
        f"{site} 已吊销；重新邀请后可再次加入。",
    )
