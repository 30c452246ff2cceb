"""What is told of models that are doubted, gone or unreadable."""

from __future__ import annotations

from lianji.base.errors import InputError, LianjiError, NotFound, StorageError, Text


def doubted_model(name: str, why: Text, stage: str) -> InputError:
    return InputError(
        "model-doubted",
        Text(f"{name} ({stage}) is doubted: {why.en}.", f"{name}（{stage}）可疑：{why.zh}。"),
        Text(
            "See Running models; train it on newer data, or retire it.",
            "请查看“运行中的模型”；用更新的数据重新训练，或将其停用。",
        ),
    )


def unreadable_models(what: str, error: OSError) -> LianjiError:
    return StorageError(
        "models-storage",
        Text(f"{what}: {error.strerror or error}.", f"{what}：{error.strerror or error}。"),
        Text(
            "Check the disk and the rights in data/deployed.", "请检查磁盘和 data/deployed 的权限。"
        ),
    )


def no_model(name: str, version: int) -> NotFound:
    return NotFound(
        "model-missing",
        Text(f"There is no model {name}@{version} here.", f"此处没有模型 {name}@{version}。"),
        Text("See `lianji deploy list`.", "请查看 `lianji deploy list`。"),
    )
