"""The Python programs whose files and features ours are compared with."""

from . import torchvision_ops  # noqa: F401  before whatever imports torchvision
