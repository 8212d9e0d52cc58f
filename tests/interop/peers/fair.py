"""The authors' own modules, from checkouts of facebookresearch/dinov2 and facebookresearch/dinov3.

The checkouts are only imported from; without them these cases are left out.
"""

from __future__ import annotations

import logging
import sys
from collections import OrderedDict
from functools import partial
from pathlib import Path

import torch
from torch import nn

from .blocks import record_blocks
from .case import Case, outputs
from .huggingface import ROPE, TABLE_112, TABLE_518
from .pictures import fair_dinov2, fair_dinov3
from .randomise import randomise

SMALL = {"embed_dim": 384, "num_heads": 6}
S = {**SMALL, "depth": 12}
B2 = {"embed_dim": 768, "num_heads": 12, "depth": 2}
GIANT2 = {"embed_dim": 1536, "num_heads": 24, "depth": 2, "ffn_layer": "swiglufused"}
# As the hub builds them.
HUB = {"patch_size": 14, "init_values": 1.0, "block_chunks": 0}
HUB_REGISTERS = {**HUB, "num_register_tokens": 4, "interpolate_antialias": True, "interpolate_offset": 0.0}


def dinov2_model(**options) -> nn.Module:
    from dinov2.models.vision_transformer import Block, DinoVisionTransformer, MemEffAttention

    logging.getLogger("dinov2").setLevel(logging.WARNING)
    return DinoVisionTransformer(block_fn=partial(Block, attn_class=MemEffAttention), **{**HUB, **options})


def dinov3_model(**options) -> nn.Module:
    from dinov3.models.vision_transformer import DinoVisionTransformer

    logging.getLogger("dinov3").setLevel(logging.WARNING)
    model = DinoVisionTransformer(
        **{
            "patch_size": 16,
            "pos_embed_rope_rescale_coords": 2,
            "pos_embed_rope_dtype": "fp32",
            "ffn_ratio": 4,
            "layerscale_init": 1e-5,
            "norm_layer": "layernormbf16",
            "n_storage_tokens": 4,
            "mask_k_bias": True,
            **options,
        }
    )
    model.init_weights()  # sets the k bias mask and the periods
    return model


def head(package: str, width: int, prototypes: int) -> nn.Module:
    module = __import__(f"{package}.layers.dino_head", fromlist=["DINOHead"])
    return module.DINOHead(width, prototypes, hidden_dim=96, bottleneck_dim=32)


class Training(nn.Module):
    """Student and teacher, each a backbone with its heads, and the losses' centres."""

    def __init__(self, package: str, backbone, ibot: bool, width: int):
        super().__init__()

        def network() -> nn.ModuleDict:
            parts = {"backbone": backbone(), "dino_head": head(package, width, 128)}
            if ibot:
                parts["ibot_head"] = head(package, width, 64)
            return nn.ModuleDict(parts)

        self.student = network()
        self.teacher = network()
        self.dino_loss = nn.Module()
        self.dino_loss.register_buffer("center", torch.zeros(1, 128))
        self.ibot_patch_loss = nn.Module()
        self.ibot_patch_loss.register_buffer("center", torch.zeros(1, 1, 64))


def backbone_of(model: nn.Module) -> nn.Module:
    return model.teacher["backbone"] if isinstance(model, Training) else model


def run(count: int):
    def run_model(model, images: torch.Tensor) -> dict[str, torch.Tensor]:
        model = backbone_of(model)
        blocks = list(model.blocks)
        if getattr(model, "chunked_blocks", False):
            blocks = [block for chunk in blocks for block in chunk if not isinstance(block, nn.Identity)]
        features, found = record_blocks(blocks, lambda: model.forward_features(images))
        registers = "x_norm_regtokens" if "x_norm_regtokens" in features else "x_storage_tokens"
        tokens = torch.cat(
            [features["x_norm_clstoken"][:, None], features[registers], features["x_norm_patchtokens"]], 1
        )
        return outputs(tokens, features[registers].shape[1], found, model.norm, count)

    return run_model


