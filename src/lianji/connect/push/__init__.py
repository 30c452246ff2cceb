"""What others send to us, parsed into columns: bytes in, samples out, no I/O."""
