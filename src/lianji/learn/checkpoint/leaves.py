"""The bytes of leaves: copied into a slot, and made tensors and arrays again."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lianji.learn.checkpoint.tree import Leaf, torch_if_loaded

Bytes = npt.NDArray[np.uint8]


def copy_out(leaf: Leaf, value: Any, place: Bytes) -> None:
    """Copy a leaf into ``place``, which has its size in bytes and begins at a multiple of 64."""
    if not leaf.bytes:
        return
    if leaf.kind != "bytes" and (there := bytes_of(value)) is not None:
        place[:] = there  # one memcpy: torch's own threads wait for each other on a busy machine
    elif leaf.kind == "torch":
        torch = torch_if_loaded()
        whole = torch.frombuffer(place, dtype=value.dtype).view(leaf.shape)
        whole.copy_(value.detach())
    elif leaf.kind == "bytes":
        place[:] = np.frombuffer(value, np.uint8)
    else:
        np.copyto(place.view(np.dtype(leaf.dtype)).reshape(leaf.shape), value)


def bytes_of(value: Any) -> Bytes | None:
    """The memory of a tensor or array to write into; None where it does not lie here in a row."""
    if isinstance(value, np.ndarray):
        if not (value.flags.c_contiguous and value.flags.writeable):
            return None
        return value.reshape(-1).view(np.uint8)
    if isinstance(value, np.generic):
        return None
    if value.device.type != "cpu" or not value.is_contiguous() or value.is_conj() or value.is_neg():
        return None
    torch = torch_if_loaded()
    found: Bytes = value.detach().view(-1).view(torch.uint8).numpy()
    return found


def empty(leaf: Leaf) -> Any:
    """A tensor or array of that shape and type, contents undefined."""
    if leaf.kind == "torch":
        import torch

        return torch.empty(leaf.shape, dtype=getattr(torch, leaf.dtype))
    return np.empty(leaf.shape, np.dtype(leaf.dtype))


def finished(leaf: Leaf, value: Any) -> Any:
    """What the user had: an array of bytes becomes bytes, one of no dimension a scalar."""
    if leaf.kind == "bytes":
        return value.tobytes()
    return value[()] if leaf.kind == "scalar" else value
