"""Outputs and gradients of the primitives in float64, from PyTorch.

Writes data/primitives.json. Inputs are rounded to float32, so a float32 implementation starts from
the same numbers. Run: python tests/golden/primitives.py
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)


def randn(*shape, scale=1.0):
    return (torch.randn(*shape) * scale).float().double()


def pack(x):
    data = x.detach().flatten().tolist()
    return {"shape": list(x.shape), "data": [float(f"{value:.9g}") for value in data]}


def differentiated(function, inputs, options=None, **extra):
    """One golden: function(**inputs) and the gradients of sum(dy * output)."""
    leaves = {name: x.clone().requires_grad_() for name, x in inputs.items()}
    output = function(**leaves)
    dy = randn(*output.shape)
    output.backward(dy)
    return {
        "inputs": {name: pack(x) for name, x in inputs.items()},
        "extra": {name: pack(x) for name, x in extra.items()},
        "options": options or {},
        "output": pack(output),
        "dy": pack(dy),
        "gradients": {name: pack(x.grad) for name, x in leaves.items()},
    }


def self_attention(qkv, heads):
    b, n, width = qkv.shape
    q, k, v = qkv.reshape(b, n, 3, heads, width // (3 * heads)).permute(2, 0, 3, 1, 4)
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, width // 3)


def swiglu(x):
    gate, value = x.chunk(2, dim=-1)
    return F.silu(gate) * value


def distillation_cross_entropy(student, teacher, temperature):
    repeated = teacher.repeat(student.shape[0] // teacher.shape[0], 1)
    return -(repeated * F.log_softmax(student / temperature, dim=-1)).sum(-1)


def add_scaled_rows(x, y, gamma, rows, scale):
    return x.index_add(0, rows, y * gamma, alpha=scale)


def weight_norm(v, g):
    return torch._weight_norm(v, g, 0)


def resample(x, **options):
    return F.interpolate(x.permute(0, 3, 1, 2), mode="bicubic", align_corners=False, **options).permute(0, 2, 3, 1)


def sinkhorn_knopp(logits, temperature, iterations=3):
    q = torch.exp(logits / temperature).T
    k, n = q.shape
    q = q / q.sum()
    for _ in range(iterations):
        q = q / q.sum(1, keepdim=True) / k
        q = q / q.sum(0, keepdim=True) / n
    return (q * n).T


def adamw():
    """Ten steps with a new learning rate and weight decay each, as under a schedule."""
    beta1, beta2, eps = 0.9, 0.999, 1e-8
    start = randn(3, 4)
    param = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.AdamW([param], lr=1e-3, betas=(beta1, beta2), eps=eps, foreach=False)
    steps = []
    for t in range(1, 11):
        group = optimizer.param_groups[0]
        group["lr"] = 1e-2 * t / 10
        group["weight_decay"] = 0.04 + 0.036 * t
        grad = randn(3, 4, scale=0.1 if t != 5 else 10)
        scale = 0.5 if t % 2 else 1.0
        param.grad = grad * scale
        optimizer.step()
        state = optimizer.state[param]
        steps.append({
            "grad": pack(grad),
            "hyper": [group["lr"], group["weight_decay"], 1 / (1 - beta1**t), 1 / (1 - beta2**t), scale, 1],
            "param": pack(param),
            "m": pack(state["exp_avg"]),
            "v": pack(state["exp_avg_sq"]),
        })
    return {"param": pack(start), "steps": steps}


rows = torch.tensor([3, 0, 4])
gamma = randn(4)
student, teacher = randn(6, 7, scale=0.3), torch.rand(3, 7).float().double()
offset_ratio = [4 / 3.1, 5 / 2.1]
logits = randn(5, 6, scale=0.1)

goldens = {
    "linear": differentiated(F.linear, {"input": randn(2, 3, 5), "weight": randn(4, 5), "bias": randn(4)}),
    "linear without bias": differentiated(F.linear, {"input": randn(3, 5), "weight": randn(4, 5)}),
    "layerNorm": differentiated(
        lambda x, gamma, beta: F.layer_norm(x, (6,), gamma, beta, 1e-6),
        # A mean far from 0 tells a two-pass variance from E[x²] − E[x]².
        {"x": (randn(2, 3, 6) + 100).float().double(), "gamma": randn(6), "beta": randn(6)},
    ),
    "gelu": differentiated(F.gelu, {"input": torch.cat([torch.tensor([-1.0, 0.5, 2.0, 0.0, -6.0, 6.0]), randn(14, scale=2)])}),
    "swiglu": differentiated(swiglu, {"x": randn(2, 3, 8)}),
    "attention": differentiated(
        F.scaled_dot_product_attention,
        {"query": randn(2, 3, 4, 5), "key": randn(2, 3, 4, 5), "value": randn(2, 3, 4, 5)},
    ),
    "attention with large logits": differentiated(
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=1.0),
        {"q": randn(1, 1, 3, 2, scale=20), "k": randn(1, 1, 3, 2, scale=20), "v": randn(1, 1, 3, 2)},
        {"scale": 1},
    ),
    "selfAttention": differentiated(lambda qkv: self_attention(qkv, 2), {"qkv": randn(2, 4, 18)}, {"heads": 2}),
    "distillationCrossEntropy": differentiated(
        lambda student: distillation_cross_entropy(student, teacher, 0.1),
        {"student": student}, {"temperature": 0.1}, teacher=teacher,
    ),
    "addScaledRows": differentiated(
        lambda x, y, gamma: add_scaled_rows(x, y, gamma, rows, 5 / 3),
        {"x": randn(5, 2, 4), "y": randn(3, 2, 4), "gamma": gamma}, {"scale": 5 / 3, "rows": rows.tolist()},
    ),
    "addScaledRows without rows": differentiated(
        lambda x, y: x + 0.5 * y, {"x": randn(3, 4), "y": randn(3, 4)}, {"scale": 0.5},
    ),
    "takeRows": differentiated(lambda x: x[rows], {"x": randn(5, 2, 3)}, {"rows": rows.tolist()}),
    "weightNorm": differentiated(weight_norm, {"v": randn(5, 3), "g": randn(5, 1)}),
    "l2Normalize": differentiated(lambda x: F.normalize(x, dim=-1, eps=1e-12), {"x": randn(2, 3, 4)}),
    # Rows shorter than epsilon are divided by epsilon.
    "l2Normalize below epsilon": differentiated(
        lambda x: F.normalize(x, dim=-1, eps=1.0),
        {"x": torch.tensor([[0.25, 0.5, 0.0], [0.0, 0.0, 0.0], [3.0, 4.0, 0.0]])}, {"epsilon": 1},
    ),
    "resampleBicubic smaller": differentiated(
        lambda x: resample(x, size=(3, 2)), {"x": randn(2, 4, 5, 3)}, {"size": [3, 2]},
    ),
    "resampleBicubic larger": differentiated(
        lambda x: resample(x, size=(7, 9)), {"x": randn(1, 4, 5, 2)}, {"size": [7, 9]},
    ),
    "resampleBicubic smaller antialias": differentiated(
        lambda x: resample(x, size=(2, 2), antialias=True),
        {"x": randn(2, 7, 5, 2)}, {"size": [2, 2], "antialias": True},
    ),
    "resampleBicubic larger antialias": differentiated(
        lambda x: resample(x, size=(6, 8), antialias=True),
        {"x": randn(1, 4, 5, 2)}, {"size": [6, 8], "antialias": True},
    ),
    "resampleBicubic ratios": differentiated(
        lambda x: resample(x, scale_factor=(3.1 / 4, 2.1 / 5)),
        {"x": randn(1, 4, 5, 2)}, {"size": [3, 2], "ratios": offset_ratio},
    ),
    "resampleBicubic ratios antialias": differentiated(
        lambda x: resample(x, scale_factor=(3.1 / 4, 2.1 / 5), antialias=True),
        {"x": randn(1, 4, 5, 2)}, {"size": [3, 2], "ratios": offset_ratio, "antialias": True},
    ),
    "sinkhornKnopp": {
        "logits": pack(logits), "temperature": 0.05, "output": pack(sinkhorn_knopp(logits, 0.05)),
        # Rows 1 and 3 are padding: the others alone make the problem.
        "valid": [1, 0, 1, 0, 1], "validRows": pack(sinkhorn_knopp(logits[[0, 2, 4]], 0.05)),
    },
    "adamW": adamw(),
}

assert math.isclose(goldens["gelu"]["output"]["data"][0], -0.158655, abs_tol=1e-6)
path = Path(__file__).parent / "data" / "primitives.json"
lines = [f"{json.dumps(name)}: {json.dumps(golden, separators=(',', ':'))}" for name, golden in goldens.items()]
path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
