"""One folder a protocol; a driver knows its protocol and nothing else."""
