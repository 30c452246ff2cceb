"""The random generators of a training, as one object with state_dict and load_state_dict."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from lianji.learn.checkpoint.tree import torch_if_loaded


class Randomness:
    """Python's, numpy's, torch's and the accelerator's generators, and numpy Generators given.

    ``Randomness(data=generator)`` adds the numpy Generator of that name.
    """

    def __init__(self, **generators: np.random.Generator) -> None:
        self._generators = generators

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = {
            "python": random.getstate(),
            "numpy": np.random.get_state(),
            "generators": {n: g.bit_generator.state for n, g in self._generators.items()},
        }
        torch = torch_if_loaded()
        if torch is not None:
            state["torch"] = torch.get_rng_state()
            if (device := _accelerator(torch)) is not None:
                state["accelerator"] = list(device.get_rng_state_all())
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        random.setstate(state["python"])
        np.random.set_state(state["numpy"])
        for name, given in state["generators"].items():
            if name in self._generators:
                self._generators[name].bit_generator.state = given
        torch = torch_if_loaded()
        if torch is not None and "torch" in state:
            torch.set_rng_state(state["torch"])
            device = _accelerator(torch)
            if device is not None and "accelerator" in state:
                device.set_rng_state_all(state["accelerator"])


def _accelerator(torch: Any) -> Any:
    """The module of the machine's accelerator (cuda, npu, musa ...); None where there is none."""
    if not torch.accelerator.is_available():
        return None
    device = torch.get_device_module(torch.accelerator.current_accelerator())
    return device if hasattr(device, "get_rng_state_all") else None
