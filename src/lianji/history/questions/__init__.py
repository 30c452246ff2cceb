"""The questions to the historian, each by what it is about: how their answers are worked out."""
