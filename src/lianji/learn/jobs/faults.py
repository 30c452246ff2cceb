"""What can be wrong with a job, in words."""

from __future__ import annotations

from lianji.base.errors import Busy, InputError, LianjiError, NotFound, StorageError, Text
from lianji.learn.jobs.room import Machine


def no_function(name: str) -> InputError:
    return InputError(
        "job-function-missing",
        Text(f"There is no function {name}.", f"没有函数 {name}。"),
        Text(
            "Write it as module:function, of a module that is installed or lies in the plant's "
            "folder training.",
            "请写成 模块:函数，模块须已安装或位于工厂的 training 文件夹中。",
        ),
    )


def wrong(what: Text) -> InputError:
    return InputError(
        "job-invalid",
        Text(f"The job is not right: {what.en}.", f"作业有误：{what.zh}。"),
        Text("Mend it and submit it again.", "请修改后重新提交。"),
    )


def unknown(id: str) -> NotFound:
    return NotFound(
        "job-unknown",
        Text(f"There is no job {id!r}.", f"没有作业 {id!r}。"),
        Text("`lianji job list` shows those that there are.", "`lianji job list` 可列出现有作业。"),
    )


def has_ended(id: str) -> InputError:
    return InputError(
        "job-ended",
        Text(f"The job {id} has ended already.", f"作业 {id} 已经结束。"),
        Text("Submit it again to run it again.", "如需再次运行，请重新提交。"),
    )


def unknown_tenant(name: str, known: list[str]) -> InputError:
    listed = ", ".join(known)
    return InputError(
        "job-tenant-unknown",
        Text(f"There is no tenant {name!r}.", f"没有租户 {name!r}。"),
        Text(
            f"There are: {listed}. Others are added in lianji.toml under [[jobs.tenants]].",
            f"现有：{listed}。可在 lianji.toml 的 [[jobs.tenants]] 中添加。",
        ),
    )


def too_large(machine: Machine) -> InputError:
    devices = ", ".join(f"{count} {label}" for label, count in machine.devices.items()) or "cpu"
    return InputError(
        "job-too-large",
        Text(
            "It asks for more than jobs may ever use here, or than its tenant may.",
            "所需资源超过本机作业或其租户的上限。",
        ),
        Text(
            f"Jobs have {machine.cpus:g} cores, {machine.memory_mb} MB and the devices {devices}: "
            "ask for less, or change [jobs] in lianji.toml.",
            f"作业可用 {machine.cpus:g} 核、{machine.memory_mb} MB，设备：{devices}。请减少申请量，"
            "或修改 lianji.toml 的 [jobs]。",
        ),
    )


def too_many(most: int) -> Busy:
    return Busy(
        "jobs-full",
        Text(f"{most:,} jobs wait already.", f"已有 {most:,} 个作业在排队。"),
        Text("Wait until some have run, or stop some.", "请等待部分作业完成，或停止一些作业。"),
    )


def no_spec(name: str, there: list[str]) -> NotFound:
    listed = ", ".join(there) or "-"
    return NotFound(
        "training-spec-unknown",
        Text(f"There is no training specification {name!r}.", f"没有训练规格 {name!r}。"),
        Text(
            f"In the plant's folder training lie: {listed}.",
            f"工厂的 training 文件夹中有：{listed}。",
        ),
    )


def runner_failed(error: Exception) -> LianjiError:
    said = f"{type(error).__name__}: {error}"
    return LianjiError(
        "jobs-not-run",
        Text(f"Jobs are not run: {said}.", f"作业无法运行：{said}。"),
        Text(
            "Lianji tries again by itself. If it stays so, report it with a diagnostic bundle.",
            "联机会自动重试。如持续出现，请附诊断包反馈。",
        ),
    )


def not_started(error: OSError) -> LianjiError:
    said = error.strerror or str(error)
    return StorageError(
        "job-not-started",
        Text(f"Its process could not be started: {said}.", f"无法启动作业进程：{said}。"),
        Text("Free memory or space on the disk.", "请释放内存或磁盘空间。"),
    )
