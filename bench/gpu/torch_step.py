"""The DINOv2 pretraining step in PyTorch, made as fast as PyTorch makes it: the peer of `ours.mjs`.

Needs torch and nothing else. The configuration is the trainer's own JSON (`recipes.mjs` writes it), parameters have
the official names. Two uses:

    torch_step.py --check DIR            float32 on the CPU, repeats the steps that parity.mjs wrote to DIR
    torch_step.py --config C --batch N   times steps on the GPU (on the CPU where there is none)

What makes it fast: tokens of all crops lie in one matrix, so that norms and linear layers run once per block;
stochastic depth gathers kept rows and adds them back by the inverse index, a gather again, which the compiler fuses
with its neighbours (no atomic scatter); flash attention; torch.compile, whole or block by block; bfloat16 by autocast or
as parameters with float32 masters; fused AdamW; foreach clipping and EMA; optionally the whole step as one CUDA graph.

What favours it: crops come normalised and lie on the device, while our step reads pixels and changes their colours;
nothing guards it against a loss that is not finite, while our step does.
"""

import argparse
import contextlib
import json
import math
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
started = time.perf_counter()

import torch  # noqa: E402
import torch.nn as nn  # noqa: E402
import torch.nn.functional as F  # noqa: E402

TERMS = ("dinoGlobal", "dinoLocal", "koleo", "ibot")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


# Rows kept by stochastic depth. `index` lists them, `inverse` says for every row where it went, or -1.


def spread(kept, inverse):
    """Rows back in their places, 0 where none was kept."""
    rows = kept[inverse.clamp(min=0)]
    return torch.where((inverse >= 0)[:, None], rows, torch.zeros((), dtype=kept.dtype, device=kept.device))


class Take(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, index, inverse):
        ctx.save_for_backward(inverse)
        return x[index]

    @staticmethod
    def backward(ctx, gradient):
        (inverse,) = ctx.saved_tensors
        return spread(gradient, inverse), None, None


class Put(torch.autograd.Function):
    @staticmethod
    def forward(ctx, kept, index, inverse):
        ctx.save_for_backward(index)
        return spread(kept, inverse)

    @staticmethod
    def backward(ctx, gradient):
        (index,) = ctx.saved_tensors
        return gradient[index], None, None


def token_rows(rows, groups, kept):
    """
    Token indices of kept sequences, for all branches at once.

    rows: per group (branches, kept) int64; groups: (sequences, tokens) of each.
    -> index (branches, kept tokens), inverse (branches, all tokens)
    """
    index, inverse, before, kept_before = [], [], 0, 0
    for chosen, (count, tokens), k in zip(rows, groups, kept):
        branches, device = chosen.shape[0], chosen.device
        offsets = torch.arange(tokens, device=device)
        index.append((before + chosen[:, :, None] * tokens + offsets).flatten(1))
        places = torch.full((branches, count), -1, dtype=torch.int64, device=device)
        places.scatter_(1, chosen, torch.arange(k, device=device).expand(branches, k))
        where = kept_before + places[:, :, None] * tokens + offsets
        inverse.append(torch.where(places[:, :, None] >= 0, where, -1).flatten(1))
        before += count * tokens
        kept_before += k * tokens
    return torch.cat(index, 1), torch.cat(inverse, 1)