def teacher_heads(model: nn.Module) -> dict[str, torch.Tensor]:
    """In DINOv2's form: DINOv3's last layer is a plain matrix, which is its rows' lengths and directions."""
    found = {}
    for part in ("dino", "ibot"):
        if f"{part}_head" not in model.teacher:
            continue
        state = dict(model.teacher[f"{part}_head"].state_dict())
        if "last_layer.weight" in state:
            state["last_layer.weight_v"] = state.pop("last_layer.weight")
            state["last_layer.weight_g"] = state["last_layer.weight_v"].double().norm(dim=1, keepdim=True)
        found |= {f"{part}.{name}": tensor for name, tensor in state.items()}
    return found


def save_hub(model, folder: Path) -> str:
    torch.save(model.state_dict(), folder / "backbone.pth")
    return "backbone.pth"


def save_half(model, folder: Path) -> str:
    torch.save({k: v.to(torch.bfloat16) for k, v in model.state_dict().items()}, folder / "backbone.pth")
    return "backbone.pth"


def save_shared(model, folder: Path) -> str:
    """All tensors as views of one storage, every matrix stored transposed: what slicing a flat FSDP buffer gives."""
    state = model.state_dict()
    flat = torch.cat([t.t().reshape(-1) if t.ndim == 2 else t.reshape(-1) for t in state.values()])
    views, offset = OrderedDict(), 0
    for name, tensor in state.items():
        part = flat[offset : offset + tensor.numel()]
        offset += tensor.numel()
        views[name] = part.view(tensor.shape[::-1]).t() if tensor.ndim == 2 else part.view(tensor.shape)
        assert torch.equal(views[name], tensor)
    torch.save(views, folder / "backbone.pth")
    return "backbone.pth"


def save_teacher(model, folder: Path) -> str:
    torch.save({"teacher": model.teacher.state_dict()}, folder / "teacher_checkpoint.pth")
    return "teacher_checkpoint.pth"


def save_prefixed(prefix: str):
    """Under the names of a wrapper: DistributedDataParallel, torch.compile."""

    def save_model(model, folder: Path) -> str:
        torch.save({prefix + name: tensor for name, tensor in model.state_dict().items()}, folder / "backbone.pth")
        return "backbone.pth"

    return save_model


def save_training(model, folder: Path) -> str:
    """Model, optimizer after a step, schedule and iteration, as the training loop's checkpointer writes them."""
    optimizer = torch.optim.AdamW(model.student.parameters(), betas=(0.9, 0.999))
    for parameter in model.student.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.save(
        {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": {"base_values": [0.1, 0.2], "name": "cosine", "done": None, "flag": True},
            "iteration": 1249,
        },
        folder / "model_0001249.rank_0.pth",
    )
    return "model_0001249.rank_0.pth"


