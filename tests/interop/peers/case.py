"""One case: a model of a peer, the file it saves, and what it makes of fixed random inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from .pictures import Transform

# (B, 1 + R + N, D) after the final norm, from the output of one block
Normed = Callable[[torch.Tensor], torch.Tensor]


@dataclass
class Case:
    layout: str
    name: str
    make: Callable[[], nn.Module]
    """The model with random weights, in evaluation mode, float32."""
    save: Callable[[nn.Module, Path], str]
    """Write the weights into a folder; the file or folder to load, relative to it."""
    run: Callable[[nn.Module, torch.Tensor], dict[str, torch.Tensor]]
    """Outputs by name, from (B, 3, H, W)."""
    sizes: list[tuple[int, int]]
    """Height and width of the inputs; the first is the native size."""
    batch: int = 2
    heads: Callable[[nn.Module], dict[str, torch.Tensor]] = field(default=lambda _: {})
    """Tensors of projection heads the loader must give, as `dino.mlp.0.weight`."""
    transform: Callable[[nn.Module, Path], Transform] | None = None
    """The program's own way from a picture to an input, given the model and the folder of its weights."""


def outputs(
    tokens: torch.Tensor, registers: int, blocks: list[torch.Tensor], norm: Normed, count: int
) -> dict[str, torch.Tensor]:
    """Name the parts of the last norm's output, and of the last `count` blocks with and without norm."""

    def parts(prefix: str, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {
            f"{prefix}cls": x[:, 0],
            f"{prefix}registers": x[:, 1 : 1 + registers],
            f"{prefix}patches": x[:, 1 + registers :],
        }

    record = parts("", tokens)
    for index in range(len(blocks) - count, len(blocks)):
        record |= parts(f"layers.{index}.", norm(blocks[index]))
    record |= parts("raw.", blocks[-1])
    return record


@torch.no_grad()
def make(case: Case, out: Path, pictures: dict[str, Path]) -> dict:
    folder = out / case.layout / case.name
    folder.mkdir(parents=True, exist_ok=True)
    model = case.make()
    path = case.save(model, folder)
    generator = torch.Generator().manual_seed(7)
    tensors: dict[str, torch.Tensor] = {}
    for height, width in case.sizes:
        images = torch.randn((case.batch, 3, height, width), generator=generator)
        tensors[f"{height}x{width}/input"] = images
        for name, value in case.run(model, images).items():
            tensors[f"{height}x{width}/{name}"] = value
    if case.transform is not None:
        transform = case.transform(model, folder / path)
        for picture, file in pictures.items():
            for name, value in case.run(model, transform(Image.open(file).convert("RGB"))[None]).items():
                tensors[f"{picture}/{name}"] = value
    for name, value in case.heads(model).items():
        tensors[f"heads/{name}"] = value
    save_file({k: v.float().contiguous() for k, v in tensors.items() if v.numel() > 0}, folder / "reference.safetensors")
    entry = {
        "layout": case.layout,
        "model": case.name,
        "weights": f"{case.layout}/{case.name}/{path}",
        "reference": f"{case.layout}/{case.name}/reference.safetensors",
        "sizes": [f"{height}x{width}" for height, width in case.sizes],
        "pictures": {} if case.transform is None else {name: str(file.resolve()) for name, file in pictures.items()},
    }
    return entry