class LayerScale(nn.Module):
    def __init__(self, width, initial):
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), float(initial)))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x, groups):
        """x (Σ sequences · tokens, D): one product for all, attention within each sequence."""
        width, mixed = x.shape[1], []
        parts = self.qkv(x).split([count * tokens for count, tokens in groups])
        for part, (count, tokens) in zip(parts, groups):
            q, k, v = part.view(count, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
            out = F.scaled_dot_product_attention(q, k, v)
            mixed.append(out.transpose(1, 2).reshape(count * tokens, width))
        return self.proj(torch.cat(mixed) if len(mixed) > 1 else mixed[0])


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class SwiGlu(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        hidden = (hidden * 2 // 3 + 7) // 8 * 8
        self.w12 = nn.Linear(width, 2 * hidden)
        self.w3 = nn.Linear(hidden, width)

    def forward(self, x):
        gate, value = self.w12(x).chunk(2, -1)
        return self.w3(F.silu(gate) * value)


class Block(nn.Module):
    def __init__(self, model):
        super().__init__()
        width, hidden = model["embedDim"], int(model["embedDim"] * model["mlpRatio"])
        self.norm1 = nn.LayerNorm(width, eps=model["normEpsilon"])
        self.attn = Attention(width, model["heads"])
        self.ls1 = LayerScale(width, model["layerScale"])
        self.norm2 = nn.LayerNorm(width, eps=model["normEpsilon"])
        self.mlp = (Mlp if model["ffn"] == "mlp" else SwiGlu)(width, hidden)
        self.ls2 = LayerScale(width, model["layerScale"])

    def forward(self, x, groups, rows=None):
        """x (tokens, D); rows: (index, inverse) of either branch and the scale of every kept token."""
        if rows is None:
            x = x + (self.ls1.gamma * self.attn(self.norm1(x), groups)).to(x.dtype)
            return x + (self.ls2.gamma * self.mlp(self.norm2(x))).to(x.dtype)
        for (index, inverse), scale, gamma, branch in (
            (rows[0], rows[2], self.ls1.gamma, lambda y: self.attn(self.norm1(y), groups)),
            (rows[1], rows[2], self.ls2.gamma, lambda y: self.mlp(self.norm2(y))),
        ):
            kept = Take.apply(x, index, inverse)
            x = x + Put.apply((scale * (gamma * branch(kept))).to(x.dtype), index, inverse)
        return x


class PatchEmbed(nn.Module):
    def __init__(self, patch, width):
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, patch)

    def forward(self, images):
        """(B, S, S, 3) -> (B, N, D). The stride is the kernel, so the convolution is one product over pixels."""
        weight = self.proj.weight
        width, _, patch, _ = weight.shape
        batch, side = images.shape[0], images.shape[1] // patch
        pixels = images.view(batch, side, patch, side, patch, 3).permute(0, 1, 3, 2, 4, 5).reshape(batch, side * side, -1)
        return F.linear(pixels.to(weight.dtype), weight.permute(0, 2, 3, 1).reshape(width, -1), self.proj.bias)


class Backbone(nn.Module):
    def __init__(self, model, local_size):
        super().__init__()
        width, self.side = model["embedDim"], model["imageSize"] // model["patchSize"]
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + self.side**2, width))
        if model["registers"]:
            self.register_tokens = nn.Parameter(torch.zeros(1, model["registers"], width))
        self.registers = model["registers"]
        self.mask_token = nn.Parameter(torch.zeros(1, width))
        self.patch_embed = PatchEmbed(model["patchSize"], width)
        self.blocks = nn.ModuleList(Block(model) for _ in range(model["depth"]))
        self.norm = nn.LayerNorm(width, eps=model["normEpsilon"])
        interpolation, local = model["interpolation"], local_size // model["patchSize"]
        # Bicubic resampling is linear: a (local², side²) matrix, made once from PyTorch's own.
        unit = torch.eye(self.side**2).view(1, self.side**2, self.side, self.side)
        factor = (local + interpolation["offset"]) / self.side
        resampled = F.interpolate(unit, scale_factor=(factor, factor), mode="bicubic", antialias=interpolation["antialias"])
        self.register_buffer("resample", resampled.flatten(2)[0].t().contiguous(), persistent=False)

    def embed(self, images, masks=None):
        """Normalised (B, S, S, 3) -> (B, 1 + R + N, D)"""
        x = self.patch_embed(images)
        if masks is not None:
            x = torch.where(masks[..., None], self.mask_token.to(x.dtype), x)
        batch, count, _ = x.shape
        positions = self.pos_embed[:, 1:]
        if count != self.side**2:
            with torch.autocast(x.device.type, enabled=False):
                positions = (self.resample @ positions[0].float())[None].to(self.pos_embed.dtype)
        prefix = self.cls_token + self.pos_embed[:, :1]
        if self.registers:
            prefix = torch.cat([prefix, self.register_tokens], 1)
        return torch.cat([prefix.expand(batch, -1, -1), x + positions], 1)


