"""Deleting a site from a hub, with proof: what was there, what went, that nothing is found.

Runs in the process that owns the history. What cannot be reached from here is named in the report
and not passed over: backups, exports, other hubs, the plant itself.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lianji.base.clock import from_us, now_us
from lianji.base.durable import make_folder, sync_folder, write_atomically
from lianji.base.errors import Busy, InputError, NotFound, Text
from lianji.dictionary.batch import Batch
from lianji.history.removal import RemovedSite, is_of, rows_in, still_there
from lianji.relay.trust.edges import KNOWN_S_MAX
from lianji.relay.trust.names import allows
from lianji.relay.trust.peer import EdgeRow
from lianji.relay.trust.signed import signed
from lianji.spool.record import Gap

if TYPE_CHECKING:
    from lianji.node.plant import Plant
    from lianji.relay.trust.authority import Authority
    from lianji.relay.trust.edges import Edges

SETTLED_US = int((KNOWN_S_MAX + 2) * 1_000_000)
"""So long after it was shut out, nothing of an edge can be on its way into the spool any more."""
DELETIONS = "deletions"


def delete_site(
    plant: Plant, authority: Authority, edges: Edges, site: str, by: str
) -> dict[str, Any]:
    """Remove samples, notes, data sets, alarms and set-aside bodies of a site; the signed report,
    which is also kept in ``data/hub/deletions``.

    Raises NotFound for a site of which there is nothing, InputError for the hub's own and for one
    whose edge may still send, Busy, StorageError.
    """
    began_us = now_us()
    check_deletable(plant, edges, site)
    _note(plant, by, "site-deletion-begun", {"site": site})
    sequence = plant.spool.mark(Gap(f"site {site} deleted", 0, 0, 0, 0, 0))
    found = plant.history.remove_site(site, sequence)
    notes = plant.history.erase_annotations(lambda tag: is_of(site, tag))
    asked, left = rows_in(plant.folder.data / "annotations", site)
    datasets = plant.datasets.erase(lambda tag: is_of(site, tag))
    if left:
        raise still_there(site, left)
    alarms = plant.alarms.store.forget_site(site)
    aside = _remove_aside(plant, edges.all(), site)
    segments = plant.spool.let_go()
    report = {
        "kind": "lianji-site-deletion",
        "hub": authority.name,
        "site": site,
        "by": by,
        "began": f"{from_us(began_us):%Y-%m-%dT%H:%M:%SZ}",
        "ended": f"{from_us(now_us()):%Y-%m-%dT%H:%M:%SZ}",
        "samples": _days(found),
        "tables": found.tables,
        "annotations": notes,
        "datasets": datasets,
        "alarm_lines": alarms,
        "set_aside": aside,
        "found_afterwards": {
            "rows": found.rows_found + left,
            "files_asked": found.asked_files + asked,
            "by": "DuckDB",
        },
        "spool": {"segments_removed": segments, "rows_left": _rows_in_spool(plant, site)},
        "kept": [{"en": text.en, "zh": text.zh} for text in KEPT],
    }
    whole = signed(authority, report)
    _keep(plant, site, whole)
    _note(plant, by, "site-deleted", {"site": site, "signature": whole["signature"]})
    return whole


KEPT = (
    Text(
        "The names of its tags stay in tag-ids.tsv, since numbers are never given twice; they have "
        "no samples.",
        "标签名称保留在 tag-ids.tsv 中（编号不可重复使用），但已无任何样本。",
    ),
    Text(
        "The ledger says how far each lane of its edge had come: numbers, no samples.",
        "账本保留其边缘端各通道的进度：仅为编号，无样本。",
    ),
    Text(
        "The audit log, this report, and what the plant last said of itself stay.",
        "审计日志、本报告及该工厂最近一次状态上报予以保留。",
    ),
    Text(
        "Models that learned from it stay, and their golden rows may hold a few of its values: "
        "they are removed by hand, from data/models.",
        "由其数据训练的模型予以保留，其校验向量可能含有少量数值；"
        "如需删除，请手动清理 data/models。",
    ),
    Text(
        "Backups, exports, other hubs and the plant's own box are not reached from here.",
        "备份、导出文件、其他中心及工厂自身的设备不在此次删除范围内。",
    ),
)


def check_deletable(plant: Plant, edges: Edges, site: str) -> None:
    """Raises InputError, NotFound, Busy."""
    if not site or "/" in site or site == plant.configuration.settings.site.name:
        raise InputError(
            "deletion-own-site",
            Text(f"{site!r} is the hub's own site, or none.", f"{site!r} 是中心自身站点或无效。"),
            Text("Name the site of a plant that joined.", "请指定已加入工厂的站点。"),
        )
    able = [edge for edge in edges.all() if allows(edge.sites, site)]
    _check_shut_out(able, site)
    if not able and not any(is_of(site, path) for path in plant.names.paths):
        raise NotFound(
            "site-unknown",
            Text(f"The hub has nothing of {site!r}.", f"中心没有 {site!r} 的数据。"),
            Text("See `lianji hub sites` and `lianji tags`.", "请查看 `lianji hub sites`。"),
        )


def _check_shut_out(able: Sequence[EdgeRow], site: str) -> None:
    for edge in able:
        if edge.revoked_us is None:
            raise InputError(
                "deletion-edge-joined",
                Text(
                    f"The edge {edge.name} may still send {site}, and would send it again.",
                    f"边缘 {edge.name} 仍可发送 {site}，删除后会再次上传。",
                ),
                Text(
                    f"First run `lianji hub revoke {edge.name}`.",
                    f"请先运行 `lianji hub revoke {edge.name}`。",
                ),
            )
        if now_us() - edge.revoked_us < SETTLED_US:
            raise Busy(
                "deletion-edge-leaving",
                Text(
                    f"The edge {edge.name} was shut out a moment ago.",
                    f"边缘 {edge.name} 刚刚被吊销。",
                ),
                Text("Try again in 15 seconds.", "请 15 秒后重试。"),
            )


def _note(plant: Plant, by: str, what: str, detail: dict[str, object]) -> None:
    """Note it in the audit log."""
    from lianji.web.access.audit import Audit

    Audit(plant.state).record(by, what, detail)


def _days(found: RemovedSite) -> dict[str, Any]:
    days = {
        day: {"rows": rows, "hash": f"{total:016x}"}
        for day, (rows, total) in sorted(found.days.items())
    }
    return {"rows": sum(rows for rows, _ in found.days.values()), "days": days}


def _remove_aside(plant: Plant, edges: Sequence[EdgeRow], site: str) -> int:
    """Remove what was set aside of the edges that could write this site and no other."""
    gone = 0
    for edge in edges:
        folder = plant.folder.hub / "aside" / edge.name
        if edge.sites == (site,) and folder.is_dir():
            gone += sum(1 for _ in folder.iterdir())
            shutil.rmtree(folder)
            sync_folder(folder.parent)
    return gone


def _rows_in_spool(plant: Plant, site: str) -> int:
    """Of the site, in segments that another reader still needs, such as a relay to a second hub."""
    ids = {number for number, path in enumerate(plant.names.paths) if is_of(site, path)}
    return sum(
        sum(tag in ids for tag in entry.content.tags.tolist())
        for entry in plant.spool.after(0)
        if isinstance(entry.content, Batch)
    )


def _keep(plant: Plant, site: str, report: dict[str, Any]) -> None:
    folder = plant.folder.hub / DELETIONS
    make_folder(folder)
    plain = "".join(sign if sign.isalnum() or sign in "._-" else "_" for sign in site)
    name = f"{plain[:60]}-{report['ended'].replace(':', '')}.json"
    write_atomically(folder / name, json.dumps(report, ensure_ascii=False, indent=1).encode())
