"""The words of the page that shows what hub and edges compared."""

from __future__ import annotations

from lianji.base.errors import Text

TEXTS: dict[str, Text] = {
    "nav.reconcile": Text("Reconciliation", "核对"),
    "reconcile.about": Text(
        "the last comparison of each site: counts and hashes of each tag by hour",
        "各站点最近一次核对：按标签、按小时比较数量和哈希",
    ),
    "reconcile.site": Text("Site", "站点"),
    "reconcile.state": Text("State", "状态"),
    "reconcile.running": Text("under way", "进行中"),
    "reconcile.equal": Text("equal", "一致"),
    "reconcile.under_way": Text("still being sent", "仍在上传"),
    "reconcile.different": Text("different", "不一致"),
    "reconcile.failed": Text("broken off", "已中断"),
    "reconcile.started": Text("Begun", "开始时间"),
    "reconcile.from": Text("From", "起"),
    "reconcile.to": Text("To", "止"),
    "reconcile.tags": Text("Tags", "标签数"),
    "reconcile.at_hub": Text("At the hub", "中心样本数"),
    "reconcile.at_edge": Text("At the edge", "边缘样本数"),
    "reconcile.sent_again": Text("Sent again", "补传"),
    "reconcile.given_back": Text("Given back", "返还"),
    "reconcile.differences": Text("What differs", "差异"),
    "reconcile.tag": Text("Tag", "标签"),
    "reconcile.what": Text("What", "类型"),
    "reconcile.hub_lacks": Text("the hub lacks samples", "中心缺少样本"),
    "reconcile.edge_lacks": Text("the edge lacks samples", "边缘缺少样本"),
    "reconcile.differs": Text("as many, but not the same", "数量相同，内容不同"),
    "reconcile.outcome": Text("What was done", "处理结果"),
    "reconcile.found": Text("nothing yet", "未处理"),
    "reconcile.repaired": Text("repaired", "已修复"),
    "reconcile.left": Text("left", "未能修复"),
    "reconcile.still_differs": Text(
        "neither side could give what is missing", "双方均无法提供缺失的数据"
    ),
    "reconcile.unreadable": Text(
        "files cannot be read: restore them from a backup", "有文件无法读取：请从备份恢复"
    ),
    "reconcile.files": Text("Files that cannot be read", "无法读取的文件"),
    "reconcile.untold": Text("{count} more are not listed.", "另有 {count} 处差异未列出。"),
    "reconcile.no_run": Text(
        "Nothing was compared yet. It is done each night, or by: lianji hub reconcile",
        "尚未核对。系统每晚自动核对，也可执行：lianji hub reconcile",
    ),
    "reconcile.no_difference": Text("No difference was found.", "未发现差异。"),
}
