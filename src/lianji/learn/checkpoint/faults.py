"""What can go wrong with a checkpoint, in words."""

from __future__ import annotations

from pathlib import Path

from lianji.base.errors import Busy, InputError, NotFound, StorageError, Text


def damaged(where: str, why: str, why_zh: str) -> StorageError:
    return StorageError(
        "checkpoint-damaged",
        Text(f"The checkpoint {where} is damaged: {why}.", f"检查点 {where} 已损坏：{why_zh}。"),
        Text(
            "Go on from an older one (restore without a step does), and check the disk.",
            "请从较早的检查点继续（不指定步数的 restore 会自动如此），并检查磁盘。",
        ),
    )


def none_good(folder: str, step: int | None, bad: list[str]) -> NotFound:
    what, what_zh = ("", "") if step is None else (f" of step {step}", f"第 {step} 步的")
    tried = f" Damaged: {', '.join(bad)}." if bad else ""
    tried_zh = f"已损坏：{'、'.join(bad)}。" if bad else ""
    return NotFound(
        "checkpoint-none",
        Text(
            f"There is no good checkpoint{what} in {folder}.{tried}",
            f"{folder} 中没有{what_zh}可用的检查点。{tried_zh}",
        ),
        Text(
            "Begin from the start, or give the folder or the store that has one.",
            "请从头开始，或指定存有检查点的文件夹或对象存储。",
        ),
    )


def save_failed(step: int, why: BaseException) -> StorageError:
    return StorageError(
        "checkpoint-save-failed",
        Text(
            f"The checkpoint of step {step} was not saved: {why}.",
            f"第 {step} 步的检查点未能保存：{why}。",
        ),
        Text(
            "Mend the cause and save again; older checkpoints are as they were.",
            "请排除原因后重新保存；较早的检查点不受影响。",
        ),
    )


def upload_failed(step: int, why: BaseException) -> StorageError:
    return StorageError(
        "checkpoint-upload-failed",
        Text(
            f"The checkpoint of step {step} did not reach the object store: {why}.",
            f"第 {step} 步的检查点未能送达对象存储：{why}。",
        ),
        Text(
            "It is safe on the local disk. Check the network and the store; the next save tries.",
            "它已安全保存在本地磁盘。请检查网络和对象存储；下次保存时会再试。",
        ),
    )


def superseded(step: int) -> StorageError:
    return StorageError(
        "checkpoint-superseded",
        Text(
            f"The checkpoint of step {step} gave way to newer ones before it reached the store.",
            f"第 {step} 步的检查点在送达对象存储之前已被更新的检查点取代。",
        ),
        Text(
            "Save less often, or keep more: the store is slower than the disk.",
            "请降低保存频率或增加保留数量：对象存储比磁盘慢。",
        ),
    )


def not_storable(path: str, value: object) -> InputError:
    return InputError(
        "checkpoint-type",
        Text(
            f"{path or 'The state'} is a {type(value).__name__}, which no checkpoint can hold.",
            f"{path or '状态'} 的类型为 {type(value).__name__}，检查点无法保存。",
        ),
        Text(
            "Give dicts, lists, tensors, arrays, numbers, strings and bytes, or an object with "
            "state_dict; sharded tensors go through lianji.learn.checkpoint.dcp.",
            "请使用字典、列表、张量、数组、数字、字符串、字节串，或带有 state_dict 的对象；"
            "分片张量请使用 lianji.learn.checkpoint.dcp。",
        ),
    )


def does_not_fit(path: str, why: str, why_zh: str) -> InputError:
    return InputError(
        "checkpoint-does-not-fit",
        Text(
            f"The checkpoint does not fit the state at {path or 'its top'}: {why}.",
            f"检查点与状态在 {path or '顶层'} 处不符：{why_zh}。",
        ),
        Text(
            "Restore without into, and take what you need from the answer.",
            "请在不带 into 的情况下恢复，再从结果中取用所需部分。",
        ),
    )


def in_use(folder: Path) -> Busy:
    return Busy(
        "checkpoint-folder-in-use",
        Text(
            f"Another process saves checkpoints in {folder}.",
            f"另一个进程正在向 {folder} 保存检查点。",
        ),
        Text(
            "End that process, or give each training a folder of its own.",
            "请结束该进程，或为每个训练任务使用单独的文件夹。",
        ),
    )


def bad_argument(why: str, why_zh: str) -> InputError:
    return InputError(
        "checkpoint-argument",
        Text(f"A checkpoint cannot be saved so: {why}.", f"无法如此保存检查点：{why_zh}。"),
        Text("Correct the argument.", "请更正该参数。"),
    )
