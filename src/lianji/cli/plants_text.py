"""A hub's plants, for eyes: the words are those of the page."""

from __future__ import annotations

from typing import Any

from lianji.cli.output import Form, show_rows
from lianji.cli.speech import language, t, tell
from lianji.web.locale import texts_in


def show_plants(answer: dict[str, Any]) -> None:
    """Print the answer of ``/api/hub/plants``."""
    rows = [_row(row, answer["now_us"]) for row in answer["plants"]]
    columns = ["plant", "state", "newest", "backlog", "full in", "lost", "samples/s", "devices",
               "version"]  # fmt: skip
    show_rows(rows, Form.TABLE, columns)
    if not rows:
        tell("No plant has joined yet.", "尚无工厂加入。")


def show_plant(answer: dict[str, Any]) -> None:
    """Print the answer of ``/api/hub/plants/NAME``: the row, and what to do."""
    row, words = answer["plant"], texts_in(language())
    show_plants({"plants": [row], "now_us": answer["now_us"]})
    for trouble in row["troubles"]:
        tell(*[f"{words[f'hub.trouble_{trouble}']}: {words[f'hub.todo_{trouble}']}"] * 2)
    for problem in answer["problems"]:
        if {"cause", "remedy"} <= problem.keys():
            said = f"{problem['cause'][language()]} {problem['remedy'][language()]}"
            tell(said, said)
    for name in sorted(one["name"] for one in answer["devices"] if one["state"] in _ILL):
        tell(f"Device in trouble: {name}", f"异常设备：{name}")


_ILL = ("fault", "degraded")


def _row(row: dict[str, Any], now_us: int) -> dict[str, Any]:
    return {
        "plant": row["name"],
        "state": _state(row, now_us),
        "newest": None if row["newest_us"] is None else _span((now_us - row["newest_us"]) / 1e6),
        "backlog": _backlog(row),
        "full in": None if row["hours_left"] is None else _span(row["hours_left"] * 3600),
        "lost": row["gap_rows"] or row["gaps"] or None,
        "samples/s": None if row["samples_per_s"] is None else f"{row['samples_per_s']:.1f}",
        "devices": _devices(row),
        "version": f"{row['version']} (!)" if row["other_version"] else row["version"] or None,
    }


def _state(row: dict[str, Any], now_us: int) -> str:
    words = texts_in(language())
    since = row["heard_us"] or row["joined_us"] or now_us
    state = words[f"hub.state_{row['state']}"].format(span=_span((now_us - since) / 1e6))
    also = [words[f"hub.trouble_{one}"] for one in row["troubles"]
            if one not in (row["state"], "late")]  # fmt: skip
    return " · ".join([state, *also])


def _backlog(row: dict[str, Any]) -> str | None:
    if row["backlog_records"] is None:
        return None
    records = f"{row['backlog_records'] + (row['lag_records'] or 0):,}"
    if not row["backlog_records"] or row["backlog_hours"] is None:
        return records
    return f"{records} (~{_span(row['backlog_hours'] * 3600)})"


def _devices(row: dict[str, Any]) -> str | None:
    if row["devices"] is None:
        return None
    ill, count = row["devices_ill"], row["devices"]
    return f"{count}" if not ill else t(f"{ill} of {count} ill", f"{count} 台中 {ill} 台异常")


def _span(seconds: float) -> str:
    """In its largest unit that is whole."""
    for size, en, zh in ((86_400, "d", "天"), (3600, "h", "小时"), (60, "min", "分")):
        if seconds >= size:
            return f"{seconds / size:.0f} {t(en, zh)}"
    return f"{max(0, seconds):.0f} {t('s', '秒')}"
