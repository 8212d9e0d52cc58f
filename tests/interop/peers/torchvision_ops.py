"""Import before `torchvision` or `timm` where torchvision was built for another PyTorch.

Its compiled operators are then missing, and importing it fails on their fake kernels. None of them takes
part in a backbone or in a transform, so declaring their names is enough.
"""

import torch

library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    try:
        library.define(f"{name}(Tensor a, Tensor b, float c) -> Tensor")
    except RuntimeError:
        pass  # the real operator is there
