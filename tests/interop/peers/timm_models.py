"""`timm`: its DINOv2 and DINOv3 models, as safetensors, `torch.save` and its Hub folder."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

import timm
from timm.models._hub import save_for_hf

from .blocks import record_blocks
from .case import Case, outputs
from .huggingface import ROPE, TABLE_112, TABLE_518
from .pictures import timm_transform
from .randomise import randomise


def run(count: int):
    def run_model(model, images: torch.Tensor) -> dict[str, torch.Tensor]:
        tokens, blocks = record_blocks(list(model.blocks), lambda: model.forward_features(images))
        return outputs(tokens, model.num_prefix_tokens - 1, blocks, model.norm, count)

    return run_model


def save_safetensors(model, folder: Path) -> str:
    save_file(model.state_dict(), folder / "weights.safetensors")
    return "weights.safetensors"


def save_torch(model, folder: Path) -> str:
    torch.save(model.state_dict(), folder / "weights.pth")
    return "weights.pth"


def save_hub(model, folder: Path) -> str:
    """config.json and model.safetensors, as on the Hub."""
    save_for_hf(model, folder / "hub", safe_serialization=True)
    return "hub"


def cases(quick: bool) -> list[Case]:
    seed = iter(range(1100, 2000))
    found: list[Case] = []

    def add(layout, name, architecture, saver, sizes, count, batch=2, **options):
        number = next(seed)

        def build():
            torch.manual_seed(number)
            return randomise(timm.create_model(architecture, num_classes=0, dynamic_img_size=True, **options), number)

        case = Case(layout, name, build, saver, run(count), sizes, batch)
        if saver is save_hub:
            case.transform = lambda model, _folder: timm_transform(model)
        found.append(case)

    layout = "timm-dinov2"
    small, base, giant = (f"vit_{size}_patch14_dinov2" for size in ("small", "base", "giant"))
    add(layout, "S", small, save_hub, TABLE_518, 4, batch=1)
    add(layout, "B2", base, save_torch, TABLE_112, 2, img_size=112, depth=2)
    add(layout, "giant2-swiglu", giant, save_safetensors, TABLE_112, 2, batch=1, img_size=112, depth=2)
    add(layout, "S4-registers", "vit_small_patch14_reg4_dinov2", save_safetensors, TABLE_112, 4, img_size=112, depth=4)
    add(
        layout, "giant2-registers", "vit_giant_patch14_reg4_dinov2", save_torch, TABLE_112, 2,
        batch=1, img_size=112, depth=2,
    )

    layout = "timm-dinov3"
    add(layout, "S", "vit_small_patch16_dinov3", save_hub, ROPE, 4)
    add(layout, "B2-qkv-bias", "vit_base_patch16_dinov3_qkvb", save_safetensors, ROPE, 2, depth=2)
    add(layout, "S4-plus-qkv-bias", "vit_small_plus_patch16_dinov3_qkvb", save_torch, ROPE, 4, depth=4)
    add(
        layout, "7B-like", "vit_7b_patch16_dinov3", save_safetensors, ROPE, 2, depth=2, embed_dim=512, num_heads=8,
    )

    if quick:
        found = [case for case in found if case.name not in ("S", "giant2-swiglu", "giant2-registers")]
    return found
