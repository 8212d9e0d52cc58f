"""Random weights that hide nothing.

Fresh models have zero biases, norms of one, tokens near zero and LayerScale near zero: a loader may lose
any of them unseen. Here every tensor has a visible effect on the features, which stay of the order of one,
so that an absolute tolerance means something.
"""

import torch
from torch import nn


@torch.no_grad()
def randomise(model: nn.Module, seed: int) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)

    def normal(tensor, std):
        tensor.copy_(torch.randn(tensor.shape, generator=generator) * std)

    def uniform(tensor, low, high):
        tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if isinstance(module, nn.LayerNorm):
                uniform(parameter, *((0.5, 1.5) if name == "weight" else (-0.3, 0.3)))
            elif name.endswith("bias"):
                normal(parameter, 0.2)
            elif isinstance(module, (nn.Linear, nn.Conv2d)):
                normal(parameter, parameter[0].numel() ** -0.5)
            elif parameter.ndim == 1:  # LayerScale, under each library's name
                uniform(parameter, 0.1, 0.6)
                parameter.mul_(torch.where(torch.rand(parameter.shape, generator=generator) < 0.5, -1.0, 1.0))
            else:  # tokens and position tables
                normal(parameter, 0.5)
    return model.eval()
