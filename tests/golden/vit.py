"""Goldens of packages/vit: run `python tests/golden/vit.py`.

`packed` comes from our own PyTorch (dinov2_torch.py), `registers` and `sized` from the modules of Hugging
Face's transformers, which resample the position table in the two other published ways; `positions` has all
three. Weights and pictures come from a hash, so only outputs and gradients are stored. Computed in float64.
"""

import sys

import torch

# A neighbour has the name of a library that transformers needs: look there last.
sys.path.append(sys.path.pop(0))

# torchvision's Python looks for these operators when imported; a build without its C++ part lacks them.
library = torch.library.Library("torchvision", "FRAGMENT")
for operator in ("nms", "qnms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d"):
    for name in (operator, f"_{operator}_backward"):
        library.define(f"{name}(Tensor a, Tensor b, float c) -> Tensor")

from transformers import Dinov2Config, Dinov2Model, Dinov2WithRegistersConfig, Dinov2WithRegistersModel  # noqa: E402

from dinov2_torch import VisionTransformer  # noqa: E402
from hashing import order, parameters, symmetric, write  # noqa: E402

D, DEPTH, HEADS, PATCH, IMAGE = 16, 2, 2, 4, 16


def images(seed, batch, height, width):
    return 2 * symmetric(seed, batch, height, width, 3).permute(0, 3, 1, 2)


def masks(seed, batch, patches):
    return symmetric(seed, batch, patches) < -0.1


def objective(outputs):
    """A number that depends on every output: each times its own hashed coefficients."""
    return sum((symmetric(50 + i, *value.shape) * value).sum() for i, value in enumerate(outputs))


def packed():
    model = VisionTransformer(D, DEPTH, HEADS, PATCH, IMAGE)
    shapes = {name: tuple(p.shape) for name, p in model.named_parameters()}
    model.load_state_dict(parameters(shapes))
    rows = [[[order(100 + 10 * block + 4 * group + branch, b)[:k] for branch in (0, 1)] for group, b, k in ((0, 5, 3), (1, 7, 4))] for block in range(DEPTH)]
    tokens = []
    for dropped in (False, True):
        keep = lambda group: [tuple(block[group]) for block in rows] if dropped else None  # noqa: E731
        large = model(images(1, 5, 16, 16), masks(2, 5, 16), keep(0))
        small = model(images(3, 7, 8, 12), None, keep(1))
        tokens.append((*large, *small))
    objective(tokens[1]).backward()
    out = {f"grad.{name}": p.grad for name, p in model.named_parameters()}
    for prefix, values in zip(("full", "dropped"), tokens):
        for name, value in zip(("cls0", "patches0", "cls1", "patches1"), values):
            out[f"{prefix}.{name}"] = value
    write("vit-packed", out)


def positions():
    """A 4 x 4 table on other grids, among them some of as many patches, by the three published resamplers."""
    width = 8
    table = symmetric(7, 1, 17, width)
    config = dict(hidden_size=width, num_attention_heads=1, num_hidden_layers=1, image_size=8, patch_size=2)
    sized = Dinov2Model(Dinov2Config(**config)).embeddings
    antialiased = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**config)).embeddings
    out = {}
    for rows, columns in ((2, 8), (8, 2), (3, 5), (6, 6), (4, 4)):
        for name, embeddings in (("sized", sized), ("antialiased", antialiased)):
            embeddings.position_embeddings.data = table
            tokens = torch.zeros(1, 1 + rows * columns, width)
            resampled = embeddings.interpolate_pos_encoding(tokens, 2 * rows, 2 * columns)
            torch.testing.assert_close(resampled[:, :1], table[:, :1])
            out[f"{name} {rows} x {columns}"] = resampled[:, 1:]
        # As the reference calls it; HF's modules once did the same.
        grid = table[:, 1:].view(1, 4, 4, width).permute(0, 3, 1, 2)
        scale = ((rows + 0.1) / 4, (columns + 0.1) / 4)
        offset = torch.nn.functional.interpolate(grid, scale_factor=scale, mode="bicubic", antialias=False)
        out[f"offset {rows} x {columns}"] = table[:, 1:] if rows == columns == 4 else offset.flatten(2).transpose(1, 2)
    write("vit-positions", out)


