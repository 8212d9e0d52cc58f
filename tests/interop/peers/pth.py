"""Files of `torch.save` with everything a state dict may hold, beside the values they must be read as.

Values are compared bit for bit: `NAME.safetensors` holds each tensor contiguous and in its own type,
`NAME.float32.safetensors` as float32.
"""

from __future__ import annotations

import argparse
import json
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

DTYPES = ["float32", "float16", "bfloat16", "float64", "int64", "int32", "uint8", "bool"]


def values(dtype: torch.dtype, shape: tuple[int, ...], seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    if dtype == torch.bool:
        return torch.rand(shape, generator=generator) < 0.5
    if dtype.is_floating_point:
        return (torch.randn(shape, generator=generator) * 3).to(dtype)
    limits = torch.iinfo(dtype)
    # Beyond 2^53 a JavaScript number cannot follow; such integers are in `int64-extremes`.
    bound = min(limits.max, 2**40)
    return torch.randint(max(limits.min, -bound), bound, shape, generator=generator).to(dtype)


def special(dtype: torch.dtype) -> torch.Tensor:
    """Zeros of both signs, infinities, subnormals, the largest and the smallest numbers."""
    info = torch.finfo(dtype)
    return torch.tensor(
        [0.0, -0.0, float("inf"), float("-inf"), info.max, info.min, info.tiny, info.tiny / 4, -info.tiny / 4, info.eps],
        dtype=dtype,
    )


def files() -> dict[str, tuple[object, dict]]:
    """Name of a file: the object to save, and options of `torch.save`."""
    found: dict[str, tuple[object, dict]] = {}
    for i, name in enumerate(DTYPES):
        dtype = getattr(torch, name)
        tensors = {"matrix": values(dtype, (5, 7), i), "vector": values(dtype, (11,), i + 50), "one": values(dtype, (), i + 90)}
        if dtype.is_floating_point:
            tensors["special"] = special(dtype)
        found[f"dtype-{name}"] = (tensors, {})

    base = values(torch.float32, (4, 6, 8), 1)
    half = base.to(torch.bfloat16)
    shared = {
        "whole": base,
        "row": base[2],
        "column": base[:, 3],
        "transposed": base.transpose(0, 2),
        "permuted": base.permute(1, 2, 0),
        "strided": base[::2, 1::3, ::2],
        "diagonal": torch.diagonal(base[0]),
        "expanded": base[0, 0, :1].expand(3, 5),
        "broadcast": base[1, :, :1].expand(6, 4),
        "again": base,
        "empty": base[:0],
        "scalar": base[1, 2, 3],
        "half-whole": half,
        "half-transposed": half.transpose(0, 1),
        "half-strided": half[1:, ::2, 1],
    }
    found["shared-storage"] = (shared, {})

    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(3, 4, 2), nn.BatchNorm2d(4), nn.Linear(4, 5))
    found["state-dict"] = (model.state_dict(), {})  # an OrderedDict with `_metadata`
    found["parameters"] = (OrderedDict((k, v) for k, v in model.named_parameters()), {})
    for protocol in (2, 3, 4, 5):
        found[f"protocol-{protocol}"] = (model.state_dict(), {"pickle_protocol": protocol})

    optimizer = torch.optim.AdamW(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    found["nested"] = (
        {
            "model": {"student.backbone.x": base, "teacher": OrderedDict(y=base[1])},
            "optimizer": optimizer.state_dict(),
            "list": [base[0], 1, "two", (3.5, None, base[2, 1]), [], {}, ()],
            "flag": True,
            "negative": -(2**31) - 5,
            "large": 2**40 + 1,
            "float": 1e-300,
            "nothing": None,
            "text": "Grüße, 世界",
            "set": {1, 2},
            3: "integer key",
        },
        {},
    )
    found["defaultdict"] = (defaultdict(dict, {"a": base}), {})
    found["size"] = ({"shape": base.shape, "a": base[0]}, {})
    found["large-tensor"] = ({"a": values(torch.float32, (1500, 1501), 9), "b": values(torch.bfloat16, (999, 1003), 10)}, {})
    found["int64-extremes"] = ({"a": torch.tensor([2**63 - 1, -(2**63), 2**53 + 1])}, {})
    return found



def refused() -> dict[str, tuple[object, dict, str]]:
    """Files that must be refused, and a word that the refusal must name."""

    class Reduce:
        def __reduce__(self):
            return (print, ("executed",))

    base = torch.arange(6.0)
    return {
        "calls-print": ({"a": base, "b": Reduce()}, {}, "print"),
        "namespace": ({"a": base, "args": argparse.Namespace(lr=1)}, {}, "Namespace"),
        "path": ({"a": base, "path": Path("/tmp")}, {}, "Path"),
        "numpy": ({"a": np.arange(3.0)}, {}, "numpy"),
        "module": (nn.Linear(2, 2), {}, "Linear"),
        # A tensor larger than its storage has no place in a state dict, and no bound in memory.
        "overlapping": ({"a": torch.as_strided(base, (3, 4), (1, 1))}, {}, "overlaps"),
        "int16": ({"a": base.short()}, {}, "int16|Short"),
        "int8": ({"a": base.char()}, {}, "int8|Char"),
        "legacy": ({"a": base}, {"_use_new_zipfile_serialization": False}, "torch.save"),
        "sparse": ({"a": base.to_sparse()}, {}, "sparse"),
        "quantized": ({"a": torch.quantize_per_tensor(base, 0.1, 0, torch.qint8)}, {}, "quantized|QInt8"),
        "complex": ({"a": torch.complex(base, base)}, {}, "omplex"),
    }


def flatten(prefix: str, value: object, tensors: dict, others: dict) -> None:
    if isinstance(value, torch.Tensor):
        tensors[prefix] = value.detach()
    elif isinstance(value, dict) and value:
        for key, item in value.items():
            flatten(f"{prefix}.{key}" if prefix else str(key), item, tensors, others)
    elif isinstance(value, (list, tuple)) and not isinstance(value, torch.Size) and value:
        for key, item in enumerate(value):
            flatten(f"{prefix}.{key}" if prefix else str(key), item, tensors, others)
    elif isinstance(value, (str, int, float, bool, type(None))):
        others[prefix] = value


def write(out: Path) -> None:
    folder = out / "pth"
    folder.mkdir(parents=True, exist_ok=True)
    index = {"files": [], "refused": []}
    for name, (value, options) in files().items():
        torch.save(value, folder / f"{name}.pth", **options)
        tensors: dict[str, torch.Tensor] = {}
        others: dict[str, object] = {}
        flatten("", value, tensors, others)
        save_file({k: v.clone().contiguous() for k, v in tensors.items()}, folder / f"{name}.safetensors")
        save_file({k: v.float().clone().contiguous() for k, v in tensors.items()}, folder / f"{name}.float32.safetensors")
        index["files"].append({"name": name, "tensors": list(tensors), "others": others})
    for name, (value, options, word) in refused().items():
        torch.save(value, folder / f"{name}.pth", **options)
        index["refused"].append({"name": name, "word": word})
    (folder / "index.json").write_text(json.dumps(index, indent=1))