def cases(dinov2: Path | None, dinov3: Path | None, quick: bool) -> list[Case]:
    seed = iter(range(2100, 3000))
    found: list[Case] = []

    def add(layout, name, build, saver, sizes, count, batch=2, heads=None, after=lambda m: m):
        number = next(seed)

        def make():
            torch.manual_seed(number)
            return after(randomise(build(), number))

        case = Case(layout, name, make, saver, run(count), sizes, batch)
        if name != "S4-satellite":  # its size does not tell that it saw satellite pictures
            case.transform = lambda _model, _folder: fair_dinov2() if "dinov2" in layout else fair_dinov3()
        if heads:
            case.heads = heads
        found.append(case)

    if dinov2:
        sys.path.insert(0, str(dinov2))
        small = {"img_size": 112}
        layout = "fair-dinov2"
        add(layout, "S", lambda: dinov2_model(img_size=518, **S), save_hub, TABLE_518, 4, batch=1)
        add(layout, "S-registers", lambda: dinov2_model(img_size=518, **S, **HUB_REGISTERS), save_hub, TABLE_518, 4, batch=1)
        add(layout, "B2", lambda: dinov2_model(**B2, **small), save_hub, TABLE_112, 2)
        add(layout, "giant2-swiglu", lambda: dinov2_model(**GIANT2, **small), save_hub, TABLE_112, 2, batch=1)
        add(layout, "B2-registers", lambda: dinov2_model(**B2, **small, **HUB_REGISTERS), save_hub, TABLE_112, 2)
        add(
            layout, "giant2-registers", lambda: dinov2_model(**GIANT2, **small, **HUB_REGISTERS), save_hub,
            TABLE_112, 2, batch=1,
        )
        add(
            layout, "S4-bfloat16", lambda: dinov2_model(**SMALL, depth=4, **small), save_half, TABLE_112, 4,
            after=lambda model: model.to(torch.bfloat16).float(),
        )
        add(layout, "S4-shared-storage", lambda: dinov2_model(**SMALL, depth=4, **small), save_shared, TABLE_112, 4)
        for name, prefix in (("distributed", "module."), ("compiled", "_orig_mod.")):
            add(layout, f"S4-{name}", lambda: dinov2_model(**SMALL, depth=4, **small), save_prefixed(prefix), TABLE_112, 4)
        add(
            layout, "S4-without-layer-scale", lambda: dinov2_model(**SMALL, depth=4, **small, init_values=None),
            save_hub, TABLE_112, 4,
        )

        layout = "fair-dinov2-training"

        def training(ibot=True, **options):
            options = {**SMALL, "img_size": 112, **options}
            return lambda: Training("dinov2", lambda: dinov2_model(**options), ibot, 384)

        add(layout, "S10-chunks-of-2", lambda: dinov2_model(**SMALL, **small, depth=10, block_chunks=4), save_hub, TABLE_112, 4)
        add(layout, "S4-teacher", training(depth=4), save_teacher, TABLE_112, 4, heads=teacher_heads)
        add(layout, "S4-teacher-chunked", training(depth=4, block_chunks=2), save_teacher, TABLE_112, 4, heads=teacher_heads)
        add(
            layout, "S4-teacher-shared-head", training(ibot=False, depth=4), save_teacher, TABLE_112, 4,
            heads=teacher_heads,
        )
        add(layout, "S4-whole-run", training(depth=4), save_training, TABLE_112, 4, heads=teacher_heads)
        add(
            layout, "S4-whole-run-swiglu-chunked", training(depth=4, block_chunks=2, ffn_layer="swiglufused"),
            save_training, TABLE_112, 4, heads=teacher_heads,
        )

    if dinov3:
        sys.path.insert(0, str(dinov3))
        layout = "fair-dinov3"
        plus = {"ffn_ratio": 6, "ffn_layer": "swiglu"}
        seven = {
            "embed_dim": 512, "num_heads": 4, "depth": 2, "ffn_ratio": 3, "ffn_layer": "swiglu64",
            "qkv_bias": False, "untie_global_and_local_cls_norm": True,
        }
        add(layout, "S", lambda: dinov3_model(**S), save_hub, ROPE, 4)
        add(layout, "B2", lambda: dinov3_model(**B2), save_hub, ROPE, 2)
        add(layout, "S4-plus", lambda: dinov3_model(**SMALL, depth=4, **plus), save_hub, ROPE, 4)
        add(layout, "7B-like", lambda: dinov3_model(**seven), save_hub, ROPE, 2)
        add(
            layout, "S4-satellite", lambda: dinov3_model(**SMALL, depth=4, untie_global_and_local_cls_norm=True),
            save_hub, ROPE, 4,
        )
        add(
            layout, "S4-bfloat16", lambda: dinov3_model(**SMALL, depth=4), save_half, ROPE, 4,
            after=lambda model: model.to(torch.bfloat16).float(),  # the periods too
        )
        add(layout, "S4-base-50", lambda: dinov3_model(**SMALL, depth=4, pos_embed_rope_base=50.0), save_hub, ROPE, 4)
        add(
            layout, "S4-periods", lambda: dinov3_model(
                **SMALL, depth=4, pos_embed_rope_base=None, pos_embed_rope_min_period=0.5, pos_embed_rope_max_period=40.0
            ), save_hub, ROPE, 4,
        )
        layout = "fair-dinov3-training"
        add(
            layout, "S4-teacher", lambda: Training("dinov3", lambda: dinov3_model(**SMALL, depth=4), True, 384),
            save_teacher, ROPE, 4, heads=teacher_heads,
        )

    if quick:
        found = [case for case in found if case.name in ("B2", "B2-registers", "S4-shared-storage", "S4-whole-run", "S4-plus")]
    return found
