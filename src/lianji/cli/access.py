"""user, token, audit: who may enter a plant, and what was done; whether it runs or not."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianji.base.errors import InputError, Text
from lianji.cli.output import AsCsv, AsJson, form_of, show_rows
from lianji.cli.speech import t, tell
from lianji.cli.where import HERE, PlantDir, folder_of
from lianji.web.access.roles import Role, Scope

if TYPE_CHECKING:
    from lianji.web.access.accounts import Accounts
    from lianji.web.access.audit_chain import Verdict

users = typer.Typer(help=t("Who may log in", "用户"), no_args_is_help=True)
tokens = typer.Typer(help=t("API tokens for programs", "程序使用的 API 令牌"), no_args_is_help=True)

Name = Annotated[str, typer.Argument(help=t("The user's name", "用户名"))]
FromStdin = Annotated[
    bool,
    typer.Option("--password-stdin", help=t("Read it from standard input", "从标准输入读取密码")),
]
RoleOption = Annotated[Role, typer.Option("--role", help=t("What the user may do", "角色"))]
SiteOption = Annotated[
    list[str],
    typer.Option(
        "--site", help=t("Sees this site or pattern only; repeat", "仅可查看此站点或通配符，可重复")
    ),
]
LINE_MAX = 4_096


def register(app: typer.Typer) -> None:
    app.add_typer(users, name="user")
    app.add_typer(tokens, name="token")
    app.command(help=t("What was changed, by whom; is the log whole", "审计日志及其校验"))(audit)


@users.command("add", help=t("Add a user; asks for the password", "添加用户（会询问密码）"))
def add_user(
    name: Name,
    role: RoleOption = Role.VIEWER,
    site: SiteOption = [],  # noqa: B006 - typer copies it
    password_stdin: FromStdin = False,
    plant: PlantDir = HERE,
) -> None:
    with _accounts(plant) as accounts:
        user = accounts.users.add(name, role, _password(password_stdin), by(), sites=site)
        tell(
            f"{user.name} is {user.role} and may log in.",
            f"{user.name} 已添加（{user.role}），可以登录。",
        )


@users.command("list", help=t("All users", "列出用户"))
def list_users(plant: PlantDir = HERE, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    with _accounts(plant) as accounts:
        rows = [
            {
                "name": u.name,
                "role": u.role.value,
                "sites": " ".join(u.sites),
                "last_log_in": _moment(u.entered_us),
            }
            for u in accounts.users.all()
        ]
    show_rows(rows, form_of(as_json, as_csv), ["name", "role", "sites", "last_log_in"])


@users.command("password", help=t("Set a new password", "设置新密码"))
def set_password(name: Name, password_stdin: FromStdin = False, plant: PlantDir = HERE) -> None:
    with _accounts(plant) as accounts:
        accounts.users.named(name)
        accounts.users.set_password(name, _password(password_stdin), by())
    tell(
        f"{name} has a new password; all sessions of {name} are ended.",
        f"{name} 的密码已更新，其所有会话已注销。",
    )


@users.command("role", help=t("Give a user another role", "更改角色"))
def set_role(
    name: Name,
    role: Annotated[Role, typer.Argument(help=t("The new role", "新角色"))],
    plant: PlantDir = HERE,
) -> None:
    with _accounts(plant) as accounts:
        accounts.users.set_role(name, role, by())
    tell(f"{name} is {role} now.", f"{name} 的角色已改为 {role}。")


@users.command("sites", help=t("Which sites a user sees", "限定用户可查看的站点"))
def set_sites(
    name: Name,
    site: Annotated[
        list[str],
        typer.Argument(help=t("Sites or patterns; none: all", "站点或通配符；不填为全部")),
    ] = [],  # noqa: B006 - typer copies it
    plant: PlantDir = HERE,
) -> None:
    with _accounts(plant) as accounts:
        accounts.users.set_sites(name, site, by())
    tell(
        f"{name} sees {' '.join(site) or 'all sites'} now.",
        f"{name} 现可查看：{' '.join(site) or '全部站点'}。",
    )


@users.command("remove", help=t("Remove a user and end the sessions", "删除用户并注销其会话"))
def remove_user(name: Name, plant: PlantDir = HERE) -> None:
    with _accounts(plant) as accounts:
        accounts.users.remove(name, by())
    tell(f"{name} is removed.", f"{name} 已删除。")


@tokens.command("add", help=t("Make a token and print it once", "创建令牌并显示一次"))
def add_token(
    name: Annotated[str, typer.Argument(help=t("What it is for", "用途"))],
    scope: Annotated[list[Scope], typer.Option("--scope", help=t("Repeat for more", "可重复"))],
    days: Annotated[
        int, typer.Option(help=t("Until it ends; 0: never", "有效天数；0 为永久"))
    ] = 365,
    site: SiteOption = [],  # noqa: B006 - typer copies it
    plant: PlantDir = HERE,
) -> None:
    with _accounts(plant) as accounts:
        secret = accounts.tokens.add(name, scope, days or None, by(), site)
    tell("Keep this token: it is not shown again.", "请保存此令牌：之后不再显示。")
    typer.echo(secret)


@tokens.command("list", help=t("All tokens, without their secrets", "列出令牌（不含密钥）"))
def list_tokens(plant: PlantDir = HERE, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    with _accounts(plant) as accounts:
        rows = [
            {
                "name": token.name,
                "scopes": " ".join(token.scopes),
                "sites": " ".join(token.sites),
                "created_by": token.created_by,
                "expires": _moment(token.expires_us),
                "last_used": _moment(token.used_us),
            }
            for token in accounts.tokens.all()
        ]
    columns = ["name", "scopes", "sites", "created_by", "expires", "last_used"]
    show_rows(rows, form_of(as_json, as_csv), columns)


@tokens.command("remove", help=t("Remove a token; it stops working", "删除令牌，立即失效"))
def remove_token(
    name: Annotated[str, typer.Argument(help=t("The token's name", "令牌名称"))],
    plant: PlantDir = HERE,
) -> None:
    with _accounts(plant) as accounts:
        accounts.tokens.remove(name, by())
    tell(f"The token {name} is removed.", f"令牌 {name} 已删除。")


def audit(
    limit: Annotated[int, typer.Option(help=t("So many of the newest", "最新条数"), min=0)] = 50,
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    with _accounts(plant) as accounts:
        entries = accounts.audit.newest(limit)
        verdict = accounts.audit.verify()
        files = accounts.audit.verify_files(folder_of(plant).data / "audit")
    rows = [
        {
            "no": entry.sequence,
            "time": _moment(entry.time_us),
            "who": entry.who,
            "what": entry.what,
            "detail": entry.detail,
        }
        for entry in entries
    ]
    show_rows(rows, form_of(as_json, as_csv), ["no", "time", "who", "what", "detail"])
    if verdict.broken_at is not None:
        raise _broken(verdict.broken_at, verdict.why)
    _tell_files(verdict.archived, files)
    tell(
        f"The chain of {verdict.rows} entries is whole. Last hash: {verdict.last_hash or '-'}",
        f"共 {verdict.rows} 条记录，链完整。最后哈希：{verdict.last_hash or '-'}",
    )


def _tell_files(archived: int, files: Verdict) -> None:
    """What became of the entries that were moved to ``data/audit``."""
    if not archived:
        return
    if files.broken_at is None:
        tell(
            f"Entries 1 to {archived} lie in data/audit; their chain is whole.",
            f"第 1 至 {archived} 条记录已转存到 data/audit，链完整。",
        )
    elif files.why == "gap":
        tell(
            f"Entries 1 to {archived} were moved to data/audit; from entry {files.broken_at} on "
            "they are not there.",
            f"第 1 至 {archived} 条记录曾转存到 data/audit；自第 {files.broken_at} 条起不在其中。",
        )
    else:
        raise _broken(files.broken_at, files.why)


@contextmanager
def _accounts(plant: Path) -> Iterator[Accounts]:
    from lianji.node.access import accounts_of

    with accounts_of(folder_of(plant)) as accounts:
        yield accounts


def by() -> str:
    """Whoever is logged in on this machine, as the audit log names them."""
    try:
        return f"{getpass.getuser()} at the command line"
    except (KeyError, OSError):
        return f"user {os.getuid()} at the command line"


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline(LINE_MAX).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InputError(
            "password-needed",
            Text("There is no terminal to ask for the password.", "没有终端可用于询问密码。"),
            Text("Send it to --password-stdin.", "请用 --password-stdin 传入密码。"),
        )
    ask: Callable[[str], str] = getpass.getpass
    password = ask(t("Password: ", "密码："))
    if password != ask(t("The same again: ", "再次输入密码：")):
        raise InputError(
            "passwords-differ",
            Text("The two passwords are not the same.", "两次输入的密码不一致。"),
            Text("Type it twice.", "请重新输入两次。"),
        )
    return password


def _moment(us: int | None) -> object:
    from lianji.base.clock import from_us

    return None if us is None else from_us(us)


def _broken(row: int, why: str) -> InputError:
    en, zh = {
        "gap": (f"Entry {row} of the audit log is missing.", f"审计日志缺少第 {row} 条记录。"),
        "changed": (f"Entry {row} of the audit log was changed.", f"审计日志第 {row} 条已被改动。"),
        "cut": (
            f"The audit log was cut off before entry {row}.",
            f"审计日志自第 {row} 条起被截断。",
        ),
    }[why]
    return InputError(
        "audit-broken",
        Text(en, zh),
        Text(
            "Somebody wrote to the state database beside Lianji: compare it with a backup.",
            "有人绕过联机修改了状态库：请与备份比对。",
        ),
    )
