"""Golden files for packages/weights: written by torch.save.

Run: python tests/golden/pytorch_files.py    writes packages/weights/src/files/golden/*.pth and pytorch.json
"""

import collections
import json
import math
import os
import pickle
import zipfile

import torch
import torch.hub

folder = os.path.join(os.path.dirname(__file__), "../../packages/weights/src/files/golden")
expected = {}


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, child in value.items():
            yield from leaves(child, (*path, str(key)))
    elif isinstance(value, (list, tuple)) and any(isinstance(v, (dict, list, tuple, torch.Tensor)) for v in value):
        for key, child in enumerate(value):
            yield from leaves(child, (*path, str(key)))
    else:
        yield ".".join(path), value


def describe(tensor):
    tensor = tensor.detach()
    values = tensor.float() if tensor.is_floating_point() else tensor
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "values": [v if plain_in_json(v) else str(v) for v in values.flatten().tolist()],
    }


def plain_in_json(v):
    return math.isfinite(v) if isinstance(v, float) else not isinstance(v, bool) and abs(v) < 2**53


def save(name, value, **options):
    torch.save(value, os.path.join(folder, name), **options)
    expected[name] = {path: describe(v) for path, v in leaves(value) if isinstance(v, torch.Tensor)}


generator = torch.Generator().manual_seed(1)


def random(*shape):
    return torch.randn(*shape, generator=generator)


halves = torch.tensor([0.0, -0.0, 1.0, -2.5, 65504.0, 6.1035e-05, 5.9605e-08, float("inf")])
base = random(4, 6)
save(
    "tensors.pth",
    {
        "f32": random(2, 3),
        "f64": torch.tensor([1 / 3, -1e300, 1e-320], dtype=torch.float64),
        "f16": halves.half(),
        "bf16": torch.tensor([0.0, 1.0, -3.140625, 3.3895e38, 1e-40, float("-inf")]).bfloat16(),
        "i64": torch.tensor([[-(2**63)], [2**63 - 1], [-7]]),
        "i32": torch.tensor([-(2**31), 0, 2**31 - 1], dtype=torch.int32),
        "u8": torch.tensor([0, 127, 255], dtype=torch.uint8),
        "bool": torch.tensor([[True, False], [False, True]]),
        "scalar": torch.tensor(7.25),
        "empty": torch.zeros(0, 3),
        "base": base,
        "shared": base,
        "rows": base[1:3],
        "column": base[:, 2],
        "transposed": base.t(),
        "strided": base[::2, 1::3],
        "permuted": random(2, 3, 4).permute(2, 0, 1),
        "channels_last": random(1, 3, 2, 2).to(memory_format=torch.channels_last),
        "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 3),
        "transposed_bf16": random(3, 5).bfloat16().t(),
        "transposed_i64": torch.arange(6).reshape(2, 3).t(),
        "viewed": random(4).view(torch.int32),
    },
)

model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
model(random(2, 3)).square().sum().backward()
optimizer.step()
checkpoint = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "iteration": 1249, "name": "größer"}
save("checkpoint.pth", checkpoint)
save("protocol4.pth", checkpoint, pickle_protocol=4)

parameter = torch.nn.Parameter(random(2))
parameter.decay = False
tagged = random(3)
tagged.note = "a tensor with an attribute"
plain = {
    "parameter": torch.nn.Parameter(random(2)),
    "with_state": parameter,
    "with_attribute": tagged,
    "size": torch.Size([1, 2]),
    "device": torch.device("cuda:1"),
    "dtype": torch.bfloat16,
    "layout": torch.strided,
    "set": {1},
    "frozenset": frozenset(["a"]),
    "bytes": b"\x00\xff",
    "no_bytes": b"",
    "bytearray": bytearray(b"x"),
    "integers": [0, -5, 70000, 2**40, -(2**40), 2**80, -(2**64)],
    "float": 1.5,
    "none": None,
    "truth": [True, False],
    "defaultdict": collections.defaultdict(dict, {"a": {"b": 1}}),
    "tuple": (1, "two", 3.0),
    "nested": [{"x": random(1)}, (random(2), 4)],
}
for protocol in (2, 3, 4, 5):
    save(f"plain{protocol}.pth", plain, pickle_protocol=protocol)

torch.serialization.set_crc32_options(False)
save("unchecked.pth", {"a": torch.tensor([1.0, 2.0])})
torch.serialization.set_crc32_options(True)

# What is refused.
for name, value in {
    "float8.pth": {"a": torch.ones(2).to(torch.float8_e4m3fn)},
    "complex.pth": {"a": torch.ones(2, dtype=torch.complex64)},
    "sparse.pth": {"a": torch.eye(2).to_sparse()},
    "module.pth": torch.nn.Linear(2, 2),
}.items():
    torch.save(value, os.path.join(folder, name))
torch.save({"a": torch.ones(2)}, os.path.join(folder, "legacy.pth"), _use_new_zipfile_serialization=False)
torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), os.path.join(folder, "torchscript.pth"))


class Call:
    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


def refuse(name, payload, protocol):
    """An archive as torch.save writes it, whose pickle calls something."""
    pickled = payload if isinstance(payload, bytes) else pickle.dumps({"a": payload}, protocol=protocol)
    with zipfile.ZipFile(os.path.join(folder, name), "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")

refuse("calls_system.pth", Call(os.system, "touch /tmp/executed"), 2)
refuse("calls_system4.pth", Call(os.system, "touch /tmp/executed"), 4)
refuse("calls_eval.pth", Call(eval, "1"), 2)
refuse("calls_exec.pth", Call(exec, "1"), 4)
refuse("calls_getattr.pth", Call(getattr, {}, "clear"), 4)
refuse("calls_import.pth", Call(__import__, "os"), 4)
refuse("calls_load.pth", Call(torch.load, "x"), 2)
refuse("calls_hub.pth", Call(torch.hub.load, "a/b", "c"), 2)
refuse("calls_inst.pth", b"\x80\x02(S'x'\nios\nsystem\n.".replace(b"S'x'\n", b"X\x01\x00\x00\x00x"), 2)

with open(os.path.join(folder, "pytorch.json"), "w") as f:
    f.write(json.dumps(expected, separators=(",", ":")) + "\n")
