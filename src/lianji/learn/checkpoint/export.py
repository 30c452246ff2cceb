"""A checkpoint's tensors as one safetensors file, for everybody else's tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lianji.base.durable import write_atomically
from lianji.learn.checkpoint import faults
from lianji.learn.checkpoint.checkpointer import Checkpointer
from lianji.learn.checkpoint.tree import is_tensor


def to_safetensors(
    folder: str | Path, path: str | Path, *, step: int | None = None, part: str = ""
) -> int:
    """Write the tensors and arrays of the newest good checkpoint (of ``step``); how many.

    ``part`` names one entry of the state, such as ``model``. Names inside are joined with dots;
    the step is in the file's metadata, what is no tensor is left out. Needs the extra ``train``.
    Raises NotFound; InputError where there is no such part, or nothing in it.
    """
    state, at = Checkpointer(folder).restore(step=step)
    if part and part not in state:
        raise faults.does_not_fit(part, "it has no such part", "检查点中没有该部分")
    found = dict(_tensors(state[part] if part else state, ""))
    if not found:
        raise faults.does_not_fit(part, "there is no tensor in it", "其中没有张量")
    write_atomically(Path(path), _content(found, {"step": str(at)}))
    return len(found)


def _content(found: dict[str, Any], told: dict[str, str]) -> bytes:
    if not any(map(is_tensor, found.values())):
        from safetensors.numpy import save as save_arrays

        return save_arrays(found, told)
    import torch
    from safetensors.torch import save

    given = {n: v if is_tensor(v) else torch.from_numpy(v) for n, v in found.items()}
    return save({name: value.contiguous() for name, value in given.items()}, told)


def _tensors(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if is_tensor(value) or isinstance(value, np.ndarray):
        yield name or "tensor", value
        return
    if isinstance(value, Mapping | list | tuple):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in items:
            yield from _tensors(item, f"{name}.{key}".lstrip("."))
