"""Compare what Python programs make of the files that out.mjs wrote with our features.

    python check.py OUT [--dinov2 CHECKOUT] [--dinov3 CHECKOUT] [--results FILE]

transformers loads each folder with AutoModel (no missing, unexpected or mis-shaped tensor) and AutoImageProcessor;
onnxruntime runs the exported graphs; the authors' modules load the backbones strictly.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import onnxruntime
import torch

import peers  # noqa: F401
from peers import fair
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoImageProcessor, AutoModel

TOLERANCE = 1e-4
# As in out.mjs, where the reason is.
HALF_TOLERANCE = 0.02
# Normalised pixels; one of 255 levels is 0.017 or more.
PIXEL_TOLERANCE = 1e-5


class Report:
    def __init__(self):
        self.rows = []

    def add(self, model: str, program: str, size: str, difference: float, limit: float) -> None:
        self.rows.append((model, program, size, difference, limit))

    def fail(self, model: str, program: str, error: str) -> None:
        self.rows.append((model, program, "all", error, 0))


def passed(row) -> bool:
    return not isinstance(row[3], str) and row[3] <= row[4]


def tokens(tensors: dict[str, torch.Tensor], prefix: str) -> torch.Tensor:
    """(B, 1 + R + N, D)"""
    parts = [tensors[f"{prefix}cls"][:, None]]
    if f"{prefix}registers" in tensors:
        parts.append(tensors[f"{prefix}registers"])
    return torch.cat([*parts, tensors[f"{prefix}patches"]], 1)


def difference(a, b) -> float:
    if tuple(a.shape) != tuple(b.shape):
        raise ValueError(f"shape {tuple(a.shape)}, not {tuple(b.shape)}")
    value = float((torch.as_tensor(a) - torch.as_tensor(b)).abs().max())
    return value if value == value else float("inf")


def sizes(tensors) -> list[str]:
    return [name.removesuffix("/input") for name in tensors if name.endswith("/input")]


@torch.no_grad()
def with_transformers(report: Report, name: str, folder: Path, tensors, pictures) -> None:
    model, info = AutoModel.from_pretrained(folder / "huggingface", output_loading_info=True)
    program = f"transformers {type(model).__name__}"
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        if info.get(what):
            report.fail(name, program, f"{what}: {list(info[what])[:5]}")
    model.eval()
    for size in sizes(tensors):
        result = model(pixel_values=tensors[f"{size}/input"])
        expected = tokens(tensors, f"huggingface/{size}/")
        worst = max(difference(result.last_hidden_state, expected), difference(result.pooler_output, expected[:, 0]))
        report.add(name, program, size, worst, TOLERANCE)

    processor = AutoImageProcessor.from_pretrained(folder / "huggingface")
    for picture, path in pictures.items():
        pixels = processor(Image.open(path).convert("RGB"), return_tensors="pt")["pixel_values"][0]
        report.add(name, type(processor).__name__, picture, difference(pixels, tensors[f"pixels/{picture}"]), PIXEL_TOLERANCE)


def with_onnxruntime(report: Report, name: str, folder: Path, tensors) -> None:
    for file, limit in (("model.onnx", TOLERANCE), ("model_fp16.onnx", HALF_TOLERANCE)):
        session = onnxruntime.InferenceSession(folder / "huggingface/onnx" / file, providers=["CPUExecutionProvider"])
        for size in sizes(tensors):
            hidden, pooled = session.run(
                ["last_hidden_state", "pooler_output"], {"pixel_values": tensors[f"{size}/input"].numpy()}
            )
            expected = tokens(tensors, f"{size}/")
            worst = max(difference(hidden, expected), difference(pooled, expected[:, 0]))
            report.add(name, f"onnxruntime {file}", size, worst, limit)


@torch.no_grad()
def with_fair(report: Report, name: str, folder: Path, tensors, options) -> None:
    path = folder / "backbone.safetensors"
    with safe_open(path, "pt") as file:
        config = json.loads(file.metadata()["model"])
    rotary = config["positions"] == "rope"
    if (options.dinov3 if rotary else options.dinov2) is None:
        return
    if config["normEpsilon"] != (1e-5 if rotary else 1e-6):
        return  # the authors' module knows no other
    swiglu = config["ffn"] == "swiglu"
    common = {"embed_dim": config["embedDim"], "depth": config["depth"], "num_heads": config["heads"], "patch_size": config["patchSize"]}
    if rotary:
        model = fair.dinov3_model(
            **common,
            n_storage_tokens=config["registers"],
            qkv_bias=config["qkvBias"],
            mask_k_bias=any(key.endswith("bias_mask") for key in load_file(path)),
            # Its rule rounds two thirds up to a multiple of `align`: 8 fits whatever the rule made.
            ffn_layer="swiglu" if swiglu else "mlp",
            ffn_ratio=config["mlpRatio"],
        )
    else:
        interpolation = config["interpolation"]
        model = fair.dinov2_model(
            **common,
            img_size=config["imageSize"],
            num_register_tokens=config["registers"],
            interpolate_antialias=interpolation["antialias"],
            interpolate_offset=interpolation["offset"],
            init_values=config["layerScale"] or None,
            qkv_bias=config["qkvBias"],
            mlp_ratio=config["mlpRatio"],
            ffn_layer="swiglufused" if swiglu else "mlp",
        )
    model.load_state_dict(load_file(path), strict=True)
    model.eval()
    program = "dinov3" if rotary else "dinov2"
    for size in sizes(tensors):
        height, width = tensors[f"{size}/input"].shape[2:]
        result = model.forward_features(tensors[f"{size}/input"])
        registers = result["x_storage_tokens" if rotary else "x_norm_regtokens"]
        found = torch.cat([result["x_norm_clstoken"][:, None], registers, result["x_norm_patchtokens"]], 1)
        report.add(name, f"facebookresearch/{program}", size, difference(found, tokens(tensors, f"{size}/")), TOLERANCE)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--dinov2", type=Path)
    parser.add_argument("--dinov3", type=Path)
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    for checkout in (options.dinov2, options.dinov3):
        if checkout is not None:
            sys.path.insert(0, str(checkout))
    torch.backends.mkldnn.enabled = False

    report = Report()
    for name in json.loads((options.out / "out/index.json").read_text()):
        folder = options.out / "out" / name
        with safe_open(folder / "expected.safetensors", "pt") as file:
            pictures = json.loads(file.metadata()["pictures"])
        tensors = load_file(folder / "expected.safetensors")
        for check in (
            lambda: with_transformers(report, name, folder, tensors, pictures),
            lambda: with_onnxruntime(report, name, folder, tensors),
            lambda: with_fair(report, name, folder, tensors, options),
        ):
            try:
                check()
            except Exception as error:  # a program that refuses a file is a finding, not the end
                report.fail(name, type(error).__name__, str(error)[:300])
        mine = [row for row in report.rows if row[0] == name and not passed(row)]
        print("FAIL" if mine else "ok  ", name, "; ".join(f"{row[1]} {row[2]} {row[3]}" for row in mine), file=sys.stderr, flush=True)

    widths = [max(len(str(row[i])) for row in report.rows) for i in range(3)]
    for row in report.rows:
        value = row[3] if isinstance(row[3], str) else f"{row[3]:.1e}"
        print("  ".join([*(str(row[i]).ljust(widths[i]) for i in range(3)), value, "" if passed(row) else "FAIL"]).rstrip())
    good = sum(passed(row) for row in report.rows)
    print(f"{good} of {len(report.rows)} comparisons of Python programs within {TOLERANCE} (float16: {HALF_TOLERANCE})")
    if options.results is not None:
        record: dict = {}
        for model, program, size, value, _ in report.rows:
            record.setdefault(model, {}).setdefault(program, {})[size] = value if isinstance(value, str) else float(f"{value:.1e}")
        options.results.write_text(
            json.dumps({"tolerance": TOLERANCE, "halfTolerance": HALF_TOLERANCE, "pixelTolerance": PIXEL_TOLERANCE, "models": record}, indent=1) + "\n"
        )
    sys.exit(0 if good == len(report.rows) else 1)


main()
