"""From figures to findings: what is worth a word, how bad it is, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lianji.base.errors import Text
from lianji.learn.datasets.report.figures import Run
from lianji.learn.datasets.report.finding import ColumnReport, Finding, Severity

STUCK_ROWS_MIN = 24
STUCK_TIMES = 5
REPLACED_MIN = 10
DRIFT_PSI, DRIFT_KS = 0.25, 0.25
SAME_AS_TARGET, NEAR_TARGET = 0.999, 0.98
RESULT = 0.7
LAG_MIN, LAG_MARGIN = 0.3, 0.05


def judged(column: ColumnReport, run: Run, is_step: bool, samples: int) -> Iterator[Finding]:
    """The findings of a column by itself. ``samples``: how many the tags behind it had."""
    if column.minimum is None:
        yield _of(column, "empty", "serious", 1.0, Text(
            "It holds no number: leave it out, or take another aggregate or range.",
            "没有任何数值：请去掉该列，或更换聚合方式或时间范围。"))  # fmt: skip
        return
    yield from _gaps(column)
    if column.minimum == column.maximum:
        yield _of(column, "constant", "notice", column.minimum, Text(
            f"It is {column.minimum:g} throughout, so it teaches nothing: leave it out.",
            f"始终为 {column.minimum:g}，无可学习：请去掉该列。"))  # fmt: skip
        return
    if not is_step and run.rows >= STUCK_ROWS_MIN and run.rows >= STUCK_TIMES * max(1, run.usual):
        yield _of(column, "stuck", "warning", run.rows, Text(
            f"It stood still for {run.rows:,} rows, far longer than it ever does otherwise: look "
            "at the sensor, and leave that stretch out. If it may stand, make the tag's kind step.",
            f"连续 {run.rows:,} 行不变，远超平常：请检查传感器并剔除该段；"
            "若属正常，请将标签类型设为 step。"))  # fmt: skip
    yield from _values(column, samples)
    yield from _drift(column)


def _gaps(column: ColumnReport) -> Iterator[Finding]:
    if column.missing > 0.01:
        yield _of(column, "missing", _grade(column.missing, 0.05, 0.5), column.missing, Text(
            f"{column.missing:.1%} of its rows have no value: take a coarser step or another "
            "range, or tell the model how to fill them.",
            f"{column.missing:.1%} 的行没有数值：请增大步长、更换范围，"
            "或明确填补方式。"))  # fmt: skip
    elif column.silent > 0.01:
        yield _of(column, "silent", _grade(column.silent, 0.05, 0.5), column.silent, Text(
            f"For {column.silent:.1%} of the time no sample came, and the values there are drawn "
            "across: leave these stretches out.",
            f"{column.silent:.1%} 的时间没有样本，数值为跨越插补：请剔除这些时段。"))  # fmt: skip
    if column.bad > 0.01:
        yield _of(column, "bad", _grade(column.bad, 0.02, 0.2), column.bad, Text(
            f"{column.bad:.1%} of its rows are of bad quality: mend the signal, or leave them out.",
            f"{column.bad:.1%} 的行质量不良：请修复信号或剔除这些行。"))  # fmt: skip
    if column.uncertain > 0.05:
        yield _of(column, "uncertain", _grade(column.uncertain, 0.2, 1), column.uncertain, Text(
            f"{column.uncertain:.1%} of its rows are of uncertain quality: are they to be trusted?",
            f"{column.uncertain:.1%} 的行质量存疑：请判断是否可信。"))  # fmt: skip


def _values(column: ColumnReport, samples: int) -> Iterator[Finding]:
    if column.spikes:
        share = column.spikes / max(1, column.rows)
        yield _of(column, "spikes", _grade(share, 0.001, 0.05), column.spikes, Text(
            f"{column.spikes:,} row(s) jump out and straight back: set a range for the tag, or "
            "aggregate over longer steps.",
            f"{column.spikes:,} 行瞬间跳变又返回：请为标签设置量程，或增大聚合步长。"))  # fmt: skip
    if column.out_of_range > 0:
        share = column.out_of_range
        yield _of(column, "range", _grade(share, 0.0, 0.05), share, Text(
            f"{share:.2%} of its values lie outside the tag's range: mend the range or the "
            "scaling, or leave them out.",
            f"{share:.2%} 的数值超出标签量程：请修正量程或换算，或剔除。"))  # fmt: skip
    if column.replaced >= REPLACED_MIN and column.replaced > samples / 1000:
        yield _of(column, "replaced", "notice", column.replaced, Text(
            f"{column.replaced:,} samples came again at the same time with another value, and the "
            "later one was taken: see whether two sources write this tag.",
            f"{column.replaced:,} 个样本在同一时刻重复且数值不同，已取后者："
            "请检查是否有两个来源写入。"))  # fmt: skip


def _drift(column: ColumnReport) -> Iterator[Finding]:
    far = [one for one in column.drift if one.psi > DRIFT_PSI or one.ks > DRIFT_KS]
    if far:
        worst = max(far, key=lambda one: one.ks)
        yield _of(column, "drift", "warning", worst.ks, Text(
            f"In {worst.part} it is not as in train (PSI {worst.psi:.2f}, KS {worst.ks:.2f}): "
            "train on a time that has such values, or expect the model to be wrong there.",
            f"在 {worst.part} 中的分布与 train 不同（PSI {worst.psi:.2f}，KS {worst.ks:.2f}）："
            "请在训练集中包含此类工况，否则模型在此不可信。"))  # fmt: skip


def leaking(column: ColumnReport) -> Iterator[Finding]:
    """What gives the target away."""
    lag = column.lag
    if lag is None:
        return
    now, leads, follows = abs(lag.now), abs(lag.leads), abs(lag.follows)
    if now > SAME_AS_TARGET:
        yield _of(column, "equals-target", "serious", lag.now, Text(
            f"It is the target itself (r = {lag.now:.4f}): leave it out.",
            f"与目标几乎相同（r = {lag.now:.4f}）：请去掉该列。"))  # fmt: skip
        return
    if now > NEAR_TARGET:
        yield _of(column, "near-target", "warning", lag.now, Text(
            f"It is nearly the target (r = {lag.now:.3f}): see that it is not worked out of it.",
            f"与目标高度相关（r = {lag.now:.3f}）：请确认它不是由目标计算得出。"))  # fmt: skip
    if leads > max(LAG_MIN, now + LAG_MARGIN) and leads >= follows:
        grade: Severity = "serious" if leads > SAME_AS_TARGET else (
            "warning" if leads > 0.95 else "notice"
        )  # fmt: skip
        yield _of(column, "knows-future", grade, lag.leads, Text(
            f"It says more of the target {lag.leads_steps} step(s) later (r = {lag.leads:.2f}) "
            f"than now ({lag.now:.2f}): see that it is not made out of the target's future.",
            f"与 {lag.leads_steps} 步之后的目标更相关（r = {lag.leads:.2f}，当前 {lag.now:.2f}）："
            "请确认它不是由目标的未来值得出。"))  # fmt: skip
    elif follows > max(LAG_MIN, now + LAG_MARGIN):
        grade = "warning" if follows > RESULT else "notice"
        yield _of(column, "known-after", grade, lag.follows, Text(
            f"It follows the target by {lag.follows_steps} step(s) (r = {lag.follows:.2f}, now "
            f"{lag.now:.2f}): if it is a result of the target, use it only as late as it is known.",
            f"滞后于目标 {lag.follows_steps} 步（r = {lag.follows:.2f}，当前 {lag.now:.2f}）："
            "若它是目标的结果，只能按其可知时刻使用。"))  # fmt: skip


def _grade(value: float, warning: float, serious: float) -> Severity:
    return "serious" if value > serious else "warning" if value > warning else "notice"


def _of(column: ColumnReport, code: str, severity: Severity, value: float, text: Text) -> Finding:
    return Finding.of(column.name, code, severity, float(value), text)
