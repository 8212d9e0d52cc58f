"""Numbers that `tests/support/hash.ts` repeats, and the golden file format of `tests/support/golden.ts`."""

import base64
import json
from pathlib import Path

import numpy as np
import torch


def hashed(seed, count):
    """`count` 32-bit integers of stream `seed`."""
    x = np.arange(count, dtype=np.uint32) + np.uint32(seed * 0x9E3779B9 & 0xFFFFFFFF)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def symmetric(seed, *shape):
    """Uniform in [-0.5, 0.5), float32 values in a float64 tensor."""
    values = (hashed(seed, int(np.prod(shape))) / 2.0**32 - 0.5).astype(np.float32)
    return torch.from_numpy(values.astype(np.float64)).view(*shape)


def order(seed, count):
    return torch.from_numpy(np.argsort(hashed(seed, count), kind="stable").copy())


def parameters(shapes):
    """Each tensor uniform around 1 (norms, g) or 0 in ±0.3, from the stream of its place in the sorted names."""
    out = {}
    for i, name in enumerate(sorted(shapes)):
        around = 1.0 if name.endswith(("norm1.weight", "norm2.weight", "norm.weight", "weight_g")) else 0.0
        value = np.float32(around) + np.float32(0.6) * symmetric(1000 + i, *shapes[name]).numpy().astype(np.float32)
        out[name] = torch.from_numpy(value.astype(np.float64))
    return out


def write(name, tensors):
    """`data/<name>.json`: tensors by name, shape and base64 of little-endian float32."""
    record = {
        key: {
            "shape": list(value.shape),
            "data": base64.b64encode(value.detach().double().numpy().astype("<f4").tobytes()).decode(),
        }
        for key, value in tensors.items()
    }
    path = Path(__file__).parent / "data" / f"{name}.json"
    path.write_text(json.dumps(record, indent=0) + "\n")
    print(path, path.stat().st_size)
