"""What can go wrong with experiments, in both languages."""

from __future__ import annotations

from collections.abc import Iterable

from lianji.base.errors import Busy, InputError, NotFound, Text


def bad_name(name: str) -> InputError:
    return InputError(
        "experiment-name",
        Text(
            f"{name!r} is no name of an experiment or a run.",
            f"{name!r} 不能用作实验或运行的名称。",
        ),
        Text(
            "Take small letters, digits, - and _, at most 63.",
            "请使用小写字母、数字、- 和 _，最多 63 个字符。",
        ),
    )


def bad_key(key: str) -> InputError:
    return InputError(
        "experiment-key",
        Text(
            f"{key!r} is no name of a parameter or a metric.",
            f"{key!r} 不能用作参数或指标的名称。",
        ),
        Text(
            "Take letters, digits, spaces, - . and _, at most 200.",
            "请使用字母、数字、空格、- . 和 _，最多 200 个字符。",
        ),
    )


def bad_value(key: str, value: object) -> InputError:
    kind = type(value).__name__
    return InputError(
        "experiment-value",
        Text(f"{key} is no number but {kind}.", f"{key} 不是数字，而是 {kind}。"),
        Text("Give the metric as a number.", "请以数字给出指标。"),
    )


def bad_artefact(name: str, why: str, why_zh: str) -> InputError:
    return InputError(
        "artefact-refused",
        Text(f"{name} cannot be kept as an artefact: {why}.", f"{name} 不能保存为产物：{why_zh}。"),
        Text(
            "Give a file or a folder that is there, and a plain name.",
            "请给出存在的文件或文件夹，以及普通的名称。",
        ),
    )


def unknown(name: str, there: Iterable[str]) -> NotFound:
    listed = ", ".join(there) or "-"
    return NotFound(
        "experiment-unknown",
        Text(f"There is no experiment {name!r}.", f"没有名为 {name!r} 的实验。"),
        Text(f"There are: {listed}.", f"现有：{listed}。"),
    )


def unknown_run(experiment: str, run: str) -> NotFound:
    return NotFound(
        "run-unknown",
        Text(f"{experiment} has no run {run!r}.", f"{experiment} 没有运行 {run!r}。"),
        Text(
            "See `lianji experiment list` for those that there are.",
            "请用 `lianji experiment list` 查看现有运行。",
        ),
    )


def unknown_metric(metric: str, there: Iterable[str]) -> NotFound:
    listed = ", ".join(there) or "-"
    return NotFound(
        "metric-unknown",
        Text(f"No run has a metric {metric!r}.", f"没有运行包含指标 {metric!r}。"),
        Text(f"There are: {listed}.", f"现有：{listed}。"),
    )


def unknown_artefact(run: str, name: str) -> NotFound:
    return NotFound(
        "artefact-unknown",
        Text(f"{run} has no artefact {name!r}.", f"{run} 没有产物 {name!r}。"),
        Text(
            "See `lianji experiment show` for those that there are.",
            "请用 `lianji experiment show` 查看现有产物。",
        ),
    )


def run_alive(run: str) -> Busy:
    return Busy(
        "run-alive",
        Text(f"Another process is at work on {run}.", f"另一个进程正在执行运行 {run}。"),
        Text("Wait for its end, or begin another run.", "请等待其结束，或另起一次运行。"),
    )


def run_over(run: str, end: str) -> InputError:
    return InputError(
        "run-over",
        Text(f"{run} has ended ({end}): nothing is added.", f"{run} 已结束（{end}），不能再添加。"),
        Text("Begin another run.", "请另起一次运行。"),
    )
