"""Training methods on PyTorch autograd: the same TrainSpec as the C engine's, on any device and batch."""

from tinyprop.nn.handle import Handle as Handle
from tinyprop.nn.handle import apply_ as apply_
