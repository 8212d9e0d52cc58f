"""Goldens of the last block's attention in packages/vit: run `python tests/golden/vit_attention.py`.

What Hugging Face's models return for `output_attentions` with hashed weights and pictures, in float64:
`registers` of Dinov2WithRegistersModel, `rope` and `rope-gated` (no bias on queries, keys and values) of
DINOv3ViTModel, as (B, heads, 1 + R, N), class token and registers to patches.
"""

import torch
from vit import DEPTH, HEADS, IMAGE, PATCH, D, images, to_hugging_face
from vit_rope import HIDDEN, REGISTERS, pieces, shapes
from transformers import Dinov2WithRegistersConfig, Dinov2WithRegistersModel, DINOv3ViTConfig, DINOv3ViTModel

from dinov2_torch import VisionTransformer
from hashing import parameters, write


def to_patches(model, pixels, registers):
    attention = model(pixels, output_attentions=True).attentions[-1]  # (B, heads, T, T)
    return attention[:, :, : 1 + registers, 1 + registers :]


def with_registers():
    config = Dinov2WithRegistersConfig(
        hidden_size=D, num_hidden_layers=DEPTH, num_attention_heads=HEADS, image_size=IMAGE, patch_size=PATCH,
        num_register_tokens=4, attn_implementation="eager",
    )  # fmt: skip
    model = Dinov2WithRegistersModel(config).double().eval()
    ours = VisionTransformer(D, DEPTH, HEADS, PATCH, IMAGE, registers=4)
    model.load_state_dict(to_hugging_face(parameters({key: tuple(p.shape) for key, p in ours.named_parameters()})))
    return to_patches(model, images(1, 2, 12, 20), 4)


def rotary(gated):
    config = DINOv3ViTConfig(
        hidden_size=D, intermediate_size=HIDDEN, num_hidden_layers=DEPTH, num_attention_heads=HEADS, patch_size=PATCH,
        num_register_tokens=REGISTERS, use_gated_mlp=gated, hidden_act="silu" if gated else "gelu",
        query_bias=not gated, key_bias=not gated, value_bias=not gated, attn_implementation="eager",
    )  # fmt: skip
    model = DINOv3ViTModel(config).double().eval()
    state = {}
    for key, value in parameters(shapes(gated)).items():
        if key != "rope_embed.periods":
            state |= pieces(key, value)
    model.load_state_dict(state)
    return to_patches(model, images(1, 2, 12, 20), REGISTERS)


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    with torch.no_grad():
        write("vit-attention", {"registers": with_registers(), "rope": rotary(False), "rope-gated": rotary(True)})
