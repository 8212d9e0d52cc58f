"""Outputs of a model's blocks, taken with hooks: no peer's own option for it is trusted."""

import torch
from torch import nn


def record_blocks(blocks: list[nn.Module], run) -> tuple[object, list[torch.Tensor]]:
    """The result of `run()`, and each block's output (B, T, D)."""
    found: list[torch.Tensor] = []
    hooks = [
        block.register_forward_hook(
            lambda _module, _input, output: found.append(output[0] if isinstance(output, (tuple, list)) else output)
        )
        for block in blocks
    ]
    try:
        result = run()
    finally:
        for hook in hooks:
            hook.remove()
    return result, found
