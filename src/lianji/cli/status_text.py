"""The status of a running plant, for eyes."""

from __future__ import annotations

from typing import Any

from lianji.cli.output import Form, show_rows
from lianji.cli.speech import language, t, tell


def show_status(status: dict[str, Any]) -> None:
    """Print the answer of ``/api/status`` as a few tables."""
    words = language()
    show_rows([_device(d, words) for d in status["devices"]], Form.TABLE, _DEVICE_COLUMNS)
    print()
    show_rows(_figures(status), Form.TABLE, [t("part", "部分"), t("state", "状态")])
    if status["stages"]:
        print()
        show_rows(
            [
                {
                    "stage": stage["stage"],
                    "batches": stage["count"],
                    "wait p50 ms": _ms(stage["wait_p50_us"]),
                    "wait p99 ms": _ms(stage["wait_p99_us"]),
                    "served p50 ms": _ms(stage["served_p50_us"]),
                    "served p99 ms": _ms(stage["served_p99_us"]),
                }
                for stage in status["stages"]
            ],
            Form.TABLE,
            _STAGE_COLUMNS,
        )
    for fault in _faults(status):
        tell(
            f"{fault['cause']['en']} {fault['remedy']['en']}",
            f"{fault['cause']['zh']}{fault['remedy']['zh']}",
        )


_DEVICE_COLUMNS = ["device", "protocol", "state", "tags", "requests/s", "samples/s", "cycle ms"]
_STAGE_COLUMNS = [
    "stage", "batches", "wait p50 ms", "wait p99 ms", "served p50 ms", "served p99 ms"
]  # fmt: skip


def _device(device: dict[str, Any], words: str) -> dict[str, Any]:
    return {
        "device": device["name"],
        "protocol": device["protocol"],
        "state": device["state_text"][words],
        "tags": device["tags"],
        "requests/s": f"{device['requests_per_s']:.1f}",
        "samples/s": f"{device['samples_per_s']:.1f}",
        "cycle ms": None if device["cycle_ms"] is None else f"{device['cycle_ms']:.1f}",
    }


def _figures(status: dict[str, Any]) -> list[dict[str, Any]]:
    spool, history, rates = status["spool"], status["history"], status["rates"]
    hours = "-" if spool["hours_left"] is None else f"{spool['hours_left']:.0f}"
    lag = " ".join(f"{name}:{count}" for name, count in spool["readers"].items())
    process = [
        _megabytes(rates["memory_bytes"] or 0),
        f"{rates['cpu_share'] or 0:.1%} CPU",
        f"{rates['samples_per_s']:.0f} {t('samples/s', '样本/秒')}",
    ]
    waiting = [
        _megabytes(spool["bytes"]),
        spool["policy"],
        f"{t('hours left', '剩余小时')} {hours}",
        f"{t('lag', '滞后')} {lag}",
        f"{t('gaps', '缺口')} {spool['gaps']}",
    ]
    kept = [
        f"{history['rows']:,} {t('rows', '行')}",
        f"{history['files']} {t('files', '个文件')}",
        _megabytes(history["bytes"]),
        f"{t('in memory', '内存中')} {history['unflushed']:,}",
    ]
    if unreadable := history.get("unreadable"):
        kept.append(f"{t('unreadable files', '无法读取的文件')} {unreadable}")
    parts = (
        (t("process", "进程"), process),
        (t("spool", "缓存"), waiting),
        (t("history", "历史"), kept),
    )
    return [{t("part", "部分"): part, t("state", "状态"): ", ".join(said)} for part, said in parts]


def _ms(time_us: float) -> str:
    return f"{time_us / 1000:.2f}"


def _megabytes(size: float) -> str:
    return f"{size / 1e6:.1f} MB"


def _faults(status: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(d["error"] for d in status["devices"] if d["error"]), *status.get("problems", [])]
