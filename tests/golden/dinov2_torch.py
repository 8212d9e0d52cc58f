"""DINOv2's model, losses and training step in plain PyTorch, written from the published definitions.

The reference for golden numbers (`train_step.py`) and the peer of `bench/train-step.mjs`.
Parameter names and shapes are the official ones, so a state dict moves between both programs as it is.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class PatchEmbed(nn.Module):
    def __init__(self, patch, dim):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d))


class Mlp(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class SwiGLU(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        hidden = (int(hidden * 2 / 3) + 7) // 8 * 8
        self.w12 = nn.Linear(dim, 2 * hidden)
        self.w3 = nn.Linear(hidden, dim)

    def forward(self, x):
        gate, value = self.w12(x).chunk(2, -1)
        return self.w3(F.silu(gate) * value)


class LayerScale(nn.Module):
    def __init__(self, dim, init):
        super().__init__()
        self.gamma = nn.Parameter(torch.full((dim,), init))


def add_branch(x, branch, gamma, rows):
    """Batch-subset stochastic depth: only `rows` pass through the branch (paper, section 5)."""
    if rows is None:
        return x + gamma * branch(x)
    scale = x.shape[0] / rows.shape[0]
    return x.index_add(0, rows, (gamma * branch(x[rows])).to(x.dtype), alpha=scale)


class Block(nn.Module):
    def __init__(self, dim, heads, init_values, ffn):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, heads)
        self.ls1 = LayerScale(dim, init_values)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = (Mlp if ffn == "mlp" else SwiGLU)(dim, 4 * dim)
        self.ls2 = LayerScale(dim, init_values)

    def forward(self, x, rows=(None, None)):
        x = add_branch(x, lambda y: self.attn(self.norm1(y)), self.ls1.gamma, rows[0])
        return add_branch(x, lambda y: self.mlp(self.norm2(y)), self.ls2.gamma, rows[1])


class VisionTransformer(nn.Module):
    def __init__(self, dim=384, depth=12, heads=6, patch=14, image_size=224, init_values=1e-5, ffn="mlp", registers=0, offset=0.1):
        super().__init__()
        self.patch, self.offset = patch, offset
        grid = image_size // patch
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + grid * grid, dim))
        if registers:
            self.register_tokens = nn.Parameter(torch.zeros(1, registers, dim))
        self.registers = registers
        self.mask_token = nn.Parameter(torch.zeros(1, dim))
        self.patch_embed = PatchEmbed(patch, dim)
        self.blocks = nn.ModuleList(Block(dim, heads, init_values, ffn) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, eps=1e-6)

    def positions(self, h, w):
        count = self.pos_embed.shape[1] - 1
        grid = math.isqrt(count)
        nh, nw = h // self.patch, w // self.patch
        if nh * nw == count and h == w:
            return self.pos_embed
        table = self.pos_embed[:, 1:].view(1, grid, grid, -1).permute(0, 3, 1, 2)
        scale = ((nh + self.offset) / grid, (nw + self.offset) / grid)
        table = F.interpolate(table, scale_factor=scale, mode="bicubic")
        return torch.cat([self.pos_embed[:, :1], table.flatten(2).transpose(1, 2)], 1)

    def forward(self, images, masks=None, rows=None):
        """images (B,3,H,W), masks (B,N) bool, rows: per block a pair of index tensors. -> cls, patches, after the norm."""
        x = self.patch_embed(images)
        if masks is not None:
            x = torch.where(masks[..., None], self.mask_token.to(x.dtype), x)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.positions(*images.shape[2:])
        if self.registers:
            x = torch.cat([x[:, :1], self.register_tokens.expand(len(x), -1, -1), x[:, 1:]], 1)
        for i, block in enumerate(self.blocks):
            x = block(x, (None, None) if rows is None else rows[i])
        x = self.norm(x)
        return x[:, 0], x[:, 1 + self.registers :]


class LastLayer(nn.Module):
    def __init__(self, bottleneck, prototypes):
        super().__init__()
        self.weight_g = nn.Parameter(torch.ones(prototypes, 1))
        self.weight_v = nn.Parameter(torch.empty(prototypes, bottleneck).uniform_(-(bottleneck**-0.5), bottleneck**-0.5))

    def forward(self, x):
        v = self.weight_v
        return F.linear(x, self.weight_g * v / v.norm(dim=1, keepdim=True))


class Head(nn.Module):
    def __init__(self, dim, prototypes, hidden=2048, bottleneck=256):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, bottleneck))
        self.last_layer = LastLayer(bottleneck, prototypes)

    def forward(self, x):
        return self.last_layer(F.normalize(self.mlp(x), dim=-1, eps=1e-12))


def sinkhorn_knopp(logits, temperature, iterations=3):
    q = torch.exp(logits / temperature).t()
    k, b = q.shape
    q = q / q.sum()
    for _ in range(iterations):
        q = q / q.sum(1, keepdim=True) / k
        q = q / q.sum(0, keepdim=True) / b
    return (q * b).t()


class Centre:
    """EMA centre of teacher logits; what a step adds is subtracted from the next step on."""

    def __init__(self, prototypes, momentum=0.9):
        self.value, self.momentum, self.pending = torch.zeros(1, prototypes), momentum, None

    def probabilities(self, logits, temperature):
        if self.pending is not None:
            self.value = self.momentum * self.value + (1 - self.momentum) * self.pending
        self.pending = logits.mean(0, keepdim=True)
        return F.softmax((logits - self.value) / temperature, -1)


def cross_entropy(student, teacher, temperature=0.1):
    """Per-row cross-entropy of (R,K) student logits against (R,K) teacher probabilities."""
    return -(teacher * F.log_softmax(student / temperature, -1)).sum(-1)


def koleo(x, eps=1e-8):
    x = F.normalize(x, eps=eps, dim=-1)
    with torch.no_grad():
        dots = x @ x.t()
        dots.fill_diagonal_(-1)
        nearest = dots.argmax(1)
    return -torch.log(F.pairwise_distance(x, x[nearest], 2, eps) + eps).mean()


class Student(nn.Module):
    """Backbone and head(s); the teacher is another of the same."""

    def __init__(self, vit, head, separate_head=False):
        super().__init__()
        self.backbone = VisionTransformer(**vit)
        self.dino_head = Head(self.backbone.cls_token.shape[-1], **head)
        if separate_head:
            self.ibot_head = Head(self.backbone.cls_token.shape[-1], **head)

    def patch_head(self):
        return getattr(self, "ibot_head", self.dino_head)


def losses(student, teacher, batch, temperature, centres=None):
    """All loss terms of one step; Sinkhorn-Knopp without `centres` (DINO's, iBOT's). `batch`: globals (2B,3,S,S), locals (nB,3,s,s), masks (2B,N), rows_global, rows_local."""
    g, loc, masks = batch["globals"], batch["locals"], batch["masks"]
    b = len(g) // 2
    index = masks.flatten().nonzero().flatten()
    weights = (1 / masks.sum(-1).clamp(min=1))[:, None].expand_as(masks)[masks]
    with torch.no_grad():
        t_cls, t_patch = teacher.backbone(g)
        t_cls = torch.cat([t_cls[b:], t_cls[:b]])
        t_logits = teacher.dino_head(t_cls)
        t_patch_logits = teacher.patch_head()(t_patch.flatten(0, 1)[index])
        targets = [centre.probabilities for centre in centres] if centres else [sinkhorn_knopp, sinkhorn_knopp]
        t_prob, t_patch_prob = targets[0](t_logits, temperature), targets[1](t_patch_logits, temperature)
    g_cls, g_patch = student.backbone(g, masks, batch.get("rows_global"))
    l_cls, _ = student.backbone(loc, None, batch.get("rows_local"))
    n_local = len(loc) // b
    masked = g_patch.flatten(0, 1)[index]
    if student.patch_head() is student.dino_head:
        logits = student.dino_head(torch.cat([l_cls, g_cls, masked]))
        s_local, s_global, s_masked = logits.split([len(l_cls), len(g_cls), len(masked)])
    else:
        s_local, s_global = student.dino_head(torch.cat([l_cls, g_cls])).split([len(l_cls), len(g_cls)])
        s_masked = student.patch_head()(masked)
    pairs = 2 + max(2 * n_local, 1)
    dino_local = sum(cross_entropy(s, t).mean() for s in s_local.chunk(n_local) for t in t_prob.chunk(2)) / pairs
    dino_global = 2 * cross_entropy(s_global, t_prob).mean() / pairs
    ibot = (cross_entropy(s_masked, t_patch_prob) * weights).sum() / len(masks)
    koleo_term = sum(koleo(x) for x in g_cls.chunk(2))
    return {
        "dino_local": dino_local,
        "dino_global": dino_global,
        "ibot": ibot,
        "koleo": koleo_term,
        "total": dino_local + dino_global + ibot + 0.1 * koleo_term,
    }


def parameter_groups(student, depth, layerwise_decay=0.9, patch_embed_lr_mult=0.2):
    groups = {}
    for module, child in student.named_children():
        for name, parameter in child.named_parameters():
            multiplier = 1.0
            if module == "backbone":
                if name.startswith("blocks."):
                    layer = int(name.split(".")[1]) + 1
                elif name.startswith("norm."):
                    layer = depth + 1
                else:
                    layer = 0
                multiplier = layerwise_decay ** (depth + 1 - layer)
                if "patch_embed" in name:
                    multiplier *= patch_embed_lr_mult
            decay = 0.0 if name.endswith(".bias") or "norm" in name or "gamma" in name else 1.0
            key = (multiplier, decay, "last_layer" in name)
            groups.setdefault(key, []).append(parameter)
    return [
        {"params": p, "lr_multiplier": k[0], "wd_multiplier": k[1], "is_last_layer": k[2]} for k, p in groups.items()
    ]


class Trainer:
    def __init__(self, student, teacher, layerwise_decay=0.9, clip=3.0, centres=None):
        self.student, self.teacher, self.clip, self.centres = student, teacher, clip, centres
        teacher.load_state_dict(student.state_dict())
        teacher.requires_grad_(False)
        groups = parameter_groups(student, len(student.backbone.blocks), layerwise_decay)
        self.optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.999), foreach=True)
        self.pairs = ([p.data for p in teacher.parameters()], [p.data for p in student.parameters()])

    def step(self, batch, lr, last_layer_lr, weight_decay, momentum, temperature, autocast=False):
        for group in self.optimizer.param_groups:
            group["lr"] = (last_layer_lr if group["is_last_layer"] else lr) * group["lr_multiplier"]
            group["weight_decay"] = weight_decay * group["wd_multiplier"]
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            terms = losses(self.student, self.teacher, batch, temperature, self.centres)
        terms["total"].backward()
        norms = {
            name: torch.nn.utils.clip_grad_norm_(child.parameters(), self.clip)
            for name, child in self.student.named_children()
        }
        self.optimizer.step()
        with torch.no_grad():
            torch._foreach_mul_(self.pairs[0], momentum)
            torch._foreach_add_(self.pairs[0], self.pairs[1], alpha=1 - momentum)
        return terms, norms
