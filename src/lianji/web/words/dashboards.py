"""The words of the dashboards and of the light and dark themes."""

from __future__ import annotations

from lianji.base.errors import Text

TEXTS: dict[str, Text] = {
    "nav.overview": Text("Overview", "总览"),
    "theme.system": Text("Theme: as the system", "主题：跟随系统"),
    "theme.light": Text("Theme: light", "主题：浅色"),
    "theme.dark": Text("Theme: dark", "主题：深色"),
    "board.choose": Text("Dashboard", "看板"),
    "board.edit": Text("Edit", "编辑"),
    "board.wall": Text("Wall", "大屏"),
    "board.full": Text("Full screen", "全屏"),
    "board.leave_wall": Text("Leave", "退出"),
    "board.made": Text(
        "Made from the tags by itself; edit and save to keep it.",
        "由标签自动生成；编辑并保存即可保留。",
    ),
    "board.empty": Text("No tile yet. Edit to add some.", "尚无卡片，请点“编辑”添加。"),
    "board.no_tags": Text(
        "No tag yet: connect a machine, and an overview appears here by itself.",
        "尚无标签：接入机器后，这里会自动生成总览。",
    ),
    "board.add": Text("Add tile", "添加卡片"),
    "board.undo": Text("Undo", "撤销"),
    "board.redo": Text("Redo", "重做"),
    "board.save": Text("Save", "保存"),
    "board.save_as": Text("Save as …", "另存为……"),
    "board.cancel": Text("Discard", "放弃修改"),
    "board.delete": Text("Delete", "删除"),
    "board.delete_sure": Text("Delete the dashboard “{name}”?", "确定删除看板“{name}”？"),
    "board.discard_sure": Text("Discard all changes?", "放弃所有修改？"),
    "board.title": Text("Title", "标题"),
    "board.name": Text("Name of its file", "文件名"),
    "board.name_help": Text(
        "Letters, digits, spaces, - and _. It becomes dashboards/NAME.json.",
        "文字、数字、空格、- 和 _，保存为 dashboards/名称.json。",
    ),
    "board.saved": Text("Saved.", "已保存。"),
    "board.help": Text(
        "Drag tiles to move them, their corner to resize. Keys: ←→ move, Shift+arrows resize, "
        "Enter settings, Del remove, Ctrl+Z undo.",
        "拖动卡片可移动，拖动右下角可调整大小。键盘：←→ 移动，Shift+方向键 调整大小，"
        "Enter 设置，Del 删除，Ctrl+Z 撤销。",
    ),
    "board.moved": Text("Place {place} of {count}", "第 {place} 个，共 {count} 个"),
    "board.sized": Text(
        "{width} columns wide, {height} rows high", "宽 {width} 列，高 {height} 行"
    ),
    "board.removed": Text("Tile removed", "已删除卡片"),
    "board.tile": Text("Tile: {title}", "卡片：{title}"),
    "board.settings": Text("Settings", "设置"),
    "board.remove": Text("Remove", "删除"),
    "board.kind": Text("Kind", "类型"),
    "board.kind_number": Text("number", "数值"),
    "board.kind_trend": Text("trend", "趋势"),
    "board.kind_bar": Text("bars against limits", "限值条形"),
    "board.kind_states": Text("state timeline", "状态时间轴"),
    "board.kind_table": Text("table", "表格"),
    "board.kind_text": Text("text", "文字"),
    "board.tags": Text("Tags", "标签"),
    "board.text": Text("Text", "文字"),
    "board.span": Text("Looks back", "回溯时长"),
    "board.ok": Text("OK", "确定"),
    "board.close": Text("Cancel", "取消"),
    "board.of_tags": Text("{count} chosen", "已选 {count} 个"),
    "board.old": Text("{span} old", "{span}前的值"),
    "board.no_value": Text("no value yet", "尚无数值"),
    "board.above": Text("above its range", "高于上限"),
    "board.below": Text("below its range", "低于下限"),
    "board.within": Text("{value}, range {low} to {high}", "{value}，范围 {low} 至 {high}"),
    "board.unknown": Text("not known", "未知"),
    "board.several": Text("several in turn", "多种交替"),
    "board.as_table": Text("As a table", "以表格显示"),
    "board.table_tag": Text("Signal", "信号"),
    "board.table_state": Text("State", "状态"),
    "board.table_from": Text("From", "开始"),
    "board.table_lasted": Text("Lasted", "持续"),
    "board.table_more": Text(
        "The newest {shown} of {count}.", "仅显示最近 {shown} 条，共 {count} 条。"
    ),
    "wall.stale": Text("Old: nothing new since {time}", "数据已过时：自 {time} 起无新数据"),
    "wall.away": Text("The server does not answer since {time}", "服务器自 {time} 起无应答"),
}
