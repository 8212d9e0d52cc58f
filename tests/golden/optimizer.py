"""Golden of ten optimizer steps: run `python tests/golden/optimizer.py`.

torch.optim.AdamW with the parameter groups of the reference, gradients clipped per submodule, an
exponential moving average of all parameters, and step 4 skipped as a gradient scaler skips a step
whose gradients are not finite. Parameters and gradients come from the hash of train_step.py, so
only the result is stored. Computed in float64.
"""

import json
from pathlib import Path

import torch

from train_step import uniform

DEPTH, DECAY, PATCH_EMBED, CLIP = 2, 0.9, 0.2, 3.0
SHAPES = {
    "backbone": {
        "pos_embed": (1, 5, 3),
        "patch_embed.proj.weight": (4, 3),
        "patch_embed.proj.bias": (4,),
        "blocks.0.attn.qkv.weight": (6, 3),
        "blocks.1.norm1.weight": (3,),
        "blocks.1.ls1.gamma": (3,),
        "norm.bias": (3,),
    },
    "dinoHead": {"mlp.0.weight": (4, 3), "mlp.0.bias": (4,), "last_layer.weight_g": (5, 1), "last_layer.weight_v": (5, 2)},
}


def group(module, name):
    layer = DEPTH + 1
    if module == "backbone":
        if name.startswith("blocks."):
            layer = int(name.split(".")[1]) + 1
        elif not name.startswith("norm."):
            layer = 0
    lr = DECAY ** (DEPTH + 1 - layer) * (PATCH_EMBED if name.startswith("patch_embed") else 1.0)
    return lr, 0.0 if name.endswith(".bias") or "norm" in name or "gamma" in name else 1.0, "last_layer" in name


def main():
    torch.set_default_dtype(torch.float64)
    student, groups, seed = {}, [], 1
    for module, shapes in SHAPES.items():
        for name, shape in shapes.items():
            count = torch.Size(shape).numel()
            p = torch.nn.Parameter(torch.from_numpy(uniform(seed, count) - 0.5).view(shape))
            student[module, name] = p
            groups.append({"params": [p], "key": group(module, name)})
            seed += 1
    teacher = {k: p.detach().clone() for k, p in student.items()}
    optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.999))
    norms = []
    for step in range(10):
        lr, last = 1e-2 * (step + 1) / 10, 0.0 if step < 3 else 1e-2 * (step + 1) / 10
        for g in optimizer.param_groups:
            multiplier, decay, is_last = g["key"]
            g["lr"], g["weight_decay"] = (last if is_last else lr) * multiplier, (0.04 + 0.01 * step) * decay
        # From far below the clipping norm to far above it.
        size = 4.0 ** (step - 5)
        for i, p in enumerate(student.values()):
            p.grad = torch.from_numpy(size * (uniform(100 * (step + 1) + i, p.numel()) - 0.5)).view(p.shape)
        norms.append([
            torch.nn.utils.clip_grad_norm_([p for (m, _), p in student.items() if m == module], CLIP).item() for module in SHAPES
        ])
        if step == 4:
            continue
        optimizer.step()
        momentum = 0.9 + 0.01 * step
        for k, p in student.items():
            teacher[k].mul_(momentum).add_(p.detach(), alpha=1 - momentum)
    out = {
        "shapes": SHAPES,
        "norms": norms,
        "student": [p.detach().flatten().tolist() for p in student.values()],
        "teacher": [p.flatten().tolist() for p in teacher.values()],
    }
    (Path(__file__).parent / "data" / "optimizer.json").write_text(json.dumps(out) + "\n")


main()
