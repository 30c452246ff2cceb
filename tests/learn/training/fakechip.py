"""A chip that is none: a PrivateUse1 device of torch whose memory and sums are the CPU's.

    python -m tests.learn.training.fakechip SCRIPT ARGUMENTS...

runs a script, unmodified, on a machine that has one. It proves that the script names no chip; it
says nothing about speed. A tensor on it is a shell.
"""

from __future__ import annotations

import runpy
import sys
from collections import Counter
from functools import partial
from typing import Any

import torch
from torch.utils._pytree import tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "fakechip"
_aten = torch.ops.aten
OF_SHELLS = (
    _aten.detach.default, _aten.alias.default, _aten.t.default, _aten.transpose.int,
    _aten.permute.default, _aten.expand.default, _aten.select.int, _aten.slice.Tensor,
    _aten.unsqueeze.default, _aten.squeeze.dim, _aten.split.Tensor, _aten.unbind.int,
    _aten.split_with_sizes.default, _aten.abs.default, _aten.sgn.default,
)  # fmt: skip
"""What torch would do itself, and lose the numbers."""
computed: Counter[str] = Counter()
"""What the chip was asked for: by operator, how often."""


_memory: dict[int, torch.Tensor] = {}
"""Of each tensor's storage, which autograd's own copies of a shell share, the numbers."""


class OnChip(torch.Tensor):
    """A class of its own, for a Parameter cannot take over a plain tensor that Python made."""


def is_on_chip(one: Any) -> bool:
    return isinstance(one, torch.Tensor) and one.device.type == NAME


def on_chip(kept: torch.Tensor) -> torch.Tensor:
    shell: torch.Tensor = torch._C._acc.create_empty_tensor(list(kept.shape), kept.dtype)
    shell.__class__ = OnChip
    _memory[shell.untyped_storage()._cdata] = kept
    return shell


def _down(one: Any) -> Any:
    if is_on_chip(one):
        return _memory[one.untyped_storage()._cdata]
    if isinstance(one, torch.device) and one.type == NAME:
        return torch.device("cpu")
    return one


def _compute(op: Any, *args: Any, **kwargs: Any) -> Any:
    """Any operator: on the CPU, and back."""
    computed[str(op)] += 1
    if op is torch.ops.aten._copy_from.default:
        source, into = _down(args[0]), _down(args[1])
        into.copy_(source)
        return args[1]
    given = [one for one in (*args, *kwargs.values()) if is_on_chip(one)]
    found = op(*tree_map(_down, args), **tree_map(_down, kwargs))

    def up(one: Any) -> Any:
        if not isinstance(one, torch.Tensor):
            return one
        same = [shell for shell in given if _down(shell) is one]  # it was changed where it lies
        return same[0] if same else on_chip(one)

    if op is torch.ops.aten._local_scalar_dense.default:
        return found
    return tree_map(up, found)


def _gru_cell(
    given: torch.Tensor, kept: torch.Tensor, last: torch.Tensor, b_given: Any, b_kept: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """torch wants this one whole of every chip: r, z, n as in ``torch.nn.GRUCell``."""
    given, kept, last, b_given, b_kept = tree_map(_down, (given, kept, last, b_given, b_kept))
    if b_given is not None:
        given, kept = given + b_given, kept + b_kept
    r_given, z_given, n_given = given.chunk(3, 1)
    r_kept, z_kept, n_kept = kept.chunk(3, 1)
    r, z = torch.sigmoid(r_given + r_kept), torch.sigmoid(z_given + z_kept)
    n = torch.tanh(n_given + r * n_kept)
    return on_chip(n + z * (last - n)), on_chip(torch.cat([r, z, n, n_kept, last], 1))


def _gru_cell_back(grad: Any, workspace: Any, has_bias: bool) -> tuple[Any, ...]:
    if grad is None:
        return None, None, None, None, None
    computed["_thnn_fused_gru_cell_backward"] += 1
    up, (r, z, n, n_kept, last) = _down(grad), _down(workspace).chunk(5, 1)
    to_n = up * (1 - z) * (1 - n * n)
    to_r, to_z = to_n * n_kept * r * (1 - r), up * (last - n) * z * (1 - z)
    given, kept = torch.cat([to_r, to_z, to_n], 1), torch.cat([to_r, to_z, to_n * r], 1)
    biases = (on_chip(given.sum(0)), on_chip(kept.sum(0))) if has_bias else (None, None)
    return on_chip(given), on_chip(kept), on_chip(up * z), *biases


def plug_in() -> list[torch.library.Library]:
    """From here on torch has the chip. Registrations live as long as what is given back."""
    _setup_privateuseone_for_python_backend(NAME)
    every = torch.library.Library("_", "IMPL")
    every.fallback(_compute, "PrivateUse1")
    own = torch.library.Library("aten", "IMPL")
    for op in OF_SHELLS:
        own.impl(op.name(), partial(_compute, op), "PrivateUse1")
    own.impl("_thnn_fused_gru_cell", _gru_cell, "PrivateUse1")
    own.impl("_thnn_fused_gru_cell_backward", _gru_cell_back, "PrivateUse1")
    return [every, own]


def main(script: str, *arguments: str) -> None:
    plugged = plug_in()
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")
    print(sum(computed.values()), "operators on the chip", file=sys.stderr)
    assert plugged


if __name__ == "__main__":
    main(*sys.argv[1:])
