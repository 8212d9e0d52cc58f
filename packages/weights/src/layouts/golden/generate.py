"""Tiny models of transformers and timm, as their own programs save them, and what they make of fixed pictures.

Run with torch, transformers 5, timm and safetensors: python generate.py
Weights are random and exact in float16, so that files are small; outputs are float32.
"""

import copy
import shutil
from pathlib import Path

import torch

# timm and transformers import torchvision, whose compiled operators are not needed here.
library = torch.library.Library("torchvision", "DEF")
for name in ("nms(Tensor a, Tensor b, float c)", "qnms(Tensor a, Tensor b, float c)"):
    library.define(f"{name} -> Tensor")
for name in ("roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d"):
    library.define(f"{name}(Tensor a) -> Tensor")
    library.define(f"_{name}_backward(Tensor a) -> Tensor")

import timm  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from timm.models._hub import save_for_hf  # noqa: E402
from timm.models.eva import checkpoint_filter_fn as filter_eva  # noqa: E402
from timm.models.vision_transformer import checkpoint_filter_fn as filter_vit  # noqa: E402
from transformers import (  # noqa: E402
    BitImageProcessor,
    Dinov2Config,
    Dinov2ForImageClassification,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    DINOv3ViTConfig,
    DINOv3ViTImageProcessor,
    DINOv3ViTModel,
)

here = Path(__file__).parent
D, HEADS, PATCH = 16, 2, 4
SIZES = [(16, 16), (8, 20), (24, 24)]  # native, not square, larger


def picture(height, width):
    """Values in -1..1 that any language computes alike; the last axis of the index is the channel."""
    index = torch.arange(height * width * 3, dtype=torch.float64)
    return ((index * 7919) % 1013 / 506.5 - 1).reshape(1, height, width, 3).permute(0, 3, 1, 2).float()


def random(shape, kind, generator):
    values = torch.randn(shape, generator=generator)
    if kind == "weight":
        values *= shape[1:].numel() ** -0.5
    elif kind == "scale":  # of norms and LayerScale
        values = 0.75 + 0.25 * values
    else:
        values *= 0.3
    return values.half().float()


@torch.no_grad()
def randomise(state, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in state.items():
        if name.endswith(("periods", "bias_mask")):
            continue
        scale = tensor.ndim == 1 and not name.endswith("bias")
        kind = "scale" if scale else "weight" if name.endswith("weight") and tensor.ndim > 1 else "other"
        tensor.copy_(random(tensor.shape, kind, generator))
    return state


@torch.no_grad()
def record(folder, forward, blocks, norm, prefix):
    """Final tokens at every size, and each block's output at the native size."""
    outputs = {}
    for height, width in SIZES:
        found = []
        hooks = [
            block.register_forward_hook(lambda _m, _i, out: found.append(out[0] if isinstance(out, tuple) else out))
            for block in blocks
        ]
        outputs[f"{height}x{width}"] = norm(forward(picture(height, width)))[0].contiguous()
        for hook in hooks:
            hook.remove()
        if (height, width) == SIZES[0]:
            for index, output in enumerate(found):
                outputs[f"block{index}"] = output[0].contiguous()
    save_file(outputs, folder / "expected.safetensors", {"prefix": str(prefix)})


def fresh(name):
    folder = here / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def hugging_face(name, model, seed):
    folder = fresh(name)
    model.eval()
    randomise(dict(model.named_parameters()), seed)
    # A copy: rounding the model itself would round the periods of rotary positions, which are computed.
    copy.deepcopy(model).half().save_pretrained(folder)
    inner = getattr(model, "dinov2", model)
    layers = inner.model.layer if hasattr(inner, "model") else inner.encoder.layer
    prefix = 1 + getattr(inner.config, "num_register_tokens", 0)
    record(folder, lambda x: inner(pixel_values=x).last_hidden_state, layers, lambda x: x, prefix)


SHAPE = {"hidden_size": D, "num_attention_heads": HEADS, "patch_size": PATCH, "image_size": 16}
hugging_face(
    "huggingface-dinov2",
    Dinov2ForImageClassification(Dinov2Config(**SHAPE, num_hidden_layers=2, mlp_ratio=2, num_labels=3)),
    1,
)
hugging_face(
    "huggingface-dinov2-with-registers",
    Dinov2WithRegistersModel(
        Dinov2WithRegistersConfig(
            **SHAPE, num_hidden_layers=1, mlp_ratio=3, use_swiglu_ffn=True, num_register_tokens=3, layer_norm_eps=1e-3
        )
    ),
    2,
)
hugging_face(
    "huggingface-dinov3",
    DINOv3ViTModel(DINOv3ViTConfig(**SHAPE, num_hidden_layers=2, intermediate_size=32, num_register_tokens=4)),
    3,
)
hugging_face(
    "huggingface-dinov3-gated",
    DINOv3ViTModel(
        DINOv3ViTConfig(
            **SHAPE, num_hidden_layers=1, intermediate_size=24, use_gated_mlp=True, hidden_act="silu",
            query_bias=False, value_bias=False, num_register_tokens=2, rope_theta=50.0,
        )
    ),
    4,
)

# With the settings of facebook/dinov2-base, and the defaults.
BitImageProcessor(
    size={"shortest_edge": 256}, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225]
).save_pretrained(here / "huggingface-dinov2")
DINOv3ViTImageProcessor().save_pretrained(here / "huggingface-dinov3")


