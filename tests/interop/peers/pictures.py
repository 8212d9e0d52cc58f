"""Pictures through each program's own transform."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision.transforms import v2
from transformers import AutoImageProcessor, BitImageProcessor, DINOv3ViTImageProcessor

Transform = Callable[[Image.Image], torch.Tensor]
"""A picture to (3, H, W), normalised."""

SATELLITE = {"mean": (0.430, 0.411, 0.296), "std": (0.213, 0.156, 0.143)}
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


def fair_dinov2() -> Transform:
    """The evaluation transform, as the authors' repository composes it from torchvision's."""
    return v2.Compose(
        [
            v2.Resize(256, interpolation=v2.InterpolationMode.BICUBIC),
            v2.CenterCrop(224),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(**IMAGENET),
        ]
    )


def fair_dinov3(normalisation=IMAGENET) -> Transform:
    """The transform that the authors' README tells to use."""
    return v2.Compose(
        [
            v2.ToImage(),
            v2.Resize((256, 256), antialias=True),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(**normalisation),
        ]
    )


def save_dinov2_processor(folder: Path) -> None:
    """As the published folders of DINOv2 say it."""
    processor = BitImageProcessor(
        size={"shortest_edge": 256}, crop_size={"height": 224, "width": 224}, resample=3, do_convert_rgb=True,
        image_mean=list(IMAGENET["mean"]), image_std=list(IMAGENET["std"]),
    )
    processor.save_pretrained(folder)


def save_dinov3_processor(folder: Path, normalisation=IMAGENET) -> None:
    processor = DINOv3ViTImageProcessor(image_mean=list(normalisation["mean"]), image_std=list(normalisation["std"]))
    processor.save_pretrained(folder)


def processor(folder: Path) -> Transform:
    """What `AutoImageProcessor` does with a folder."""
    loaded = AutoImageProcessor.from_pretrained(folder)
    return lambda picture: loaded(picture, return_tensors="pt")["pixel_values"][0]


def timm_transform(model_or_name, **options) -> Transform:
    model = timm.create_model(model_or_name, depth=1, **options) if isinstance(model_or_name, str) else model_or_name
    return timm.data.create_transform(**timm.data.resolve_model_data_config(model), is_training=False)


def presets(folder: Path) -> dict[str, Transform]:
    """Under the names that our presets have."""
    found = {"dinov2": fair_dinov2(), "dinov3": fair_dinov3(), "dinov3-sat": fair_dinov3(SATELLITE)}
    for name, save in {
        "dinov2": save_dinov2_processor,
        "dinov3": save_dinov3_processor,
        "dinov3-sat": lambda path: save_dinov3_processor(path, SATELLITE),
    }.items():
        save(folder / f"{name}-transformers")
        found[f"{name}-transformers"] = processor(folder / f"{name}-transformers")
    found["dinov2-timm"] = timm_transform("vit_small_patch14_dinov2")
    found["dinov3-timm"] = timm_transform("vit_small_patch16_dinov3")
    satellite = timm.create_model("vit_large_patch16_dinov3.sat493m", depth=1, pretrained=False)
    found["dinov3-sat-timm"] = timm_transform(satellite)
    return found


def make_pictures(sample: Path, folder: Path) -> dict[str, Path]:
    """Photographs in several sizes and proportions, without loss, and as the JPEGs they came as."""
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Path] = {}

    def lossless(name: str, picture: Image.Image) -> None:
        found[name] = folder / f"{name}.png"
        picture.convert("RGB").save(found[name])

    dogs, dandelions, cat = (Image.open(sample / f"{name}.jpg") for name in ("dogs", "dandelions", "cat"))
    lossless("dogs", dogs)  # 400 × 601
    lossless("dandelions", dandelions)  # 711 × 400
    lossless("cat-odd", cat.crop((3, 5, 304, 262)))  # 301 × 257
    lossless("cat-small", cat.crop((50, 20, 217, 121)))  # 167 × 101, smaller than any input
    lossless("dogs-large", dogs.resize((1201, 1803), Image.Resampling.LANCZOS))
    lossless("cat-square", cat.crop((0, 0, 256, 256)))
    lossless("dandelions-wide", dandelions.crop((0, 100, 711, 261)))
    for name in ("dogs", "coffee"):
        found[f"{name}-jpeg"] = sample / f"{name}.jpg"
    return found


@torch.no_grad()
def write(out: Path, sample: Path) -> dict[str, Path]:
    """Write pictures and what every preset's program makes of them; two pictures to take features of."""
    folder = out / "pictures"
    pictures = make_pictures(sample, folder)
    entries = []
    for preset, transform in presets(folder).items():
        tensors = {name: transform(Image.open(path).convert("RGB")).contiguous() for name, path in pictures.items()}
        save_file(tensors, folder / f"{preset}.safetensors")
        entries.append(preset)
    (folder / "index.json").write_text(
        json.dumps({"presets": entries, "pictures": {name: str(path.resolve()) for name, path in pictures.items()}}, indent=1)
    )
    return {name: pictures[name] for name in ("dogs", "cat-small")}
