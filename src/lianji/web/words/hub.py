"""The words of a hub's pages."""

from __future__ import annotations

from lianji.base.errors import Text

TEXTS: dict[str, Text] = {
    "nav.hub": Text("Plants", "工厂"),
    "hub.search": Text("Search plants", "搜索工厂"),
    "hub.search_hint": Text("name, site, state …", "名称、站点、状态……"),
    "hub.shown": Text("{shown} of {total}", "{shown} / {total}"),
    "hub.all_well": Text("{total} plants, all well", "{total} 个工厂，全部正常"),
    "hub.some_ill": Text(
        "{total} plants · to act on: {alarms} · to look at: {warnings}",
        "共 {total} 个工厂 · 需要处理：{alarms} · 值得查看：{warnings}",
    ),
    "hub.none": Text(
        "No plant has joined yet. Invite the first one.", "尚无工厂加入。请邀请第一个工厂。"
    ),
    "hub.no_match": Text("No plant matches.", "没有匹配的工厂。"),
    "hub.plant": Text("Plant", "工厂"),
    "hub.state": Text("State", "状态"),
    "hub.sites": Text("Sites", "站点"),
    "hub.lag": Text("Newest sample", "最新样本"),
    "hub.backlog": Text("Records to come", "待传记录"),
    "hub.hours_left": Text("Spool full in", "缓存写满"),
    "hub.gaps": Text("Lost", "丢失"),
    "hub.samples": Text("Samples/s", "样本/秒"),
    "hub.samples_max": Text("Samples/s at most", "样本/秒上限"),
    "hub.today": Text("Over the line today (UTC)", "今日传输量（UTC）"),
    "hub.of_quota": Text("{used} of {most}", "{used} / {most}"),
    "hub.devices": Text("Devices", "设备"),
    "hub.version": Text("Version", "版本"),
    "hub.ago": Text("{span} ago", "{span}前"),
    "hub.about": Text("{count}, about {span}", "{count}，约 {span}"),
    "hub.rows": Text("{count} samples", "{count} 个样本"),
    "hub.ill_of": Text("{ill} of {all} ill", "{all} 台中 {ill} 台异常"),
    "hub.other": Text("{version} (not the hub's)", "{version}（与中心不同）"),
    "hub.state_up": Text("up", "正常"),
    "hub.state_waiting": Text("not heard yet", "等待消息"),
    "hub.state_silent": Text("silent for {span}", "已静默 {span}"),
    "hub.state_parted": Text("another history", "历史分叉"),
    "hub.state_expired": Text("certificate over", "证书过期"),
    "hub.state_invited": Text("invited, never joined", "已邀请，未加入"),
    "hub.state_revoked": Text("shut out", "已吊销"),
    "hub.trouble_parted": Text("another history speaks", "另一份历史在发送"),
    "hub.trouble_silent": Text("silent", "静默"),
    "hub.trouble_late": Text("silent for a moment", "短暂静默"),
    "hub.trouble_spool": Text("spool nearly full", "缓存将满"),
    "hub.trouble_expired": Text("certificate over", "证书过期"),
    "hub.trouble_certificate": Text("certificate ends soon", "证书即将到期"),
    "hub.trouble_devices": Text("devices ill", "设备异常"),
    "hub.trouble_problems": Text("has problems", "存在问题"),
    "hub.trouble_gaps": Text("lost samples today", "一天内丢失样本"),
    "hub.trouble_refused": Text("tags refused", "标签被拒绝"),
    "hub.trouble_aside": Text("bodies set aside", "有隔离内容"),
    "hub.trouble_limited": Text("held back by its limit", "受限额限制"),
    "hub.trouble_disk": Text("disk nearly full", "磁盘将满"),
    "hub.todo_parted": Text(
        "Two boxes send under this name, or one was restored from an old image. Stop the copy; at "
        "the box that shall go on, run `lianji relay anew`. What did not fit is set aside below.",
        "有两台设备使用此名称发送，或设备由旧镜像恢复。请停用副本，并在保留的设备上运行 "
        "`lianji relay anew`。不一致的内容已隔离，见下方。",
    ),
    "hub.todo_silent": Text(
        "Is the box on, and its line up? Ask somebody there. Nothing is lost as long as its spool "
        "has room: what gathered comes by itself.",
        "设备是否通电、线路是否正常？请联系现场。只要其缓存未满就不会丢失数据，恢复后会自动补传。",
    ),
    "hub.todo_late": Text(
        "It spoke a minute or two ago. Wait a little; lines do that.",
        "一两分钟前还有消息。请稍候，线路偶有波动。",
    ),
    "hub.todo_spool": Text(
        "When its spool is full its own rule decides what is lost. Bring the line back, or raise "
        "[spool] bytes_max there before that.",
        "缓存写满后将按其策略丢弃数据。请尽快恢复线路，或在该厂调大 [spool] bytes_max。",
    ),
    "hub.todo_expired": Text(
        "It may still renew by itself as soon as it reaches the hub. If it does not, invite it "
        "again.",
        "连上中心后仍可自动续期；否则请重新邀请。",
    ),
    "hub.todo_certificate": Text(
        "It should have renewed at half of its time. See that its clock is right and that it "
        "reaches the hub, or invite it again.",
        "证书本应在有效期过半时续期。请检查其时钟及到中心的连接，或重新邀请。",
    ),
    "hub.todo_devices": Text(
        "Machines there do not answer as they should: see the list below.",
        "现场部分机器应答异常，见下方列表。",
    ),
    "hub.todo_problems": Text("It names them itself: see below.", "其自身报告的问题见下方。"),
    "hub.todo_gaps": Text(
        "Samples were dropped there, because a disk was full or damaged. They will not come.",
        "因磁盘写满或损坏，部分样本已丢弃，不会再补传。",
    ),
    "hub.todo_refused": Text(
        "It sends tags outside the sites that it may write. Mend the paths there, or invite it "
        "again with those sites.",
        "其发送了可写站点之外的标签。请修改标签路径，或以相应站点重新邀请。",
    ),
    "hub.todo_aside": Text(
        "Look at what was set aside, below. Nothing of it is in the history.",
        "请查看下方隔离内容，这些内容未进入历史库。",
    ),
    "hub.todo_limited": Text(
        "It brings more than the hub lets it, and waits. Nothing is lost while its spool has room. "
        "Raise the limit with `lianji hub limit` if it is meant to bring so much.",
        "其发送量超过限额，正在等待；其缓存未满时不会丢失数据。如确有需要，请用 "
        "`lianji hub limit` 提高限额。",
    ),
    "hub.todo_disk": Text(
        "Less than 1 GiB is free there. Clear its disk.", "剩余空间不足 1 GiB，请清理磁盘。"
    ),
    "hub.well": Text("All is as it should be.", "一切正常。"),
    "hub.troubles": Text("What is wrong", "存在的问题"),
    "hub.figures": Text("Figures", "概况"),
    "hub.heard": Text("Last heard of", "最近消息"),
    "hub.joined": Text("Joined", "加入时间"),
    "hub.until": Text("Certificate until", "证书有效期至"),
    "hub.invited_until": Text("Invitation until", "邀请有效期至"),
    "hub.live_lag": Text("Of those, live", "其中实时"),
    "hub.lanes": Text("Lanes", "通道"),
    "hub.refused": Text("Refused tags", "被拒绝的标签"),
    "hub.refused_rows": Text("Refused samples", "被拒绝的样本"),
    "hub.disk_free": Text("Free on its disk", "磁盘剩余"),
    "hub.charts": Text("Tags and charts of {site}", "{site} 的标签与曲线"),
    "hub.devices_about": Text("as last reported", "最近一次上报"),
    "hub.device": Text("Device", "设备"),
    "hub.no_devices": Text("None reported.", "未上报设备。"),
    "hub.last_gaps": Text("Last gaps", "最近缺口"),
    "hub.when": Text("When", "时间"),
    "hub.lost": Text("Samples", "样本数"),
    "hub.reason": Text("Reason", "原因"),
    "hub.no_gaps": Text("Nothing was lost.", "没有丢失。"),
    "hub.aside": Text("Set aside", "隔离内容"),
    "hub.aside_about": Text("what could not be taken, as it came", "无法接收的原始内容"),
    "hub.size": Text("Size", "大小"),
    "hub.what": Text("What", "内容"),
    "hub.download": Text("Download", "下载"),
    "hub.no_aside": Text("Nothing.", "无。"),
    "hub.invite": Text("Invite", "邀请"),
    "hub.invite_plant": Text("Invite a plant", "邀请工厂"),
    "hub.invite_again": Text("Invite again", "重新邀请"),
    "hub.invite_name": Text("Its name: letters a-z, digits, . _ -", "名称：英文字母、数字、. _ -"),
    "hub.invite_sites": Text(
        "Sites that it may write, by commas; empty: its name",
        "可写站点，以逗号分隔；留空则与名称相同",
    ),
    "hub.invite_paste": Text(
        "In the plant's folder, within 15 minutes, once:",
        "请在 15 分钟内于该工厂文件夹中执行一次：",
    ),
    "hub.copy": Text("Copy", "复制"),
    "hub.copied": Text("Copied", "已复制"),
    "hub.close": Text("Close", "关闭"),
    "hub.revoke": Text("Shut out", "吊销"),
    "hub.revoke_ask": Text(
        "Shut {name} out? Within ten seconds nothing of it is taken any more. What the hub has of "
        "it stays. A new invitation lets it in again.",
        "确定吊销 {name}？十秒内将不再接收其数据，已有数据保留。重新邀请后可再次加入。",
    ),
    "hub.cancel": Text("Cancel", "取消"),
    "hub.back": Text("All plants", "全部工厂"),
}
