"""One of two ranks that save a sharded tensor together: ``python -m ... FOLDER RANK``."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor

from lianji.learn.checkpoint.dcp import LianjiReader, LianjiWriter

RANKS = 2


def main(folder: Path, rank: int) -> None:
    meeting = dist.FileStore(str(folder / "meeting"), RANKS)
    dist.init_process_group("gloo", store=meeting, rank=rank, world_size=RANKS)
    mesh = init_device_mesh("cpu", (RANKS,))
    whole = torch.arange(48.0).view(8, 6)
    state = {"sharded": distribute_tensor(whole, mesh, [Shard(0)]), "same": torch.arange(5.0)}
    dcp.save(state, storage_writer=LianjiWriter(folder / "c"))
    other = {
        "sharded": distribute_tensor(torch.zeros(8, 6), mesh, [Shard(1)]),
        "same": torch.zeros(5),
    }
    dcp.load(other, storage_reader=LianjiReader(folder / "c"))
    assert torch.equal(other["sharded"].full_tensor(), whole)
    assert torch.equal(other["same"], state["same"])
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
