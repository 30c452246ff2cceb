"""The words of the pages about access, and of the account menu on every page."""

from __future__ import annotations

from lianji.base.errors import Text

TEXTS: dict[str, Text] = {
    "access.account": Text("Account", "账户"),
    "access.users": Text("Users and tokens", "用户与令牌"),
    "access.users_only": Text("Users", "用户"),
    "access.users_about": Text("people who log in", "可以登录的人员"),
    "access.audit": Text("Audit log", "审计日志"),
    "access.log_out": Text("Log out", "退出登录"),
    "access.log_in": Text("Log in", "登录"),
    "access.open": Text(
        "Everybody on this machine is administrator here: lianji.toml says open = true.",
        "本机任何人都是管理员：lianji.toml 中设置了 open = true。",
    ),
    "access.open_end": Text(
        "To have log-ins, take that line out and start again.",
        "如需登录，请删除该行后重新启动。",
    ),
    "access.name": Text("User name", "用户名"),
    "access.password": Text("Password", "密码"),
    "access.password_new": Text("New password", "新密码"),
    "access.password_old": Text("Present password", "当前密码"),
    "access.password_again": Text("The same again", "再次输入密码"),
    "access.password_about": Text(
        "At least 10 characters. A few words are better than odd signs.",
        "至少 10 个字符。几个词组成的长密码胜过古怪的符号。",
    ),
    "access.role": Text("Role", "角色"),
    "access.role_viewer": Text("viewer", "观察员"),
    "access.role_operator": Text("operator", "操作员"),
    "access.role_engineer": Text("engineer", "工程师"),
    "access.role_administrator": Text("administrator", "管理员"),
    "access.role_viewer_about": Text("sees everything, changes nothing", "查看全部，不能更改"),
    "access.role_operator_about": Text(
        "also acknowledges alarms and writes notes", "还可确认报警、添加批注"
    ),
    "access.role_engineer_about": Text(
        "also changes devices, tags and settings", "还可更改设备、标签和设置"
    ),
    "access.role_administrator_about": Text("also manages users and tokens", "还可管理用户和令牌"),
    "access.sites": Text("Sites", "站点"),
    "access.sites_all": Text("all", "全部"),
    "access.sites_about": Text(
        "Only tags below these sites are seen, such as park1 or park1-*; nothing: all.",
        "只能查看这些站点下的标签，如 park1 或 park1-*；留空为全部。",
    ),
    "access.last_entered": Text("Last log-in", "最近登录"),
    "access.never": Text("never", "从未"),
    "access.save": Text("Save", "保存"),
    "access.change": Text("Change", "更改"),
    "access.change_of": Text("Change {name}", "更改 {name}"),
    "access.add_user": Text("Add a user", "添加用户"),
    "access.end_sessions": Text("Log out everywhere", "注销所有会话"),
    "access.end_sessions_about": Text(
        "Whoever uses this account now must log in again.", "正在使用此账户的人需要重新登录。"
    ),
    "access.remove": Text("Remove", "删除"),
    "access.remove_about": Text(
        "This cannot be undone. What the account did stays in the audit log.",
        "此操作无法撤销；其操作记录保留在审计日志中。",
    ),
    "access.remove_token_about": Text(
        "Programs that use it are refused from now on.", "使用该令牌的程序将立即被拒绝。"
    ),
    "access.remove_of": Text("Remove {name}", "删除 {name}"),
    "access.tokens": Text("API tokens", "API 令牌"),
    "access.tokens_about": Text(
        "for programs: Telegraf, scripts, other systems", "供程序使用：Telegraf、脚本、其他系统"
    ),
    "access.no_tokens": Text("No token yet.", "尚无令牌。"),
    "access.token": Text("Token", "令牌"),
    "access.token_name": Text("What it is for", "用途"),
    "access.add_token": Text("Make a token", "创建令牌"),
    "access.scopes": Text("It may", "允许"),
    "access.scope_read": Text("read", "读取"),
    "access.scope_push": Text("push samples", "推送数据"),
    "access.scope_configure": Text("configure", "更改配置"),
    "access.scope_admin": Text("everything", "全部"),
    "access.expires": Text("Ends", "到期"),
    "access.days_30": Text("in 30 days", "30 天后"),
    "access.days_365": Text("in a year", "一年后"),
    "access.days_1825": Text("in five years", "五年后"),
    "access.days_": Text("never", "永不"),
    "access.last_used": Text("Last used", "最近使用"),
    "access.new_token": Text(
        "Copy the token “{name}” now: it is not shown again.",
        "请立即复制令牌“{name}”：之后不再显示。",
    ),
    "access.made_by": Text("Made by", "创建者"),
    "access.when": Text("When", "时间"),
    "access.who": Text("Who", "操作者"),
    "access.what": Text("What", "操作"),
    "access.detail": Text("Detail", "详情"),
    "access.number": Text("No.", "序号"),
    "access.older": Text("Older", "更早"),
    "access.newest": Text("Newest", "最新"),
    "access.verify": Text("Verify the chain", "校验记录链"),
    "access.verified": Text(
        "The chain of {rows} entries is whole. Last hash: {hash}",
        "共 {rows} 条记录，链完整。最后哈希：{hash}",
    ),
    "access.broken_gap": Text(
        "Entry {row} is missing: somebody took it out.", "第 {row} 条记录缺失：已被人删除。"
    ),
    "access.broken_changed": Text(
        "Entry {row} is not as it was written.", "第 {row} 条记录已被改动。"
    ),
    "access.broken_cut": Text(
        "Entries from {row} on were cut off.", "自第 {row} 条起的记录被截断。"
    ),
    "access.archived": Text(
        "Entries 1 to {count} lie in data/audit, as JSON lines.",
        "第 1 至 {count} 条记录已转存到 data/audit（JSON Lines 格式）。",
    ),
    "access.audit_about": Text(
        "every change, each entry sealed by the hash of the one before",
        "记录每次更改，每条都由前一条的哈希封存",
    ),
    "access.sessions": Text("Where you are logged in", "登录位置"),
    "access.address": Text("Address", "地址"),
    "access.browser": Text("Browser", "浏览器"),
    "access.last_seen": Text("Last seen", "最近活动"),
    "access.this_session": Text("this one", "当前会话"),
    "access.end_others": Text("Log out everywhere else", "注销其他会话"),
    "access.change_password": Text("Change the password", "修改密码"),
    "access.done_password": Text(
        "The password is changed; other sessions are ended.", "密码已修改，其他会话已注销。"
    ),
    "access.done_sessions": Text("All other sessions are ended.", "其他会话已全部注销。"),
    "access.refused": Text("Not for you", "无权访问"),
    "access.back": Text("Back to the first page", "返回首页"),
    "welcome.title": Text("Welcome to Lianji", "欢迎使用联机"),
    "welcome.about": Text(
        "Two things, and your plant is yours. Until then only this machine can see the page.",
        "只需两步即可开始使用。在此之前，只有本机可以访问此页面。",
    ),
    "welcome.plant": Text("What is your plant called?", "您的工厂叫什么名字？"),
    "welcome.plant_about": Text(
        "It stands at the top of every page. You can change it later.",
        "显示在每个页面顶部，以后可以修改。",
    ),
    "welcome.plant_example": Text("Plastics works, hall 2", "塑料二车间"),
    "welcome.administrator": Text("Who looks after it?", "由谁管理？"),
    "welcome.administrator_about": Text(
        "The first user is the administrator and adds the others.",
        "第一位用户是管理员，可以添加其他用户。",
    ),
    "welcome.begin": Text("Begin", "开始"),
    "welcome.ready": Text("{title} is ready.", "{title} 已就绪。"),
    "welcome.next": Text("What first?", "先做什么？"),
    "welcome.connect": Text("Connect a machine", "连接一台机器"),
    "welcome.connect_about": Text(
        "Choose its protocol, find it, see its values before anything is saved.",
        "选择协议、查找设备，保存之前先看到数值。",
    ),
    "welcome.demo": Text("Look at the demo", "先看演示"),
    "welcome.demo_about": Text(
        "A simulated moulding shop with a month of history, beside your plant. Run here:",
        "一个带有一个月历史数据的模拟注塑车间，与您的工厂互不影响。在本机运行：",
    ),
    "welcome.demo_here": Text(
        "A simulated moulding shop in this plant: machines that really speak Modbus, OPC UA and "
        "MQTT, on this computer alone. One button takes it out again.",
        "在本工厂中启动一个模拟注塑车间：模拟设备通过 Modbus、OPC UA 和 MQTT 真实通信，"
        "且仅限本机。之后可一键移除。",
    ),
    "welcome.demo_start": Text("Try the demo", "试用演示"),
    "welcome.demo_starting": Text("Starting the machines …", "正在启动设备……"),
    "demo.here": Text(
        "The machines of this plant are a demo, simulated on this computer.",
        "本工厂的设备为演示设备，由本机模拟。",
    ),
    "demo.here_end": Text(
        "Removing it takes out its machines, tags and alarms; what was recorded stays.",
        "移除后，其设备、标签和报警将被删除；已记录的数据会保留。",
    ),
    "demo.remove": Text("Remove the demo", "移除演示"),
    "demo.remove_sure": Text(
        "Remove the demo's machines, tags and alarms?", "确定移除演示的设备、标签和报警？"
    ),
    "welcome.later": Text("Later: go to the status page", "以后再说：进入状态页"),
    "audit.log-in": Text("logged in", "登录"),
    "audit.log-out": Text("logged out", "退出登录"),
    "audit.log-in-failed": Text("wrong password", "密码错误"),
    "audit.log-in-blocked": Text("log-in blocked: too many wrong passwords", "错误过多，登录受限"),
    "audit.user-added": Text("added a user", "添加用户"),
    "audit.user-removed": Text("removed a user", "删除用户"),
    "audit.role-set": Text("changed a role", "更改角色"),
    "audit.password-set": Text("set a password", "设置密码"),
    "audit.sessions-ended": Text("ended sessions", "注销会话"),
    "audit.token-added": Text("made a token", "创建令牌"),
    "audit.token-removed": Text("removed a token", "删除令牌"),
    "audit.demo-started": Text("started the demo", "启动演示"),
    "audit.demo-removed": Text("removed the demo", "移除演示"),
    "audit.site-named": Text("named the plant", "命名工厂"),
}
