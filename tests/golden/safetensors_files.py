"""Golden files for packages/weights: written by the format's own Python library.

Run: python tests/golden/safetensors_files.py            writes packages/weights/src/files/golden/*.safetensors
     python tests/golden/safetensors_files.py FILE       prints the tensors of any file as JSON
"""

import json
import os
import sys

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def tensors():
    halves = torch.tensor([0.0, -0.0, 1.0, -2.5, 65504.0, 6.1035e-05, 5.9605e-08, -3.0398e-06, float("inf"), float("-inf")])
    return {
        "f32": torch.tensor([[0.0, -1.5, 3.4028234e38], [1e-45, float("inf"), 0.1]]),
        "i32": torch.tensor([-2147483648, 0, 2147483647], dtype=torch.int32),
        "i64": torch.tensor([[-(2**63)], [2**63 - 1]], dtype=torch.int64),
        "u8": torch.tensor([0, 127, 255], dtype=torch.uint8),
        "bool": torch.tensor([[True, False], [False, True]]),
        "f16": halves.to(torch.float16),
        "bf16": torch.tensor([0.0, 1.0, -3.140625, 3.3895e38, 1e-40, float("-inf")]).to(torch.bfloat16),
        "scalar": torch.tensor(7.25),
        "empty": torch.zeros(0, 3),
    }


def describe(path):
    with safe_open(path, "pt") as file:
        out = {"metadata": file.metadata(), "tensors": {}}
        for name in sorted(file.keys()):
            t = file.get_tensor(name)
            values = t.float().flatten().tolist() if t.is_floating_point() else [str(v) for v in t.flatten().tolist()]
            out["tensors"][name] = {
                "dtype": str(t.dtype).removeprefix("torch."),
                "shape": list(t.shape),
                "values": [v if not isinstance(v, float) or abs(v) < float("inf") else str(v) for v in values],
            }
    return json.dumps(out, indent=1)


if len(sys.argv) > 1:
    print(describe(sys.argv[1]))
else:
    folder = os.path.join(os.path.dirname(__file__), "../../packages/weights/src/files/golden")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "python.safetensors")
    everything = tensors()
    save_file(everything, path, metadata={"format": "pt", "note": "größer"})
    # One metadata key only: the library writes several in random order.
    writable = {k: v for k, v in everything.items() if v.dtype not in (torch.float16, torch.bfloat16)}
    save_file(writable, os.path.join(folder, "writable.safetensors"), metadata={"note": "größer"})
    with open(os.path.join(folder, "python.json"), "w") as f:
        f.write(describe(path) + "\n")
