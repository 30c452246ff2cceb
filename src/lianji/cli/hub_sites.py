"""hub status, export, verify, delete: a hub's plants, and handing over what it has of one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lianji.base.errors import InputError, StorageError, Text, counted
from lianji.cli.output import AsJson
from lianji.cli.speech import language, t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

Site = Annotated[str, typer.Argument(metavar="SITE", help=t("The site", "站点"))]


def register(app: typer.Typer) -> None:
    app.command("status", help=t("How the plants of a running hub are", "查看各工厂状态"))(status)
    app.command("export", help=t("Hand over all that is of a site", "导出一个站点的全部数据"))(
        export
    )
    app.command("verify", help=t("Check an export or a report", "校验导出或删除报告"))(verify)
    app.command("delete", help=t("Delete a site for good, with proof", "彻底删除一个站点"))(delete)


def status(
    site: Annotated[
        str, typer.Argument(metavar="[SITE]", help=t("One edge", "某个边缘"), show_default=False)
    ] = "",
    plant: PlantDir = HERE,
    as_json: AsJson = False,
) -> None:
    from urllib.parse import quote

    from lianji.cli.plants_text import show_plant, show_plants
    from lianji.node.asked import found_of

    path = "/api/hub/plants" + (f"/{quote(site, safe='')}" if site else "")
    answer = found_of(folder_of(plant), path)
    if as_json:
        json.dump(answer, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
    elif site:
        show_plant(answer)
    else:
        show_plants(answer)


def export(
    site: Site,
    to: Annotated[Path, typer.Argument(metavar="DIR", help=t("A new folder", "新文件夹"))],
    plant: PlantDir = HERE,
) -> None:
    from lianji.cli.access import by
    from lianji.cli.progress import bar
    from lianji.node.site_export import export_site

    with bar(to.name) as progress:
        manifest = export_site(folder_of(plant), site, to, by(), progress)
    days, rows = len(manifest["days"]), manifest["rows"]
    tell(
        f"{counted(rows, 'sample')} of {counted(days, 'day')} are in {to}. "
        f"Anybody checks them with `lianji hub verify {to}`.",
        f"已将 {days} 天共 {rows:,} 个样本导出到 {to}，可用 `lianji hub verify {to}` 校验。",
    )


def verify(
    path: Annotated[Path, typer.Argument(metavar="DIR", help=t("Or a report", "或删除报告"))],
) -> None:
    from lianji.node.site_export import read_document, verify_export
    from lianji.relay.trust.signed import is_signed

    if path.is_file():
        document = read_document(path)
        wrong = [] if is_signed(document) else [Text("It was changed.", "内容已被更改。")]
    else:
        document, wrong = verify_export(path)
    if wrong:
        raise StorageError(
            "export-differs",
            Text(
                f"{path} is not as it was signed: {' '.join(text.en for text in wrong[:20])}",
                f"{path} 与签名时不一致：{''.join(text.zh for text in wrong[:20])}",
            ),
            Text("Ask for it again.", "请重新获取。"),
        )
    tell(
        f"{path} is as the hub {document.get('hub')} signed it: {document.get('kind')} of "
        f"{document.get('site')}. Compare its public_key with the hub's.",
        f"{path} 与中心 {document.get('hub')} 的签名一致（{document.get('kind')}，"
        f"{document.get('site')}）。请核对其中的 public_key。",
    )


def delete(
    site: Site,
    yes: Annotated[
        bool, typer.Option("--yes", help=t("It cannot be undone", "确认删除，无法撤销"))
    ] = False,
    plant: PlantDir = HERE,
) -> None:
    from lianji.cli.access import by
    from lianji.node.site_asked import delete_of

    if not yes:
        raise InputError(
            "deletion-unconfirmed",
            Text(
                f"Samples, notes and alarms of {site} would be removed for good.",
                f"{site} 的样本、批注和报警将被彻底删除。",
            ),
            Text(
                f"Hand them over with `lianji hub export {site} DIR` first; then add --yes.",
                f"请先用 `lianji hub export {site} 文件夹` 导出，再加 --yes。",
            ),
        )
    report = delete_of(folder_of(plant), site, by())
    json.dump(report, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")
    tell(*_told(report))


def _told(report: dict[str, Any]) -> tuple[str, str]:
    rows = report["samples"]["rows"]
    left = report["spool"]["rows_left"]
    en = f"{counted(rows, 'sample')} of {report['site']} are gone; no file holds any."
    zh = f"{report['site']} 的 {rows:,} 个样本已删除，所有文件中均已查不到。"
    if left:
        en += f" {left} lie in the spool until its other readers have passed them."
        zh += f" 缓存中仍有 {left} 个，待其他读取者处理后移除。"
    kept = " ".join(text[language()] for text in report["kept"])
    return f"{en} {kept}", f"{zh}{kept}"
