"""Training that serves a plant out of the box: a specification in, a draft of a model out."""
