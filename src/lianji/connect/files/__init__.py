"""Import of files that somebody kept elsewhere: CSV, Excel and Parquet, wide or long.

``read_file`` is all that others need: it gives pieces of samples and of rejected cells.
"""

from lianji.connect.files.options import ImportOptions
from lianji.connect.files.pieces import Piece, Rejected
from lianji.connect.files.reader import read_file

__all__ = ["ImportOptions", "Piece", "Rejected", "read_file"]
