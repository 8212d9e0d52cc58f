"""Goldens of the whole training step: run `python tests/golden/train_step.py`.

Weights and pictures come from a counter-based integer hash that `tests/support/hash.ts` repeats, so
nothing but results is stored: the terms, gradients and updated parameters of the first step, and the
losses of fifty steps. Computed in float64, so that the only rounding compared is ours.
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

from dinov2_torch import Centre, Student, Trainer
from hashing import hashed

STEPS, B, LOCALS, DEPTH, PATCH, GLOBAL, LOCAL = 50, 4, 2, 2, 14, 56, 28
VIT = {"dim": 24, "depth": DEPTH, "heads": 2, "patch": PATCH, "image_size": GLOBAL, "init_values": 0.5}
HEAD = {"prototypes": 48, "hidden": 32, "bottleneck": 16}
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def uniform(seed, count):
    return hashed(seed, count) / 2.0**32


def fill(student):
    """Every parameter uniform in ±0.3 around 1 (norms, scales, g) or 0, by its place in the state dict."""
    for i, (name, parameter) in enumerate(student.named_parameters()):
        around = 1.0 if name.endswith(("norm1.weight", "norm2.weight", "norm.weight", "weight_g")) else 0.0
        value = around + 0.6 * (uniform(1000 + i, parameter.numel()) - 0.5)
        parameter.data = torch.from_numpy(value).view_as(parameter)


def pictures(seed, count, size, cell):
    """(count, size, size, 3) uint8: random colours in cells of `cell` pixels."""
    n = size // cell
    noise = (hashed(seed, count * n * n * 3) >> np.uint32(24)).reshape(count, n, n, 3)
    return noise.repeat(cell, 1).repeat(cell, 2)


def normalised(images):
    return torch.from_numpy(((images / 255.0) - MEAN) / STD).permute(0, 3, 1, 2)


def order(seed, count):
    return np.argsort(hashed(seed, count), kind="stable")


def batch(step):
    masks = np.zeros((2 * B, 16), bool)
    for i, row in enumerate(order(7_000 + step, 2 * B)[:B]):
        masks[row, order(8_000 + 10 * step + i, 16)[: 2 + 2 * i]] = True
    keep = lambda seed, count: torch.from_numpy(order(seed, count)[: int(count * 0.6)].copy())  # noqa: E731
    rows = lambda group, count: [  # noqa: E731
        tuple(keep(100_000 + 1000 * step + 100 * group + 10 * block + branch, count) for branch in (0, 1))
        for block in range(DEPTH)
    ]
    return {
        # Four pictures repeat through the run, two views each, so that there is something to learn.
        "globals": normalised(pictures(10 + step % 3, 2 * B, GLOBAL, 7)),
        "locals": normalised(pictures(20 + step % 3, LOCALS * B, LOCAL, 7)),
        "masks": torch.from_numpy(masks),
        "rows_global": rows(0, 2 * B),
        "rows_local": rows(1, LOCALS * B),
    }


def schedule(step):
    return {
        "lr": 2e-3 * min(1, (step + 1) / 10),
        "last_layer_lr": 0.0 if step < 5 else 2e-3 * min(1, (step + 1) / 10),
        "weight_decay": 0.04 + 0.002 * step,
        "momentum": 0.9 + 0.001 * step,
        "temperature": 0.04 + 0.0005 * step,
    }


def main():
    torch.set_default_dtype(torch.float64)
    out = Path(__file__).parent / "data"
    runs = {}
    for key in ("shared", "separate", "centering"):
        separate = key == "separate"
        student, teacher = Student(VIT, HEAD, separate), Student(VIT, HEAD, separate)
        fill(student)
        centres = (Centre(HEAD["prototypes"]), Centre(HEAD["prototypes"])) if key == "centering" else None
        trainer = Trainer(student, teacher, centres=centres)
        curve = []
        for step in range(STEPS):
            terms, norms = trainer.step(batch(step), **schedule(step))
            curve.append({k: float(v.detach()) for k, v in terms.items()})
            curve[-1]["norms"] = {k: float(v) for k, v in norms.items()}
            if step == 0 and key == "shared":
                # Gradients are the clipped ones; undo it, as the goldens are of the loss.
                tensors = {}
                for module, child in student.named_children():
                    scale = max(1.0, curve[0]["norms"][module] / 3.0 * (1 + 1e-6 / curve[0]["norms"][module]))
                    for name, p in child.named_parameters():
                        tensors[f"grad.{module}.{name}"] = (p.grad * scale).numpy().astype(np.float32)
                for name, p in student.named_parameters():
                    tensors[f"student.{name}"] = p.detach().numpy().astype(np.float32)
                save_file(tensors, str(out / "train-step.safetensors"))
        runs[key] = {"curve": curve, "parameters": [(n, p.shape) for n, p in student.named_parameters()]}
    (out / "train-curve.json").write_text(json.dumps(runs))
    print(runs["shared"]["curve"][0], runs["shared"]["curve"][-1])


if __name__ == "__main__":
    main()
