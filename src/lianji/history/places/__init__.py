"""Where files lie, a folder or a bucket, behind one small interface."""