def to_hugging_face(record):
    """The same tensors under the names of transformers 5."""
    out = {}
    rename = {
        "cls_token": "embeddings.cls_token",
        "mask_token": "embeddings.mask_token",
        "pos_embed": "embeddings.position_embeddings",
        "register_tokens": "embeddings.register_tokens",
        "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight",
        "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias",
        "norm.weight": "layernorm.weight",
        "norm.bias": "layernorm.bias",
    }
    inner = {"attn.proj": "attention.o_proj", "ls1.gamma": "layer_scale1.lambda1", "ls2.gamma": "layer_scale2.lambda1", "mlp.w3": "mlp.down_proj"}
    for name, value in record.items():
        if name in rename:
            out[rename[name]] = value
            continue
        _, index, rest = name.split(".", 2)
        prefix = f"encoder.layer.{index}."
        layer, _, kind = rest.rpartition(".")
        if layer == "attn.qkv":
            for part, rows in zip("qkv", value.chunk(3)):
                out[f"{prefix}attention.{part}_proj.{kind}"] = rows
        elif layer == "mlp.w12":
            for part, rows in zip(("gate", "up"), value.chunk(2)):
                out[f"{prefix}mlp.{part}_proj.{kind}"] = rows
        elif rest in inner:
            out[prefix + inner[rest]] = value
        else:
            out[f"{prefix}{inner.get(layer, layer)}.{kind}"] = value
    return out


def hugging_face(name, model, ffn, registers, pixels, mask=None):
    model = model.double().eval()
    ours = VisionTransformer(D, DEPTH, HEADS, PATCH, IMAGE, ffn=ffn, registers=registers)
    record = parameters({key: tuple(p.shape) for key, p in ours.named_parameters()})
    model.load_state_dict(to_hugging_face(record), strict=True)
    result = model(pixels, bool_masked_pos=mask, output_hidden_states=True)
    # The final norm over both blocks, as get_intermediate_layers gives them.
    layers = [model.layernorm(hidden) for hidden in result.hidden_states[1:]]
    torch.testing.assert_close(layers[-1], result.last_hidden_state)
    objective([result.last_hidden_state]).backward()
    gradients = {key: p.grad for key, p in model.named_parameters()}
    out = {}
    # Back to official names: put the name of each element where the element is, and read it off.
    numbered, start = {}, 0
    for key, value in record.items():
        numbered[key] = torch.arange(start, start + value.numel(), dtype=torch.float64).view(value.shape)
        start += value.numel()
    flat = torch.zeros(start, dtype=torch.float64)
    for key, places in to_hugging_face(numbered).items():
        gradient = gradients[key]
        flat[places.long().flatten()] = 0 if gradient is None else gradient.flatten()
    for key, places in numbered.items():
        out[f"grad.{key}"] = flat[places.long()]
    out["layer0"], out["layer1"] = layers
    out["prenorm"] = result.hidden_states[-1]
    write(f"vit-{name}", out)


def main():
    torch.set_default_dtype(torch.float64)
    packed()
    positions()
    common = dict(hidden_size=D, num_hidden_layers=DEPTH, num_attention_heads=HEADS, image_size=IMAGE, patch_size=PATCH)
    registers = Dinov2WithRegistersConfig(**common, num_register_tokens=4, use_swiglu_ffn=True)
    hugging_face("registers", Dinov2WithRegistersModel(registers), "swiglu", 4, images(1, 3, 24, 16), masks(2, 3, 24))
    hugging_face("sized", Dinov2Model(Dinov2Config(**common)), "mlp", 0, images(1, 2, 8, 12))


if __name__ == "__main__":
    main()
