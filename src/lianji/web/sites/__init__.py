"""The plant as it is for somebody who may see some of its sites only."""