class LastLayer(nn.Module):
    def __init__(self, width, prototypes):
        super().__init__()
        self.weight_g = nn.Parameter(torch.ones(prototypes, 1))
        self.weight_v = nn.Parameter(torch.empty(prototypes, width).uniform_(-(width**-0.5), width**-0.5))


class Head(nn.Module):
    def __init__(self, width, sizes):
        super().__init__()
        widths = [width] + [sizes["hiddenDim"]] * (sizes["layers"] - 1) + [sizes["bottleneckDim"]]
        layers = []
        for i, (inner, outer) in enumerate(zip(widths, widths[1:])):
            layers += [nn.GELU()] * (i > 0) + [nn.Linear(inner, outer)]
        self.mlp = nn.Sequential(*layers) if sizes["layers"] > 1 else layers[0]
        self.last_layer = LastLayer(sizes["bottleneckDim"], sizes["prototypes"])

    def forward(self, x):
        z = self.mlp(x)
        v = self.last_layer.weight_v.float()
        prototypes = self.last_layer.weight_g.float() * v / v.norm(dim=1, keepdim=True)
        return F.linear(F.normalize(z.float(), dim=-1, eps=1e-12).to(z.dtype), prototypes.to(z.dtype))


class Model(nn.Module):
    """Student or teacher."""

    def __init__(self, config):
        super().__init__()
        width = config["model"]["embedDim"]
        self.backbone = Backbone(config["model"], config["crops"]["localSize"])
        self.dinoHead = Head(width, config["dino"]["head"])
        if config["ibot"]["separateHead"]:
            self.ibotHead = Head(width, config["ibot"]["head"])


def sinkhorn_knopp(logits, temperature, valid, iterations=3):
    """
    Only the scalings of rows and columns change; the matrix is never written.

    logits (n, K), valid (n, 1) -> probabilities (n, K), 0 for rows that are not valid
    """
    scaled = logits.float() / temperature
    top = scaled.amax(1, keepdim=True)
    e = torch.exp(scaled - top)
    largest = torch.where(valid > 0, top, -3e38).amax()
    u = torch.where(valid > 0, torch.exp(top - largest), 0.0)
    for _ in range(iterations):
        w = 1 / (e * u).sum(0, keepdim=True).clamp(min=1e-30)
        u = valid / (e * w).sum(1, keepdim=True).clamp(min=1e-30)
    return e * u * w


def cross_entropy(student, teacher, temperature=0.1):
    """(…, K) logits and probabilities -> (…)"""
    return -(teacher * F.log_softmax(student.float() / temperature, -1)).sum(-1)


def koleo(x, epsilon=1e-8):
    x = F.normalize(x.float(), eps=epsilon, dim=-1)
    with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
        nearest = (x @ x.t()).fill_diagonal_(-2).argmax(1)
    distance = (x - x[nearest] + epsilon).square().sum(-1).sqrt()
    return -torch.log(distance + epsilon).mean()


