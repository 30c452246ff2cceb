"""torch.distributed.checkpoint through our files: one line switches.

    dcp.save(state, storage_writer=LianjiWriter("checkpoints"))
    dcp.load(state, storage_reader=LianjiReader("checkpoints"))

Each save is a checkpoint of its own in the folder, which all ranks must see; the rank that
coordinates commits it, when every rank has synced what it wrote. DCP's metadata is JSON here. What
is no tensor is bytes that DCP's own planner makes and reads (it pickles them); we keep them as
they are.
"""

from lianji.learn.checkpoint.dcp_reading import LianjiReader
from lianji.learn.checkpoint.dcp_writing import LianjiWriter

__all__ = ["LianjiReader", "LianjiWriter"]
