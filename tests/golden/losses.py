"""Goldens of packages/losses: run `python tests/golden/losses.py`. Our own PyTorch, float64, hashed inputs."""

import torch
import torch.nn.functional as F

from dinov2_torch import cross_entropy, koleo, sinkhorn_knopp
from hashing import symmetric, write

B, LOCALS, K, D = 3, 4, 7, 5


def logits(seed, rows):
    """Within ±1, as the cosines of a head are."""
    return 2 * symmetric(seed, rows, K)


def dino(locals_count):
    """The published double loop over student and teacher crops."""
    teacher = F.softmax(logits(1, 2 * B) / 0.07, -1)
    student_global = logits(2, 2 * B).requires_grad_()
    student_local = logits(3, locals_count * B).requires_grad_()
    pairs = 2 + max(2 * locals_count, 1)
    t = teacher.chunk(2)
    crops = [student_local[j * B : (j + 1) * B] for j in range(locals_count)]
    local = sum((cross_entropy(s, m).mean() for s in crops for m in t), torch.zeros(())) / pairs
    swapped = torch.cat([t[1], t[0]])
    whole = 2 * cross_entropy(student_global, swapped).mean() / pairs
    (2 * local + 3 * whole).backward()
    key = f"dino{locals_count}"
    out = {f"{key}.local": local, f"{key}.global": whole, f"{key}.grad.global": student_global.grad}
    if locals_count:
        out[f"{key}.grad.local"] = student_local.grad
    return out


def ibot():
    images, patches, padded = 4, 6, 10
    masks = symmetric(4, images, patches) < -0.2
    masks[1] = False
    count = int(masks.sum())
    weights = (1 / masks.sum(-1).clamp(min=1))[:, None].expand_as(masks)[masks]
    tokens = (2 * symmetric(5, images, patches, D)).requires_grad_()
    index = masks.flatten().nonzero().flatten()
    free = (~masks).flatten().nonzero().flatten()
    prototypes = symmetric(6, K, D)
    teacher = F.softmax(logits(7, count) / 0.07, -1)
    loss = (cross_entropy(tokens.flatten(0, 1)[index] @ prototypes.t(), teacher) * weights).sum() / images
    loss.backward()
    pad = padded - count
    assert pad > 0
    return {
        "ibot.loss": loss,
        "ibot.grad.tokens": tokens.grad,
        # The padded buffers that a static step is given: distinct indices, teacher rows that must not matter.
        "ibot.indices": torch.cat([index, free[:pad]]),
        "ibot.weights": torch.cat([weights, torch.zeros(pad)]),
        "ibot.teacher": torch.cat([teacher, torch.full((pad, K), 1 / K)]),
    }


def spread():
    out = {}
    x = 2 * symmetric(8, 6, D)
    twins = x.clone()
    twins[4] = twins[1]
    for name, value in (("koleo", x), ("twins", twins)):
        value = value.requires_grad_()
        loss = koleo(value)
        loss.backward()
        out[f"{name}.loss"], out[f"{name}.grad"] = loss, value.grad
    return out


def centring():
    out, centre = {}, torch.zeros(1, K)
    for step in range(3):
        t = logits(20 + step, 2 * B)
        out[f"centring.{step}"] = F.softmax((t - centre) / (0.04 + 0.01 * step), -1)
        centre = 0.9 * centre + 0.1 * t.mean(0, keepdim=True)
        out[f"centre.{step}"] = centre
    return out


def main():
    torch.set_default_dtype(torch.float64)
    out = {**dino(LOCALS), **dino(0), **ibot(), **spread(), **centring()}
    out["sinkhorn"] = sinkhorn_knopp(logits(9, 2 * B), 0.05)
    write("losses", out)


if __name__ == "__main__":
    main()
