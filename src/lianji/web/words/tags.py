"""The words of the page of tags, and what each column of a tag table means."""

from __future__ import annotations

from lianji.base.errors import Text

COLUMN_NOTES: dict[str, Text] = {
    "path": Text(
        "Required. Its name: parts joined by '/', the site's first, at most 256 characters.",
        "必填。标签路径：各段用“/”连接，第一段为站点，最长 256 个字符。",
    ),
    "device": Text(
        "The device that it is read from (devices/<name>.toml); empty: pushed or imported.",
        "从哪台设备读取（devices/<名称>.toml）；留空表示推送或导入。",
    ),
    "address": Text(
        "Where the device has it: 40001 or 5!40001.3 (Modbus), ns=2;s=Name (OPC UA), a topic.",
        "在设备中的位置：40001 或 5!40001.3（Modbus）、ns=2;s=Name（OPC UA）、MQTT 主题。",
    ),
    "type": Text(
        "What the bytes mean: int16, uint32, float32@CDAB, string[16], bool.",
        "字节的含义：int16、uint32、float32@CDAB、string[16]、bool。",
    ),
    "unit": Text(
        "A UCUM code such as kW, Cel, bar, m3/h; empty: dimensionless.",
        "UCUM 单位代码，例如 kW、Cel、bar、m3/h；留空表示无量纲。",
    ),
    "kind": Text(
        "linear moves in a slope between samples, step holds its value, as a state does.",
        "linear（线性）表示样本之间连续变化；step（阶跃）表示保持原值，如状态。",
    ),
    "low": Text("The lower end of the range, for people.", "量程下限，仅供参考。"),
    "high": Text("The upper end of the range.", "量程上限。"),
    "scale": Text("The value is raw x scale + offset.", "数值 = 原始值 × 比例 + 偏移。"),
    "offset": Text("See scale.", "见 scale（比例）。"),
    "interval_ms": Text(
        "How often it is read, in milliseconds; empty: as the device says.",
        "采集周期（毫秒）；留空表示按设备设置。",
    ),
    "deadband": Text(
        "Changes up to this are not kept; in the tag's own unit.", "死区：不超过此值的变化不记录。"
    ),
    "description_en": Text("What it is, in English.", "英文描述。"),
    "description_zh": Text("What it is, in Chinese.", "中文描述。"),
    "enumeration": Text(
        "What the numbers of a state mean: 0=stopped;1=running.",
        "状态数值的含义：0=停机;1=运行。",
    ),
    "expression": Text(
        "How a calculated tag is worked out: 'a/b/power' + 'a/c/power'; no device then.",
        "计算标签的表达式：'a/b/power' + 'a/c/power'；此时不填设备。",
    ),
}

