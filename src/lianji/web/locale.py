"""Every word of the pages, in English and Chinese, in one place.

A key is ``page.thing``. Both languages stand in one entry, so neither can be forgotten.
"""

from __future__ import annotations

from lianji.base.errors import Language, Text
from lianji.web.words import charts, dashboards

TEXTS: dict[str, Text] = {
    "nav.status": Text("Status", "状态"),
    "nav.chart": Text("Chart", "曲线"),
    "nav.api": Text("API", "接口"),
    "nav.language": Text("中文", "English"),
    "nav.pages": Text("Pages", "页面"),
    "nav.skip": Text("To the content", "跳到正文"),
    "page.product": Text("Lianji", "联机"),
    "page.no_answer": Text(
        "Lianji does not answer since {time}. What you see is old.",
        "联机自 {time} 起没有应答，以下内容已过时。",
    ),
    "page.cause": Text("Cause", "原因"),
    "page.remedy": Text("What to do", "处理方法"),
    "page.none": Text("none", "无"),
    "page.no_script": Text("This page needs JavaScript.", "本页面需要启用 JavaScript。"),
    "status.overview": Text("Overview", "概览"),
    "status.devices": Text("Devices", "设备"),
    "status.devices_well": Text("all well", "全部正常"),
    "status.devices_ill": Text("{count} need attention", "{count} 台需要处理"),
    "status.no_devices": Text(
        "No device yet. Add one with: lianji device add", "尚无设备。请用 lianji device add 添加。"
    ),
    "status.state": Text("State", "状态"),
    "status.device": Text("Device", "设备"),
    "status.protocol": Text("Protocol", "协议"),
    "status.tags": Text("Tags", "标签数"),
    "status.samples_per_s": Text("Samples/s", "样本/秒"),
    "status.requests_per_s": Text("Requests/s", "请求/秒"),
    "status.cycle": Text("Round", "轮询耗时"),
    "status.last_good": Text("Last good value", "最近有效值"),
    "status.uptime": Text("Running for", "已运行"),
    "status.memory": Text("Memory", "内存"),
    "status.cpu": Text("Of one core", "单核占用"),
    "status.spool": Text("Spool", "缓冲日志"),
    "status.spool_about": Text(
        "the durable log between devices and history", "设备与历史库之间的持久日志"
    ),
    "status.on_disk": Text("On disk", "磁盘占用"),
    "status.used_of": Text("{used} of {most}", "{used} / {most}"),
    "status.records": Text("Records", "记录数"),
    "status.oldest": Text("Oldest", "最早记录"),
    "status.policy": Text("When full", "写满时"),
    "status.policy_refuse": Text("refuse new data", "拒绝新数据"),
    "status.policy_drop_oldest": Text("drop the oldest", "丢弃最早数据"),
    "status.policy_thin": Text("thin out the oldest", "抽稀最早数据"),
    "status.readers": Text("Still to read", "待读取"),
    "status.hours_left": Text("Full in", "预计写满"),
    "status.hours_endless": Text("not at this rate", "按当前速率不会写满"),
    "status.gaps": Text("Gaps", "缺口"),
    "status.quarantined": Text("Damaged, set aside", "损坏并隔离"),
    "status.history": Text("History", "历史库"),
    "status.history_about": Text("the open Delta table", "开放的 Delta 表"),
    "status.rows": Text("Rows", "行数"),
    "status.files": Text("Files", "文件数"),
    "status.unflushed": Text("Not yet in the table", "尚未入表"),
    "status.last_flush": Text("Last flush", "最近落盘"),
    "status.stages": Text("Where the time goes", "时间去向"),
    "status.stages_about": Text(
        "of each batch, since the start: half are quicker than p50, 99 % quicker than p99",
        "自启动以来每个批次的耗时：一半快于 p50，99% 快于 p99",
    ),
    "status.stage": Text("Stage", "环节"),
    "status.count": Text("Batches", "批次数"),
    "status.waited": Text("Waited", "等待"),
    "status.served": Text("Served", "处理"),
    "status.versions": Text("Versions", "版本"),
    "stage.read": Text("read from the device", "读取设备"),
    "stage.decode": Text("decode", "解码"),
    "stage.spool": Text("to disk in the spool", "写入缓冲日志"),
    "stage.relay": Text("relay to the hub", "转发到中心"),
    "stage.flush": Text("flush to a file", "落盘成文件"),
    "stage.commit": Text("commit to the table", "提交到表"),
    "chart.tags": Text("Tags", "标签"),
    "chart.search": Text("Search tags", "搜索标签"),
    "chart.search_hint": Text("machine, signal, device …", "机器、信号、设备……"),
    "chart.listed": Text(
        "{listed} of {total}; type to narrow down",
        "共 {total} 个，列出 {listed} 个；输入以缩小范围",
    ),
    "chart.listed_all": Text("{total} tags", "{total} 个标签"),
    "chart.no_match": Text("No tag matches.", "没有匹配的标签。"),
    "chart.choose": Text("Choose tags on the left to draw them.", "请在左侧选择要绘制的标签。"),
    "chart.too_many": Text(
        "A chart takes at most {count} tags.", "一张曲线图最多 {count} 个标签。"
    ),
    "chart.no_data": Text("No samples in this range.", "该时间段内没有样本。"),
    "chart.range": Text("Range", "时间范围"),
    "chart.range_15min": Text("15 min", "15 分钟"),
    "chart.range_1h": Text("1 h", "1 小时"),
    "chart.range_8h": Text("8 h", "8 小时"),
    "chart.range_1d": Text("1 d", "1 天"),
    "chart.range_7d": Text("7 d", "7 天"),
    "chart.range_30d": Text("30 d", "30 天"),
    "chart.follow": Text("Live", "实时"),
    "chart.back": Text("Zoom out", "缩小"),
    "chart.hint": Text(
        "Drag or wheel: zoom; Shift+drag: pan; double-click: back. Keys: + − ← →, Shift+← →.",
        "拖动或滚轮缩放；Shift+拖动平移；双击返回。键盘：+ − ← →，Shift+← → 移动光标。",
    ),
    "chart.title": Text("Chart of the chosen tags", "所选标签的曲线"),
    "chart.bad": Text("bad quality", "质量差"),
    "chart.uncertain": Text("uncertain quality", "质量存疑"),
    "chart.last": Text("Last values", "最新值"),
    "chart.tag": Text("Tag", "标签"),
    "chart.value": Text("Value", "数值"),
    "chart.time": Text("Time", "时间"),
    "chart.quality": Text("Quality", "质量"),
    "chart.good": Text("good", "良好"),
    "chart.remove": Text("Remove {tag}", "移除 {tag}"),
    "chart.zone": Text("Times in {zone}", "时区：{zone}"),
    "docs.title": Text("API", "接口"),
    **charts.TEXTS,
    **dashboards.TEXTS,
}


def texts_in(language: Language) -> dict[str, str]:
    return {key: text.in_language(language) for key, text in TEXTS.items()}
