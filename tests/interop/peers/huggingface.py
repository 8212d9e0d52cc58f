"""`transformers`: DINOv2, DINOv2 with registers, DINOv3, as `save_pretrained` writes them."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import (
    Dinov2Backbone,
    Dinov2Config,
    Dinov2ForImageClassification,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersForImageClassification,
    Dinov2WithRegistersModel,
    DINOv3ViTConfig,
    DINOv3ViTModel,
)

from .blocks import record_blocks
from .case import Case, outputs
from .pictures import processor, save_dinov2_processor, save_dinov3_processor
from .randomise import randomise

SMALL = {"hidden_size": 384, "num_attention_heads": 6}
S = {**SMALL, "num_hidden_layers": 12}
B2 = {"hidden_size": 768, "num_attention_heads": 12, "num_hidden_layers": 2}
GIANT2 = {"hidden_size": 1536, "num_attention_heads": 24, "num_hidden_layers": 2}

# Native; not square; as many patches as the table but not square; smaller; larger.
TABLE_518 = [(518, 518), (224, 308), (224, 224), (588, 560)]
TABLE_112 = [(112, 112), (84, 140), (56, 224), (70, 70), (196, 182)]
ROPE = [(224, 224), (160, 256), (96, 96), (320, 288)]


def backbone(model):
    """The backbone inside a model with a classification head."""
    for name in ("dinov2", "dinov2_with_registers"):
        if hasattr(model, name):
            return getattr(model, name)
    return model


def run(count: int):
    def run_model(model, images: torch.Tensor) -> dict[str, torch.Tensor]:
        inner = backbone(model)
        if isinstance(inner, Dinov2Backbone):
            layers, norm = inner.encoder.layer, inner.layernorm
            _, blocks = record_blocks(list(layers), lambda: inner(images))
            return outputs(norm(blocks[-1]), 0, blocks, norm, count)
        if isinstance(inner, DINOv3ViTModel):
            layers, norm = inner.model.layer, inner.norm
        else:
            layers, norm = inner.encoder.layer, inner.layernorm
        result, blocks = record_blocks(list(layers), lambda: inner(pixel_values=images))
        registers = getattr(inner.config, "num_register_tokens", 0)
        return outputs(result.last_hidden_state, registers, blocks, norm, count)

    return run_model


def save_processor(model, folder: Path) -> None:
    (save_dinov3_processor if isinstance(model, DINOv3ViTModel) else save_dinov2_processor)(folder)


def save(**options):
    def save_model(model, folder: Path) -> str:
        model.save_pretrained(folder, **options)
        save_processor(model, folder)
        return "."

    return save_model


def save_bin(model, folder: Path) -> str:
    """As older versions did: config.json beside pytorch_model.bin."""
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return "."


def save_file_only(model, folder: Path) -> str:
    """The weights without their config.json: shapes must tell."""
    model.save_pretrained(folder / "saved")
    (folder / "saved" / "model.safetensors").rename(folder / "weights.safetensors")
    return "weights.safetensors"


def save_nested(model, folder: Path) -> str:
    """DINOv3 under the names of the module tree, `model.layer.…`, as a plain state dict has them."""
    model.save_pretrained(folder)
    path = folder / "model.safetensors"
    tensors = load_file(path)
    save_file(
        {(f"model.{k}" if k.startswith("layer.") else k): v for k, v in tensors.items()}, path, {"format": "pt"}
    )
    return "."


def rounded_to(dtype):
    """Weights rounded as they will be saved, but not what is computed from the configuration: rotary frequencies."""

    @torch.no_grad()
    def round_weights(model):
        for parameter in model.parameters():
            parameter.copy_(parameter.to(dtype))
        return model

    return round_weights


def save_half(dtype):
    def save_model(model, folder: Path) -> str:
        copy.deepcopy(model).to(dtype).save_pretrained(folder)
        return "."

    return save_model


def cases(quick: bool) -> list[Case]:
    seed = iter(range(100, 1000))
    found: list[Case] = []

    def add(layout, name, model, config, saver, sizes, count, batch=2, after=lambda m: m):
        number = next(seed)

        def build():
            torch.manual_seed(number)
            return after(randomise(model(config), number))

        case = Case(layout, name, build, saver, run(count), sizes, batch)
        if saver.__qualname__.startswith("save."):
            case.transform = lambda _model, folder: processor(folder)
        found.append(case)

    def v2(**options):
        return Dinov2Config(**{"image_size": 112, "patch_size": 14, **options})

    def registers(**options):
        return Dinov2WithRegistersConfig(**{"image_size": 112, "patch_size": 14, "num_register_tokens": 4, **options})

    def v3(**options):
        return DINOv3ViTConfig(**{"num_register_tokens": 4, "patch_size": 16, **options})

    layout = "hf-dinov2"
    add(layout, "S", Dinov2Model, v2(**S, image_size=518), save(), TABLE_518, 4, batch=1)
    add(layout, "B2", Dinov2Model, v2(**B2), save(), TABLE_112, 2)
    add(layout, "giant2-swiglu", Dinov2Model, v2(**GIANT2, use_swiglu_ffn=True), save(), TABLE_112, 2, batch=1)
    add(layout, "S4-sharded", Dinov2Model, v2(**SMALL, num_hidden_layers=4), save(max_shard_size="5MB"), TABLE_112, 4)
    add(
        layout, "S4-bfloat16", Dinov2Model, v2(**SMALL, num_hidden_layers=4), save_half(torch.bfloat16),
        TABLE_112, 4, after=rounded_to(torch.bfloat16),
    )
    add(
        layout, "S4-float16", Dinov2Model, v2(**SMALL, num_hidden_layers=4), save_half(torch.float16),
        TABLE_112, 4, after=rounded_to(torch.float16),
    )
    add(layout, "S4-classifier", Dinov2ForImageClassification, v2(**SMALL, num_hidden_layers=4, num_labels=7), save(), TABLE_112, 4)
    add(layout, "S4-backbone", Dinov2Backbone, v2(**SMALL, num_hidden_layers=4), save(), TABLE_112, 4)
    add(layout, "S4-bin", Dinov2Model, v2(**SMALL, num_hidden_layers=4), save_bin, TABLE_112, 4)
    add(layout, "S4-without-mask-token", Dinov2Model, v2(**SMALL, num_hidden_layers=4, use_mask_token=False), save(), TABLE_112, 4)
    add(layout, "S4-without-qkv-bias", Dinov2Model, v2(**SMALL, num_hidden_layers=4, qkv_bias=False), save(), TABLE_112, 4)
    add(layout, "S4-file-only", Dinov2Model, v2(**SMALL, num_hidden_layers=4), save_file_only, TABLE_112, 4)
    add(layout, "S4-epsilon", Dinov2Model, v2(**SMALL, num_hidden_layers=4, layer_norm_eps=1e-2), save(), TABLE_112, 4)
    add(layout, "heads-of-32", Dinov2Model, v2(hidden_size=192, num_attention_heads=6, num_hidden_layers=3, mlp_ratio=2), save(), TABLE_112, 3)

    layout = "hf-dinov2-registers"
    model = Dinov2WithRegistersModel
    add(layout, "S", model, registers(**S, image_size=518), save(), TABLE_518, 4, batch=1)
    add(layout, "B2", model, registers(**B2), save(), TABLE_112, 2)
    add(layout, "giant2-swiglu", model, registers(**GIANT2, use_swiglu_ffn=True), save(), TABLE_112, 2, batch=1)
    add(
        layout, "S4-classifier", Dinov2WithRegistersForImageClassification,
        registers(**SMALL, num_hidden_layers=4, num_labels=7), save(), TABLE_112, 4,
    )

    layout = "hf-dinov3"
    model = DINOv3ViTModel
    plain = {"intermediate_size": 1536, "hidden_act": "gelu"}
    gated = {"intermediate_size": 1536, "hidden_act": "silu", "use_gated_mlp": True}
    no_bias = {"query_bias": False, "key_bias": False, "value_bias": False}
    add(layout, "S", model, v3(**S, **plain), save(), ROPE, 4)
    add(layout, "B2", model, v3(**B2, intermediate_size=3072), save(), ROPE, 2)
    add(layout, "S4-gated", model, v3(**SMALL, num_hidden_layers=4, **gated), save(), ROPE, 4)
    add(
        layout, "7B-like", model,
        v3(hidden_size=512, num_attention_heads=4, num_hidden_layers=2, **{**gated, "intermediate_size": 1024}, **no_bias),
        save(), ROPE, 2,
    )
    add(layout, "S4-sharded", model, v3(**SMALL, num_hidden_layers=4, **plain), save(max_shard_size="5MB"), ROPE, 4)
    add(
        layout, "S4-bfloat16", model, v3(**SMALL, num_hidden_layers=4, **plain), save_half(torch.bfloat16),
        ROPE, 4, after=rounded_to(torch.bfloat16),
    )
    add(layout, "S4-theta-50", model, v3(**SMALL, num_hidden_layers=4, rope_theta=50.0, **plain), save(), ROPE, 4)
    add(layout, "S4-nested-names", model, v3(**SMALL, num_hidden_layers=4, **plain), save_nested, ROPE, 4)
    add(layout, "S4-no-registers", model, v3(**SMALL, num_hidden_layers=4, **{**plain, "num_register_tokens": 0}), save(), ROPE, 4)
    add(layout, "S4-key-bias", model, v3(**SMALL, num_hidden_layers=4, key_bias=True, **plain), save(), ROPE, 4)

    if quick:
        found = [case for case in found if case.name in ("B2", "S4-gated", "S4-sharded", "S4-classifier")]
    return found
