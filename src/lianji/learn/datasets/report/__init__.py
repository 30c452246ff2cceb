"""What is wrong with the rows of a data set, found before a model learns it."""
