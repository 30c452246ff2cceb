"""Which sites somebody may see: names, or patterns such as ``park1-*``. None named: all of them.

A path belongs to the site that is its first part. A token has the sites that it was made with and
those of whoever made it: what it may see must be among both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from lianji.base.errors import InputError, Text

PATTERNS_MAX = 100
LENGTH_MAX = 100
_NOT_IN_ONE = frozenset("/,[]#")


@dataclass(frozen=True, slots=True)
class Sites:
    """Groups of patterns; a site is seen if one of each group fits. No group: all sites."""

    groups: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, *listed: str) -> Sites:
        """As they are kept; each text is one group, an empty one is none."""
        return cls(tuple(group for text in listed if (group := patterns_of(text))))

    @property
    def limited(self) -> bool:
        return bool(self.groups)

    def sees(self, path: str) -> bool:
        """Whether this path, or pattern below one site, may be known of."""
        return _seen(self.groups, path.partition("/")[0])


ALL = Sites()


@lru_cache(10_000)
def _seen(groups: tuple[tuple[str, ...], ...], site: str) -> bool:
    return all(site and any(fnmatchcase(site, one) for one in group) for group in groups)


def patterns_of(listed: str) -> tuple[str, ...]:
    """What ``listed_as`` made a text of."""
    return tuple(one for one in listed.split(",") if one)


def listed_as(patterns: Iterable[str]) -> str:
    """The patterns as one text, by commas; empty for none. Raises InputError."""
    chosen = list(dict.fromkeys(one.strip() for one in patterns if one.strip()))
    for one in chosen:
        if len(one) > LENGTH_MAX or not one.isprintable() or _NOT_IN_ONE & set(one):
            raise _wrong(
                f"{one[:40]!r} is no name of a site or pattern of such",
                f"“{one[:40]}”不是站点名称或通配符",
            )
    if len(chosen) > PATTERNS_MAX:
        raise _wrong(f"more than {PATTERNS_MAX} are named", f"超过 {PATTERNS_MAX} 个")
    return ",".join(chosen)


def words_of(text: str) -> list[str]:
    """What a field of a form says: patterns by commas or spaces."""
    return text.replace(",", " ").replace("，", " ").replace("、", " ").split()


def _wrong(en: str, zh: str) -> InputError:
    return InputError(
        "sites-invalid",
        Text(f"The sites are wrong: {en}.", f"站点有误：{zh}。"),
        Text(
            "Name the first part of tag paths, such as park1 or park1-*.",
            "请填写标签路径的第一段，如 park1 或 park1-*。",
        ),
    )
