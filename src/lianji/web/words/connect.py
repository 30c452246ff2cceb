"""The words of the page to connect a machine."""

from __future__ import annotations

from lianji.base.errors import Text

TEXTS: dict[str, Text] = {
    "nav.connect": Text("Connect", "连接设备"),
    "connect.machines": Text("Machines", "设备"),
    "connect.none": Text(
        "No machine yet. Connect the first one below.", "尚无设备。请在下方连接第一台。"
    ),
    "connect.name": Text("Name", "名称"),
    "connect.name_help": Text(
        "The name of its file and the beginning of its tags: letters, digits, - and _.",
        "设备文件名，也是标签路径的开头：文字、数字、- 和 _。",
    ),
    "connect.address": Text("Address", "地址"),
    "connect.edit": Text("Edit", "编辑"),
    "connect.edit_one": Text("Edit {name}", "编辑 {name}"),
    "connect.remove": Text("Remove", "删除"),
    "connect.remove_one": Text("Remove {name}", "删除 {name}"),
    "connect.remove_sure": Text(
        "Remove {name} and its tags from the configuration? What was recorded stays.",
        "从配置中删除 {name} 及其标签？已记录的数据会保留。",
    ),
    "connect.new": Text("Connect a machine", "连接新设备"),
    "connect.editing": Text("Edit {name}", "编辑 {name}"),
    "connect.protocol": Text("1. What does it speak?", "1. 选择协议"),
    "connect.where": Text("2. Where is it?", "2. 填写连接参数"),
    "connect.more": Text("More settings", "更多设置"),
    "connect.required": Text("required", "必填"),
    "connect.between": Text("{low} to {high}", "{low} 到 {high}"),
    "connect.find": Text("Find it in the network", "在网络中查找"),
    "connect.scan_range": Text("Addresses", "地址范围"),
    "connect.scan_help": Text(
        "Such as 192.168.1.10-60 or 192.168.1.0/24: at most 256, of your own network. Each is "
        "asked once whether ports 502, 4840 or 1883 are open; nothing else is sent.",
        "如 192.168.1.10-60 或 192.168.1.0/24：最多 256 个本地网络地址。"
        "仅探测 502、4840、1883 端口是否开放，不发送其他内容。",
    ),
    "connect.scan_consent": Text(
        "I may knock at these addresses; whoever runs the network agrees.",
        "我有权探测这些地址，并已征得网络管理员同意。",
    ),
    "connect.scan": Text("Look", "查找"),
    "connect.scanning": Text("Looking …", "正在查找……"),
    "connect.scan_none": Text("Nobody listens there.", "没有发现开放的端口。"),
    "connect.use": Text("Use {host}:{port}", "使用 {host}:{port}"),
    "connect.tags": Text("3. What does it say?", "3. 选择数据"),
    "connect.tags_help": Text(
        "Addresses such as hr:0 (counted from 0) or 40001 (as manuals count); the path names the "
        "value for ever.",
        "地址如 hr:0（从 0 计）或 40001（按手册计）；路径是该数据的永久名称。",
    ),
    "connect.path": Text("Path", "路径"),
    "connect.at": Text("Address", "地址"),
    "connect.type": Text("Type", "类型"),
    "connect.unit": Text("Unit", "单位"),
    "connect.scale": Text("Scale", "比例"),
    "connect.value": Text("Value", "数值"),
    "connect.many": Text(
        "It has too many tags for this page; they stay as they are. Edit its table instead.",
        "标签过多，不在此页显示，保持不变。请直接编辑其标签表。",
    ),
    "connect.add_row": Text("Add a row", "添加一行"),
    "connect.drop_row": Text("Remove row {number}", "删除第 {number} 行"),
    "connect.browse": Text("Browse the machine", "浏览设备数据"),
    "connect.browse_start": Text("Begin at (empty: everything)", "起始位置（留空为全部）"),
    "connect.browsing": Text("Listening to the machine …", "正在读取设备数据……"),
    "connect.found": Text(
        "{count} found; choose what to keep.", "找到 {count} 项，请选择要保留的数据。"
    ),
    "connect.found_none": Text("The machine lists nothing of itself.", "设备没有可列出的数据。"),
    "connect.narrow": Text("Words of its name", "按名称筛选"),
    "connect.chosen": Text(
        "{chosen} chosen, {shown} of {count} shown",
        "已选 {chosen} 项，显示 {shown} / {count} 项",
    ),
    "templates.title": Text("Templates", "模板"),
    "templates.about": Text(
        "what machines of one make have in common, in templates/",
        "同型号设备的共同部分，保存在 templates/",
    ),
    "templates.version": Text("Version", "版本"),
    "templates.parameters": Text("Parameters", "参数"),
    "templates.machines": Text("Machines", "设备数"),
    "templates.save": Text("Save, on trial", "保存并试运行"),
    "templates.use": Text("Use for machines", "用于设备"),
    "templates.use_one": Text("Use {name} for machines", "将 {name} 用于设备"),
    "templates.use_about": Text(
        "Chosen machines use this version from now on. If one gives no good value any more, the "
        "change is taken back by itself.",
        "所选设备将改用此版本；如有设备不再给出有效值，修改会自动撤销。",
    ),
    "templates.compare": Text("Difference", "差异"),
    "templates.compare_one": Text(
        "Difference between {name} and the version before", "{name} 与上一版本的差异"
    ),
    "templates.now": Text("{machine} (now {name})", "{machine}（当前 {name}）"),
    "templates.alike": Text("They say the same.", "两个版本内容相同。"),
    "templates.nobody": Text("No machine uses this template.", "没有设备使用此模板。"),
    "templates.machine": Text("{machine}: of the template {name}", "{machine}：使用模板 {name}"),
    "templates.machine_about": Text(
        "From the template: {fields}, and all its tags. Its own: {own}. Here its parameters are "
        "edited; the rest is edited in the template, for all its machines.",
        "来自模板：{fields} 以及全部标签；自有：{own}。此处可编辑参数；"
        "其余内容请在模板中修改，对其所有设备生效。",
    ),
    "templates.none": Text("nothing", "无"),
    "templates.default": Text("Empty: {value}", "为空时：{value}"),
    "templates.needed": Text("must be given", "必填"),
    "connect.take": Text("Take the chosen", "添加所选"),
    "connect.all": Text("All", "全选"),
    "connect.test": Text("4. Test", "4. 测试"),
    "connect.test_help": Text(
        "Everything is read once; nothing is stored.", "全部读取一次，不保存任何内容。"
    ),
    "connect.test_now": Text("Test now", "立即测试"),
    "connect.testing": Text("Asking the machine …", "正在询问设备……"),
    "connect.hex": Text("Raw", "原始字节"),
    "connect.latency": Text("Took", "耗时"),
    "connect.result": Text("What became of it", "结果"),
    "connect.cycle": Text("One round will take about {time}.", "一轮采集约需 {time}。"),
    "connect.good": Text("good", "良好"),
    "connect.order": Text("Looks wrong?", "数值不对？"),
    "connect.order_one": Text("Other readings of {path}", "{path} 的其他解读"),
    "connect.order_title": Text("All readings of {address}", "{address} 的全部解读"),
    "connect.order_help": Text(
        "The registers are {hex}. A click takes a reading. The likely ones stand first; say what "
        "the machine's own display shows and the right one comes to the top.",
        "寄存器内容为 {hex}。点击即可采用。可能性大的排在前面；"
        "填写设备显示屏上的数值，正确的解读会排到最前。",
    ),
    "connect.expected": Text("The display shows", "设备显示值"),
    "connect.likely": Text("likely", "可能"),
    "connect.close": Text("Close", "关闭"),
    "connect.save_title": Text("5. Save", "5. 保存"),
    "connect.note": Text("Note for the list of versions", "版本说明"),
    "connect.force": Text(
        "Keep it even if the machine does not answer (it is switched off)",
        "即使设备无应答也保留（设备已停机）",
    ),
    "connect.look": Text("Show what changes", "查看修改内容"),
    "connect.save": Text("Save and start reading", "保存并开始采集"),
    "connect.saved": Text("Saved as version {id}.", "已保存为版本 {id}。"),
    "connect.nothing": Text("Nothing changes.", "没有修改。"),
    "connect.trial": Text(
        "Saved as version {id}. It is taken back if no good value comes soon.",
        "已保存为版本 {id}。如果设备很快没有给出有效值，将自动撤销。",
    ),
    "connect.first_value": Text("First values", "最新数值"),
    "connect.to_chart": Text("Draw them", "查看曲线"),
    "connect.cancel": Text("Cancel", "取消"),
    "connect.waiting": Text("waiting for the first value", "等待第一个数值"),
    "versions.title": Text("Versions", "版本"),
    "versions.about": Text(
        "the last configurations, from this page and from edited files",
        "最近的配置，包括页面修改和手工修改的文件",
    ),
    "versions.when": Text("When", "时间"),
    "versions.who": Text("Who", "修改者"),
    "versions.what": Text("What", "内容"),
    "versions.files": Text("Files", "文件"),
    "versions.state": Text("State", "状态"),
    "versions.current": Text("in use", "当前"),
    "versions.kept": Text("kept", "已保存"),
    "versions.on_trial": Text("on trial", "试运行"),
    "versions.rolled_back": Text("rolled back", "已自动撤销"),
    "versions.show": Text("Difference", "差异"),
    "versions.show_one": Text("Difference of version {id}", "版本 {id} 的差异"),
    "versions.undo": Text("Undo", "撤销"),
    "versions.undo_one": Text("Undo version {id}", "撤销版本 {id}"),
    "versions.restore": Text("Restore", "恢复"),
    "versions.restore_one": Text("Restore version {id}", "恢复到版本 {id}"),
    "versions.restore_sure": Text(
        "Make the whole plant what it was at version {id}?", "将整个工厂恢复到版本 {id}？"
    ),
    "versions.keep": Text("Keep it", "保留修改"),
    "versions.keep_one": Text("Keep version {id}", "保留版本 {id}"),
    "versions.how_start": Text("the first", "初始"),
    "versions.how_change": Text("changed", "修改"),
    "versions.how_hand": Text("edited by hand", "手工修改"),
    "versions.how_undo": Text("undone", "撤销"),
    "versions.how_restore": Text("restored", "恢复"),
    "versions.how_rollback": Text("rolled back by itself", "自动撤销"),
}