TEXTS: dict[str, Text] = {
    "nav.tags": Text("Tags", "标签"),
    "tags.levels": Text("Levels", "层级"),
    "tags.all": Text("All tags", "全部标签"),
    "tags.search": Text("Search tags", "搜索标签"),
    "tags.search_hint": Text("path, device, address, text …", "路径、设备、地址、描述……"),
    "tags.found": Text("Found: {total}", "共 {total} 个"),
    "tags.chosen": Text("Found: {total}, chosen: {chosen}", "共 {total} 个，已选 {chosen} 个"),
    "tags.none": Text("No tag matches.", "没有匹配的标签。"),
    "tags.keys": Text(
        "Arrows move, space chooses, enter opens the chart; typing searches.",
        "方向键移动，空格选择，回车打开曲线；直接键入即可搜索。",
    ),
    "tags.edit": Text("Edit chosen …", "批量修改……"),
    "tags.import": Text("Import …", "导入……"),
    "tags.export": Text("Export", "导出"),
    "tags.select_all": Text("Choose all that match", "选择全部匹配的标签"),
    "tags.select": Text("Choose {tag}", "选择 {tag}"),
    "tags.path": Text("Tag", "标签"),
    "tags.value": Text("Value", "数值"),
    "tags.quality": Text("Quality", "质量"),
    "tags.unit": Text("Unit", "单位"),
    "tags.device": Text("Device", "设备"),
    "tags.description": Text("Description", "描述"),
    "tags.import_title": Text("Import a tag table", "导入标签表"),
    "tags.drop": Text("Drop a file here, or choose one", "将文件拖到此处，或点击选择"),
    "tags.formats": Text(
        "CSV or Excel; tables of Kepware, Neuron and Ignition are recognised. Templates:",
        "支持 CSV 与 Excel；自动识别 Kepware、Neuron、Ignition 的标签表。模板：",
    ),
    "tags.template_xlsx": Text("Excel with notes", "Excel（含说明）"),
    "tags.template_csv": Text("CSV", "CSV"),
    "tags.replace": Text(
        "Remove tags of this table that the file does not hold",
        "删除此表中文件未包含的标签",
    ),
    "tags.foreign": Text("For tables of other programs", "用于其他软件的标签表"),
    "tags.below": Text("Below the path", "上级路径"),
    "tags.below_help": Text("Such as shop/hall1.", "例如 shop/hall1。"),
    "tags.foreign_device": Text("Device", "设备"),
    "tags.foreign_device_help": Text(
        "Nothing: as the file says, or its name.", "留空：以文件内容或文件名为准。"
    ),
    "tags.order": Text("Byte order", "字节序"),
    "tags.order_default": Text("as that program has it", "按该软件的默认值"),
    "tags.order_help": Text(
        "Of 32- and 64-bit numbers; it stands in the device's properties there.",
        "用于 32 位和 64 位数值；见原软件中的设备属性。",
    ),
    "tags.cancel": Text("Close", "关闭"),
    "tags.save": Text("Save", "保存"),
    "tags.preview": Text("Preview", "预览"),
    "tags.working": Text("Working …", "处理中……"),
    "tags.recognised": Text(
        "Recognised: {format}, {encoding}. New tags go into tags/{target}.",
        "已识别：{format}，{encoding}。新标签写入 tags/{target}。",
    ),
    "tags.summary": Text(
        "{added} added, {changed} changed, {removed} removed, {unchanged} unchanged, "
        "{rejected} refused.",
        "新增 {added}，修改 {changed}，删除 {removed}，未变 {unchanged}，拒绝 {rejected}。",
    ),
    "tags.saved": Text("Saved: {summary}", "已保存：{summary}"),
    "tags.nothing": Text("There is nothing to save.", "没有需要保存的内容。"),
    "tags.refused": Text("Refused", "被拒绝"),
    "tags.line": Text("Line", "行"),
    "tags.reason": Text("Reason", "原因"),
    "tags.difference": Text("Difference", "差异"),
    "tags.what": Text("What", "操作"),
    "tags.change": Text("Change", "变更"),
    "tags.added": Text("added", "新增"),
    "tags.removed": Text("removed", "删除"),
    "tags.changed": Text("changed", "修改"),
    "tags.more": Text("{count} more are not listed.", "另有 {count} 条未列出。"),
    "tags.afterwards": Text("It cannot be saved like this", "目前无法保存，请先处理以下问题"),
    "tags.edit_title": Text("Edit many tags", "批量修改标签"),
    "tags.edit_count": Text("Chosen: {count}", "已选择 {count} 个标签"),
    "tags.set": Text("Set", "设置"),
    "tags.linear": Text("linear", "线性"),
    "tags.step": Text("step", "阶跃"),
    "tags.find_replace": Text("Replace a text", "查找替换"),
    "tags.column": Text("In", "所在列"),
    "tags.find": Text("Find", "查找"),
    "tags.by": Text("Replace by", "替换为"),
    "tags.rename": Text("Rename", "重命名"),
    "tags.pattern": Text("Paths like", "匹配路径"),
    "tags.to": Text("Become", "改为"),
    "tags.rename_help": Text(
        "A name in braces catches one part, with a star the rest. The history of a tag stays "
        "under its old path.",
        "花括号内的名称匹配一段，带星号匹配其余部分。历史数据仍保留在原路径下。",
    ),
    "tags.delete": Text(
        "Delete the chosen tags (their history stays)", "删除所选标签（保留历史数据）"
    ),
    "column.path": Text("Path", "路径"),
    "column.device": Text("Device", "设备"),
    "column.address": Text("Address", "地址"),
    "column.type": Text("Type", "类型"),
    "column.unit": Text("Unit", "单位"),
    "column.kind": Text("Kind", "变化方式"),
    "column.low": Text("Low", "量程下限"),
    "column.high": Text("High", "量程上限"),
    "column.interval_ms": Text("Interval, ms", "采集周期（毫秒）"),
    "column.deadband": Text("Deadband", "死区"),
    "column.description_en": Text("Description, English", "英文描述"),
    "column.description_zh": Text("Description, Chinese", "中文描述"),
}