class Step:
    """One optimizer step. `precision`: float32, autocast, or masters (bfloat16 parameters beside float32 ones)."""

    def __init__(self, config, device, precision, compile_mode="none", attention="auto", capturable=False):
        if config["centering"] != "sinkhorn_knopp":
            raise SystemExit(f"torch_step.py has Sinkhorn-Knopp only; the configuration says {config['centering']}.")
        self.config, self.device, self.precision, self.attention = config, device, precision, attention
        self.student = Model(config).to(device)
        self.teacher = Model(config).to(device)
        self.load(initial(config, self.student))
        if precision == "masters":
            # Buffers (the resampling matrix) keep float32.
            self.masters = {name: p.detach().clone().requires_grad_() for name, p in self.student.named_parameters()}
            self.means = [p.detach().clone() for p in self.teacher.parameters()]
            for model in (self.student, self.teacher):
                for p in model.parameters():
                    p.data = p.data.bfloat16()
        else:
            self.masters = dict(self.student.named_parameters())
            self.means = [p.data for p in self.teacher.parameters()]
        self.teacher.requires_grad_(False)
        groups = {}
        for name, parameter in self.masters.items():
            groups.setdefault(group_of(config, name), []).append(parameter)
        first = torch.zeros((), device=device) if capturable else 0.0
        self.optimizer = torch.optim.AdamW(
            [
                {"params": p, "lr": first.clone() if capturable else 0.0, "factors": key}
                for key, p in groups.items()
            ],
            lr=first,
            betas=(config["optimizer"]["beta1"], config["optimizer"]["beta2"]),
            eps=1e-8,
            fused=True,
            capturable=capturable,
        )
        forward = {"block": Block.forward, "embed": Backbone.embed, "objective": self.objective, "all": self.all_terms}
        options = {"dynamic": False, "mode": "default"}
        if compile_mode == "blocks":
            torch._dynamo.config.recompile_limit = 64
            for name in ("block", "embed", "objective"):
                forward[name] = torch.compile(forward[name], **options)
        elif compile_mode == "whole":
            forward["all"] = torch.compile(forward["all"], **options)
        self.run_block, self.run_embed, self.run_objective = forward["block"], forward["embed"], forward["objective"]
        self.run_all = forward["all"]

    def load(self, parameters):
        """Student and teacher begin equal. Names begin with the submodule: `backbone.cls_token`"""
        for model in (self.student, self.teacher):
            model.load_state_dict(parameters)

    def rows(self, batch):
        """Sequence and token counts of both groups, and where the kept ones are."""
        config = self.config
        sizes = [(config["crops"]["globalSize"], len(batch["globals"])), (config["crops"]["localSize"], len(batch["locals"]))]
        patch = config["model"]["patchSize"]
        groups = tuple((count, 1 + config["model"]["registers"] + (size // patch) ** 2) for size, count in sizes)
        if "rowsGlobal" not in batch:
            return groups, groups, None
        chosen = (batch["rowsGlobal"], batch["rowsLocal"])
        kept = tuple(rows.shape[1] for rows in chosen)
        index, inverse = token_rows(chosen, groups, kept)
        parts = [torch.full((k * tokens, 1), count / k, device=self.device) for k, (count, tokens) in zip(kept, groups)]
        scale = torch.cat(parts)
        packed = tuple((k, tokens) for k, (_, tokens) in zip(kept, groups))
        # Branches alternate: attention and feed-forward of block 0, of block 1, …
        pairs = [(index[i], inverse[i]) for i in range(len(index))]
        return groups, packed, [(pairs[2 * i], pairs[2 * i + 1], scale) for i in range(len(pairs) // 2)]

    def objective(self, teacher_tokens, global_tokens, local_tokens, batch, temperature):
        """Final norms, heads, targets and the four terms; (B, T, D) tokens."""
        config, student, teacher = self.config, self.student, self.teacher
        first = 1 + config["model"]["registers"]
        indices, weights, valid = batch["maskIndices"], batch["maskWeights"], batch["maskValid"][:, None]
        separate = config["ibot"]["separateHead"]

        with torch.no_grad():
            tokens = teacher.backbone.norm(teacher_tokens)
            cls, patches = tokens[:, 0], tokens[:, first:].flatten(0, 1)[indices]
            if separate:
                cls_logits, patch_logits = teacher.dinoHead(cls), teacher.ibotHead(patches)
            else:
                cls_logits, patch_logits = teacher.dinoHead(torch.cat([cls, patches])).split([len(cls), len(patches)])
            every = torch.ones(len(cls), 1, device=cls.device)
            targets = sinkhorn_knopp(cls_logits, temperature, every)
            patch_targets = sinkhorn_knopp(patch_logits, temperature, valid)

        tokens = student.backbone.norm(global_tokens)
        cls, all_patches = tokens[:, 0], tokens[:, first:].flatten(0, 1)
        inverse = torch.full((len(all_patches),), -1, dtype=torch.int64, device=cls.device)
        inverse = inverse.scatter(0, indices, torch.arange(len(indices), device=cls.device))
        patches = Take.apply(all_patches, indices, inverse)
        local_cls = student.backbone.norm(local_tokens[:, 0])
        together = [local_cls, cls] if separate else [local_cls, cls, patches]
        logits = student.dinoHead(torch.cat(together)).split([len(x) for x in together])
        patch_logits = student.ibotHead(patches) if separate else logits[2]

        batch_size, local_count = len(cls) // 2, len(local_cls) * 2 // len(cls)
        pairs = batch_size * (2 + max(2 * local_count, 1))
        a, b = targets.chunk(2)
        return torch.stack(
            [
                config["dino"]["lossWeight"] * cross_entropy(logits[1], torch.cat([b, a])).sum() / pairs,
                config["dino"]["lossWeight"] * cross_entropy(logits[0].view(local_count, batch_size, -1), a + b).sum() / pairs,
                config["dino"]["koleoWeight"] * sum(koleo(x) for x in cls.chunk(2)),
                config["ibot"]["lossWeight"] * (cross_entropy(patch_logits, patch_targets) * weights).sum() / len(cls),
            ]
        )

    def all_terms(self, batch, temperature, groups, packed, rows):
        width = self.config["model"]["embedDim"]
        student, teacher = self.student.backbone, self.teacher.backbone
        with torch.no_grad():
            x = self.run_embed(teacher, batch["globals"])
            shape = x.shape
            x = x.reshape(-1, width)
            for block in teacher.blocks:
                x = self.run_block(block, x, groups[:1])
            teacher_tokens = x.view(shape)
        parts = [self.run_embed(student, batch["globals"], batch["masks"]), self.run_embed(student, batch["locals"])]
        x = torch.cat([part.reshape(-1, width) for part in parts])
        for i, block in enumerate(student.blocks):
            x = self.run_block(block, x, packed, None if rows is None else rows[i])
        tokens = [part.view(*shape, width) for part, shape in zip(x.split([a * b for a, b in groups]), groups)]
        return self.run_objective(teacher_tokens, *tokens, batch, temperature)

    def __call__(self, batch, scalars):
        """-> terms (4), gradient norms (modules), both on the device"""
        config, optimizer = self.config, self.optimizer
        for group in optimizer.param_groups:
            rate, decay, last_layer = group["factors"]
            value = rate * (scalars["lastLayerLearningRate"] if last_layer else scalars["learningRate"])
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(value)
            else:
                group["lr"] = value
            group["weight_decay"] = decay * scalars["weightDecay"]
        return self.compute(batch, scalars)

    def compute(self, batch, scalars):
        """The part that a CUDA graph holds."""
        for p in self.student.parameters():
            p.grad = None
        # The cache of casts must not outlive a captured graph; compiled code does not use it.
        autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "autocast", cache_enabled=False)
        with autocast, attention_kernels(self.attention):
            terms = self.run_all(batch, scalars["teacherTemperature"], *self.rows(batch))
        terms.sum().backward()
        terms = terms.detach()
        if self.precision == "masters":
            gradients = [p.grad for p in self.student.parameters()]
            wide = [torch.empty_like(p) for p in self.masters.values()]
            torch._foreach_copy_(wide, gradients)
            for master, gradient, p in zip(self.masters.values(), wide, self.student.parameters()):
                master.grad, p.grad = gradient, None
            del gradients
        norms = []
        for module, _ in self.student.named_children():
            parameters = [p for name, p in self.masters.items() if name.startswith(f"{module}.")]
            norms.append(nn.utils.clip_grad_norm_(parameters, self.config["optimizer"]["clipGradient"], foreach=True))
        self.optimizer.step()
        with torch.no_grad():
            masters = list(self.masters.values())
            torch._foreach_lerp_(self.means, masters, 1 - scalars["teacherMomentum"])
            if self.precision == "masters":
                torch._foreach_copy_([p.data for p in self.student.parameters()], masters)
                torch._foreach_copy_([p.data for p in self.teacher.parameters()], self.means)
                for master in masters:
                    master.grad = None
        return terms, torch.stack(norms)


def attention_kernels(choice):
    if choice == "auto":
        return contextlib.nullcontext()
    from torch.nn.attention import SDPBackend, sdpa_kernel

    return sdpa_kernel({"flash": SDPBackend.FLASH_ATTENTION, "cudnn": SDPBackend.CUDNN_ATTENTION}[choice])


def group_of(config, name):
    """(learning-rate factor, weight-decay factor, whether it is a last layer) of `submodule.parameter`."""
    optimizer, depth = config["optimizer"], config["model"]["depth"]
    module, _, key = name.partition(".")
    rate = 1.0
    if module == "backbone":
        layer = 0
        if key.startswith("blocks."):
            layer = int(key.split(".")[1]) + 1
        elif key.startswith("norm."):
            layer = depth + 1
        rate = optimizer["layerwiseDecay"] ** (depth + 1 - layer)
        rate *= optimizer["patchEmbedMultiplier"] if key.startswith("patch_embed.") else 1
    decay = 0.0 if key.endswith(".bias") or "norm" in key or "gamma" in key else 1.0
    return rate, decay, module != "backbone" and "last_layer" in key


def initial(config, model):
    """Weights like a fresh student's: normal of 0.02, biases 0; norms, scales and g as they were made."""
    torch.manual_seed(config["seed"])
    out = {}
    for name, p in model.state_dict().items():
        drawn = p.ndim > 1 and "last_layer" not in name
        out[name] = torch.randn_like(p) * 0.02 if drawn else torch.zeros_like(p) if name.endswith("bias") else p.clone()
    return out


def draw_batch(config, batch_size, device, generator):
    """A synthetic batch, of the shapes and counts that the trainer's have."""
    crops, model, ibot = config["crops"], config["model"], config["ibot"]
    n, locals_ = 2 * batch_size, crops["localCount"] * batch_size
    patches = (crops["globalSize"] // model["patchSize"]) ** 2
    masked = int(n * ibot["maskProbability"])
    low, high = ibot["maskRatio"]
    edges = [low + (high - low) * i / masked for i in range(masked)] + [high]
    masks = torch.zeros(n, patches, dtype=torch.bool)
    for i, row in enumerate(torch.randperm(n, generator=generator)[:masked].tolist()):
        share = edges[i] + (edges[i + 1] - edges[i]) * torch.rand((), generator=generator).item()
        masks[row, torch.randperm(patches, generator=generator)[: int(patches * share)]] = True
    total = sum(int(patches * edge) for edge in edges[1:])
    flat = masks.flatten()
    found = flat.nonzero().flatten()
    padding = (~flat).nonzero().flatten()[: total - len(found)]
    indices = torch.cat([found, padding])
    valid = (torch.arange(total) < len(found)).float()
    weights = (1 / masks.sum(1).clamp(min=1)).repeat_interleave(patches)[indices] * valid
    depth, rate = model["depth"], config["dropPath"]["rate"]
    image_type = torch.float32 if device.type == "cpu" else torch.bfloat16
    batch = {
        "globals": torch.randn(n, crops["globalSize"], crops["globalSize"], 3, device=device, dtype=image_type),
        "locals": torch.randn(locals_, crops["localSize"], crops["localSize"], 3, device=device, dtype=image_type),
        "masks": masks, "maskIndices": indices, "maskWeights": weights, "maskValid": valid,
    }
    if rate > 0:
        for name, count in (("rowsGlobal", n), ("rowsLocal", locals_)):
            keep = max(int(count * (1 - rate)), 1)
            batch[name] = torch.stack([torch.randperm(count, generator=generator)[:keep].sort().values for _ in range(2 * depth)])
    return {name: value.to(device) for name, value in batch.items()}


def read_safetensors(path):
    types = {"F32": torch.float32, "I32": torch.int32, "BOOL": torch.bool, "U8": torch.uint8}
    data = bytearray(Path(path).read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    body = memoryview(data)[8 + length :]
    return {
        name: torch.frombuffer(body[slice(*entry["data_offsets"])], dtype=types[entry["dtype"]]).view(entry["shape"])
        for name, entry in header.items()
    }


def check(folder):
    """Repeat the steps in a folder of parity.mjs on the CPU in float32; one JSON line per step."""
    folder, device = Path(folder), torch.device("cpu")
    plan = json.loads((folder / "plan.json").read_text())
    config = plan["config"]
    step = Step(config, device, "float32")
    step.load(read_safetensors(folder / "weights.safetensors"))
    mean, std = torch.tensor(MEAN), torch.tensor(STD)
    for i, scalars in enumerate(plan["scalars"]):
        data = read_safetensors(folder / f"batch-{i}.safetensors")
        batch = {
            "globals": (data["globalCrops"] / 255 - mean) / std,
            "locals": (data["localCrops"] / 255 - mean) / std,
            "masks": data["masks"], "maskIndices": data["maskIndices"].long(),
            "maskWeights": data["maskWeights"], "maskValid": data["maskValid"],
        }
        for name in ("rowsGlobal", "rowsLocal"):
            if name in data:
                batch[name] = data[name].long()
        terms, norms = step(batch, scalars)
        print(json.dumps({"terms": dict(zip(TERMS, terms.tolist())), "norms": norms.tolist()}), flush=True)


def used_by_this_process():
    """Bytes on the card as the driver counts them for this process, or None where it does not say."""
    try:
        query = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
        lines = subprocess.run(query, capture_output=True, text=True, timeout=20).stdout.splitlines()
        pairs = [line.split(",") for line in lines]
        own = [float(used) for pid, used in pairs if pid.strip() == str(os.getpid())]
        # In a container the driver sees other numbers; a lone process is then this one.
        used = own[0] if own else float(pairs[0][1]) if len(pairs) == 1 else None
        return None if used is None else used * 2**20
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return None


class Timer:
    def __init__(self, args, config, device):
        self.args, self.config, self.device = args, config, device
        self.generator = torch.Generator().manual_seed(0)
        self.scalars = {
            "learningRate": 1e-4, "lastLayerLearningRate": 1e-4, "weightDecay": 0.04,
            "teacherMomentum": 0.994, "teacherTemperature": 0.07,
        }
        self.step = Step(config, device, args.precision, args.compile, args.attention, capturable=args.graph)

    def synchronize(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def batches(self, size):
        """Several, drawn ahead, so that neither masks nor rows repeat at once."""
        count = 1 if self.args.graph else 4
        return [draw_batch(self.config, size, self.device, self.generator) for _ in range(count)]

    def warm(self, batches, steps):
        for i in range(steps):
            terms, _ = self.step(batches[i % len(batches)], self.scalars)
        self.synchronize()
        return terms

    def captured(self, batch):
        """The whole step as one CUDA graph; hyperparameters stay those of the capture."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            self.warm([batch], 3)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            terms, _ = self.step.compute(batch, self.scalars)
        return graph, terms

    def measure(self, size):
        batches = self.batches(size)
        self.warm(batches, 1)
        first_step = time.perf_counter() - started
        self.warm(batches, self.args.warmup)
        run = None
        if self.args.graph:
            graph, held = self.captured(batches[0])
            run = lambda i: (graph.replay(), held)[1]  # noqa: E731
        else:
            run = lambda i: self.step(batches[i % len(batches)], self.scalars)[0]  # noqa: E731
        seconds, done = [], 0
        while done < self.args.steps:
            begin = time.perf_counter()
            for _ in range(self.args.window):
                terms = run(done)
                done += 1
            losses = terms.tolist()
            self.synchronize()
            seconds.append((time.perf_counter() - begin) / self.args.window)
        cuda = self.device.type == "cuda"
        return {
            "event": "result", "batch": size, "seconds": seconds, "losses": losses, "firstStepSeconds": first_step,
            "peakBytes": torch.cuda.max_memory_allocated() if cuda else peak_resident(),
            "reservedBytes": torch.cuda.max_memory_reserved() if cuda else None,
            "driverBytes": used_by_this_process() if cuda else None,
        }

    def largest(self, start):
        """Two small batches say how memory grows; then the largest that the line allows, less until one fits."""
        total = torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved()
        points = []
        for size in (start // 2, start):
            torch.cuda.reset_peak_memory_stats()
            self.warm(self.batches(size), 2)
            points.append((size, torch.cuda.max_memory_allocated()))
            torch.cuda.empty_cache()
        (a, low), (b, high) = points
        slope = (high - low) / (b - a)
        fits = lambda share: int((total * share - low) / slope + a) // self.args.multiple * self.args.multiple  # noqa: E731
        for share in (0.97, 0.93, 0.88, 0.8):
            size = max(fits(share), start)
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            try:
                return self.measure(size)
            except torch.OutOfMemoryError:
                print(json.dumps({"event": "tried", "batch": size, "fits": False}), flush=True)
                for p in self.step.student.parameters():
                    p.grad = None
        raise SystemExit(f"no batch above {start} fits into {total / 2**30:.0f} GiB")


def peak_resident():
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def matmul_rate(n=8192):
    """FLOP/s of a bfloat16 product, what the card gives a library at its best."""
    x, y = (torch.randn(n, n, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    for _ in range(5):
        x @ y
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for _ in range(20):
        x @ y
    torch.cuda.synchronize()
    return 20 * 2 * n**3 / (time.perf_counter() - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", metavar="DIR")
    parser.add_argument("--config", metavar="FILE", help="a configuration of recipes.mjs")
    parser.add_argument("--batch", type=int, help="images per step; that of the configuration by default")
    parser.add_argument("--largest", action="store_true", help="find the largest batch that fits, from --batch up")
    parser.add_argument("--multiple", type=int, default=4, help="of which the largest batch is one")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--window", type=int, default=4, help="steps between two looks at the clock")
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--precision", choices=("float32", "autocast", "masters"), default="autocast")
    parser.add_argument("--compile", choices=("none", "blocks", "whole"), default="blocks")
    parser.add_argument("--max-autotune", action="store_true", help="let inductor try several kernels per product")
    parser.add_argument("--attention", choices=("auto", "flash", "cudnn"), default="auto")
    parser.add_argument("--graph", action="store_true", help="capture the step as one CUDA graph")
    parser.add_argument("--matmul", action="store_true", help="only measure the card's product rate")
    args = parser.parse_args()
    if args.check:
        return check(args.check)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if args.matmul:
        rate = matmul_rate() if device.type == "cuda" else None
        name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
        return print(json.dumps({"event": "matmul", "device": name, "torch": torch.__version__, "flopsPerSecond": rate}))
    if device.type == "cpu" and (args.graph or args.largest):
        raise SystemExit("--graph and --largest need a GPU")
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    if args.max_autotune:
        import torch._inductor.config as inductor

        inductor.max_autotune = True
    config = json.loads(Path(args.config).read_text())
    size = args.batch or config["batchSize"]
    timer = Timer(args, config, device)
    try:
        result = timer.largest(size) if args.largest else timer.measure(size)
    except torch.OutOfMemoryError:
        result = {"event": "result", "batch": size, "outOfMemory": True}
    variant = {"precision": args.precision, "compile": args.compile, "attention": args.attention, "graph": args.graph}
    print(json.dumps({**result, "variant": variant}), flush=True)


if __name__ == "__main__":
    main()