def create(architecture, **options):
    return timm.create_model(
        architecture, num_classes=0, dynamic_img_size=True,
        **{"patch_size": PATCH, "img_size": 16, "embed_dim": D, "num_heads": HEADS, "depth": 1, **options},
    ).eval()


def timm_model(name, architecture, seed, **options):
    folder = fresh(name)
    model = create(architecture, **options)
    randomise(model.state_dict(), seed)
    save_for_hf(copy.deepcopy(model).half(), folder, safe_serialization=True, model_args={"num_heads": HEADS, **options})
    record(folder, model.forward_features, model.blocks, lambda x: x, model.num_prefix_tokens)


timm_model("timm-dinov2", "vit_small_patch14_dinov2", 11, mlp_ratio=2)
timm_model("timm-dinov2-giant-registers", "vit_giant_patch14_reg4_dinov2", 12, mlp_ratio=3)
timm_model("timm-dinov3", "vit_small_patch16_dinov3_qkvb", 13, mlp_ratio=2)
timm_model("timm-dinov3-plus", "vit_small_plus_patch16_dinov3", 14, mlp_ratio=1.5)


def fair(name, shapes, seed, model, convert, wrap=None):
    """Weights under a repository's names, given to timm by timm's own conversion."""
    folder = fresh(name)
    state = randomise({key: torch.zeros(shape) for key, shape in shapes.items()}, seed)
    for key, tensor in state.items():
        if key.endswith("bias_mask"):
            tensor.fill_(1)
            tensor[D : 2 * D] = 0
        if key.endswith("periods"):
            # As the released files have them, rounded to bfloat16; timm is given the same below.
            count = tensor.numel()
            tensor.copy_((100.0 ** (torch.arange(count) / count)).bfloat16())
            model.rope.periods.copy_(tensor)
    stored = {key: value.half() if not key.endswith("periods") else value for key, value in state.items()}
    if wrap is None:
        save_file(stored, folder / "weights.safetensors")
    else:
        torch.save(wrap(stored), folder / "weights.pth")
    model.load_state_dict(convert({key: value.clone() for key, value in state.items()}, model))
    record(folder, model.forward_features, model.blocks, lambda x: x, model.num_prefix_tokens)


def fair_shapes(depth, hidden, registers, table):
    shapes = {"cls_token": (1, 1, D), "mask_token": (1, D), "patch_embed.proj.weight": (D, 3, PATCH, PATCH)}
    shapes["patch_embed.proj.bias"] = (D,)
    if table:
        shapes |= {"pos_embed": (1, 1 + table * table, D), "register_tokens": (1, registers, D)}
    else:
        shapes |= {"rope_embed.periods": (D // HEADS // 4,), "storage_tokens": (1, registers, D)}
    for i in range(depth):
        block = {"norm1.weight": (D,), "norm1.bias": (D,), "attn.qkv.weight": (3 * D, D), "attn.qkv.bias": (3 * D,)}
        block |= {"attn.proj.weight": (D, D), "attn.proj.bias": (D,), "ls1.gamma": (D,)}
        block |= {"norm2.weight": (D,), "norm2.bias": (D,), "ls2.gamma": (D,)}
        if table:
            block |= {"mlp.fc1.weight": (hidden, D), "mlp.fc1.bias": (hidden,)}
            block |= {"mlp.fc2.weight": (D, hidden), "mlp.fc2.bias": (D,)}
        else:
            block |= {"attn.qkv.bias_mask": (3 * D,)}
            for part in ("w1", "w2"):
                block |= {f"mlp.{part}.weight": (hidden, D), f"mlp.{part}.bias": (hidden,)}
            block |= {"mlp.w3.weight": (D, hidden), "mlp.w3.bias": (D,)}
        shapes |= {f"blocks.{i}.{key}": shape for key, shape in block.items()}
    return shapes | {"norm.weight": (D,), "norm.bias": (D,)}


def training_checkpoint(state):
    """A teacher checkpoint with blocks in two chunks and both heads; the DINO head uses older names."""
    generator = torch.Generator().manual_seed(99)

    def head(names):
        shapes = {"mlp.0.weight": (12, D), "mlp.0.bias": (12,), "mlp.2.weight": (12, 12), "mlp.2.bias": (12,)}
        shapes |= {"mlp.4.weight": (8, 12), "mlp.4.bias": (8,), names[0]: (20, 1), names[1]: (20, 8)}
        return {key: torch.randn(shape, generator=generator).half() for key, shape in shapes.items()}

    teacher = {}
    for key, value in state.items():
        parts = key.split(".")
        chunked = ".".join(["blocks", parts[1], *parts[1:]]) if parts[0] == "blocks" else key
        teacher[f"backbone.{chunked}"] = value
    old = ("last_layer.weight_g", "last_layer.weight_v")
    new = ("last_layer.parametrizations.weight.original0", "last_layer.parametrizations.weight.original1")
    teacher |= {f"dino_head.{key}": value for key, value in head(old).items()}
    teacher |= {f"ibot_head.{key}": value for key, value in head(new).items()}
    return {"teacher": teacher, "iteration": 1249}


fair(
    "fair-dinov2-training", fair_shapes(2, 32, 4, 4), 21,
    create("vit_small_patch14_reg4_dinov2", depth=2, mlp_ratio=2), filter_vit, training_checkpoint,
)
fair(
    "fair-dinov3", fair_shapes(1, 24, 4, 0) | {"local_cls_norm.weight": (D,), "local_cls_norm.bias": (D,)}, 22,
    create("vit_small_plus_patch16_dinov3_qkvb", mlp_ratio=1.5), filter_eva,
)
