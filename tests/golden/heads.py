"""Goldens of the projection head: run `python tests/golden/heads.py`. Our own PyTorch, float64, hashed weights."""

import torch
import torch.nn as nn

from dinov2_torch import Head
from hashing import parameters, symmetric, write


def head(layers):
    """dinov2_torch's head, or the published one-layer form in which the MLP is a single linear."""
    module = Head(8, prototypes=12, hidden=10, bottleneck=6)
    if layers == 1:
        module.mlp = nn.Linear(8, 6)
    return module


def main():
    torch.set_default_dtype(torch.float64)
    out = {}
    for layers in (1, 3):
        module = head(layers)
        module.load_state_dict(parameters({name: tuple(p.shape) for name, p in module.named_parameters()}))
        x = (4 * symmetric(1, 5, 8)).requires_grad_()
        logits = module(x)
        (symmetric(50, *logits.shape) * logits).sum().backward()
        out[f"{layers}.logits"] = logits
        out[f"{layers}.grad.x"] = x.grad
        for name, p in module.named_parameters():
            out[f"{layers}.grad.{name}"] = p.grad
    write("heads", out)


if __name__ == "__main__":
    main()
