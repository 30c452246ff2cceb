"""Tag tables of other programs, taken as they are: Kepware, Neuron, Ignition. Pure."""
