"""Where a training computes: on the accelerator that torch found, whichever chip it is.

A script that takes its device from here, and names no chip itself, runs unmodified on a CPU, on
CUDA, and on chips that come as plugins of torch (NPU, MUSA, MLU).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def device() -> torch.device:
    """The current accelerator, or the CPU where there is none."""
    import torch

    found = torch.accelerator.current_accelerator(check_available=True)
    return found if found is not None else torch.device("cpu")
