"""Names of edges and hubs, and patterns of the sites that an edge may write.

A name stands in addresses, certificates and transaction names, so it is plain ASCII. A site is the
first part of a tag path, in any language; in a pattern ``*`` stands for any characters of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from lianji.base.errors import InputError, Text
from lianji.dictionary.tag import check_path

NAME_MAX = 63
SITES_MAX = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)


def is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def checked_name(name: str) -> str:
    """The name itself. Raises InputError."""
    if not is_name(name):
        shown = ascii(name[:NAME_MAX])
        raise InputError(
            "edge-name-invalid",
            Text(f"{shown} is no name of an edge or a hub.", f"{shown} 不能作为边缘或中心的名称。"),
            Text(
                "Use letters a-z, digits, and . _ - behind the first, at most 63. Sites may have "
                "other names: say them with --sites.",
                "请使用英文字母、数字以及 . _ -（首字符除外），最多 63 个字符；"
                "站点可用其他名称，由 --sites 指定。",
            ),
        )
    return name


def checked_sites(patterns: Iterable[str]) -> tuple[str, ...]:
    """The patterns, each once. Raises InputError for none, too many, or one that no site fits."""
    sites = tuple(dict.fromkeys(patterns))
    for pattern in sites:
        if "/" in pattern or not _is_path(pattern.replace("*", "x")):
            raise _wrong_sites(ascii(pattern[:NAME_MAX]))
    if not 1 <= len(sites) <= SITES_MAX:
        raise _wrong_sites(f"{len(sites)}")
    return sites


def allows(patterns: Sequence[str], site: str) -> bool:
    """Whether one of the patterns fits this site."""
    return any(_compiled(pattern).fullmatch(site) is not None for pattern in patterns)


@lru_cache(maxsize=10_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("[^/]*".join(re.escape(part) for part in pattern.split("*")))


def _is_path(path: str) -> bool:
    try:
        check_path(path)
    except ValueError:
        return False
    return True


def _wrong_sites(shown: str) -> InputError:
    return InputError(
        "edge-sites-invalid",
        Text(f"{shown}: these are no sites.", f"{shown}：站点无效。"),
        Text(
            "Write 1 to 100 sites, such as park1 or park1-*: the first part of tag paths, no '/'.",
            "请填写 1 到 100 个站点，如 park1 或 park1-*：标签路径的第一段，不含“/”。",
        ),
    )
