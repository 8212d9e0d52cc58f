"""Goldens of DINOv3's rotary positions in packages/vit: run `python tests/golden/vit_rope.py`.

Outputs and gradients of Hugging Face's DINOv3ViTModel with hashed weights and pictures, in float64 but for
the rotations, which it computes in float32. `rope` has the plain feed-forward layer and a bias on queries,
keys and values; `rope-gated` the gated layer and no such bias, as the 7B.
"""

import torch
from vit import DEPTH, HEADS, PATCH, D, images, masks, objective
from transformers import DINOv3ViTConfig, DINOv3ViTModel

from hashing import parameters, write

REGISTERS, HIDDEN = 4, 40


def shapes(gated):
    out = {
        "cls_token": (1, 1, D),
        "register_tokens": (1, REGISTERS, D),
        "mask_token": (1, D),
        "patch_embed.proj.weight": (D, 3, PATCH, PATCH),
        "patch_embed.proj.bias": (D,),
        "rope_embed.periods": (D // HEADS // 4,),
        "norm.weight": (D,),
        "norm.bias": (D,),
    }
    for i in range(DEPTH):
        block = f"blocks.{i}."
        for norm in ("norm1", "norm2"):
            out |= {f"{block}{norm}.weight": (D,), f"{block}{norm}.bias": (D,)}
        linears = [("attn.qkv", 3 * D, D), ("attn.proj", D, D)]
        linears += [("mlp.w12", 2 * HIDDEN, D), ("mlp.w3", D, HIDDEN)] if gated else [("mlp.fc1", HIDDEN, D), ("mlp.fc2", D, HIDDEN)]
        for name, rows, columns in linears:
            out |= {f"{block}{name}.weight": (rows, columns), f"{block}{name}.bias": (rows,)}
        out |= {f"{block}ls1.gamma": (D,), f"{block}ls2.gamma": (D,)}
        if gated:
            del out[f"{block}attn.qkv.bias"]
    return out


def pieces(name, value):
    """The Hugging Face names of a tensor, and the part of it that each has."""
    whole = {
        "cls_token": "embeddings.cls_token",
        "register_tokens": "embeddings.register_tokens",
        "norm.weight": "norm.weight",
        "norm.bias": "norm.bias",
    }
    if name in whole:
        return {whole[name]: value}
    if name == "mask_token":
        return {"embeddings.mask_token": value[None]}
    if name.startswith("patch_embed"):
        return {name.replace("patch_embed.proj", "embeddings.patch_embeddings"): value}
    _, index, rest = name.split(".", 2)
    layer, _, kind = rest.rpartition(".")
    prefix = f"model.layer.{index}."
    split = {"attn.qkv": ("q_proj", "k_proj", "v_proj"), "mlp.w12": ("gate_proj", "up_proj")}
    if layer in split:
        module = "attention" if layer == "attn.qkv" else "mlp"
        parts = value.chunk(len(split[layer]))
        return {f"{prefix}{module}.{part}.{kind}": rows for part, rows in zip(split[layer], parts)}
    renamed = {
        "attn.proj": "attention.o_proj",
        "mlp.fc1": "mlp.up_proj",
        "mlp.fc2": "mlp.down_proj",
        "mlp.w3": "mlp.down_proj",
        "ls1": "layer_scale1",
        "ls2": "layer_scale2",
    }
    return {f"{prefix}{renamed.get(layer, layer)}.{'lambda1' if kind == 'gamma' else kind}": value}


def golden(name, gated):
    config = DINOv3ViTConfig(
        hidden_size=D, intermediate_size=HIDDEN, num_hidden_layers=DEPTH, num_attention_heads=HEADS, patch_size=PATCH,
        num_register_tokens=REGISTERS, use_gated_mlp=gated, hidden_act="silu" if gated else "gelu",
        query_bias=not gated, key_bias=not gated, value_bias=not gated,
    )  # fmt: skip
    model = DINOv3ViTModel(config).double().eval()
    record = parameters(shapes(gated))
    del record["rope_embed.periods"]  # it has a place in the order of names, and its values are the formula's
    state = {}
    for key, value in record.items():
        state |= pieces(key, value)
    model.load_state_dict(state, strict=True)

    wide = model(images(1, 3, 12, 20), bool_masked_pos=masks(2, 3, 15), output_hidden_states=True)
    square = model(images(3, 2, 16, 16))
    objective([wide.last_hidden_state, square.last_hidden_state]).backward()
    gradients = {key: p.grad for key, p in model.named_parameters()}
    out = {
        "wide": wide.last_hidden_state,
        "square": square.last_hidden_state,
        "wide.block0": model.norm(wide.hidden_states[1]),
    }
    torch.testing.assert_close(model.norm(wide.hidden_states[-1]), wide.last_hidden_state)
    for key, value in record.items():
        parts = [gradients[part] for part in pieces(key, value)]
        out[f"grad.{key}"] = torch.cat(parts).view(value.shape)
    write(f"vit-{name}", out)


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    golden("rope", False)
    golden("rope-gated", True)
