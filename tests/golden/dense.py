"""Goldens of segmentation and depth heads in packages/evaluation: run `python tests/golden/dense.py`. Our own PyTorch, float64, hashed inputs."""

import numpy as np
import torch
import torch.nn.functional as F

from hashing import hashed, parameters, symmetric, write


def labels(seed, classes, *shape):
    """Class numbers with a share of 255."""
    values = hashed(seed, int(np.prod(shape))) % (classes + 1)
    return torch.from_numpy(np.where(values == classes, 255, values).astype(np.int64)).view(*shape)


def bilinear():
    x = (2 * symmetric(1, 2, 3, 5, 4)).requires_grad_()  # (B, C, H, W)
    out = {}
    for name, size, align in [("up", (13, 9), False), ("corners", (10, 8), True), ("down", (3, 2), False)]:
        y = F.interpolate(x, size=size, mode="bilinear", align_corners=align)
        dy = symmetric(2, *y.permute(0, 2, 3, 1).shape).permute(0, 3, 1, 2)
        (dx,) = torch.autograd.grad(y, x, dy)
        out |= {f"bilinear.{name}": y.permute(0, 2, 3, 1), f"bilinear.{name}.grad": dx.permute(0, 2, 3, 1)}
    return out


class LinearHead(torch.nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        self.bn = torch.nn.BatchNorm2d(channels)
        self.conv_seg = torch.nn.Conv2d(channels, classes, 1)
        self.double()
        with torch.no_grad():
            self.bn.weight.copy_(1 + symmetric(11, channels))
            self.bn.bias.copy_(symmetric(12, channels))
            self.conv_seg.weight.copy_(symmetric(13, classes, channels, 1, 1))
            self.conv_seg.bias.copy_(symmetric(14, classes))

    def forward(self, tokens):
        """(B, blocks, rows, columns, D) to (B, classes, rows, columns)"""
        b, n, h, w, d = tokens.shape
        return self.conv_seg(self.bn(tokens.permute(0, 1, 4, 2, 3).reshape(b, n * d, h, w)))


def segmentation():
    """Ten steps of AdamW with warm-up and linear decay on pictures of 10 × 13 pixels in patches of 4."""
    blocks, width, classes, total = 2, 3, 4, 10
    head = LinearHead(blocks * width, classes)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1, weight_decay=0.01, betas=(0.9, 0.999))
    out = {}
    losses = []
    for step in range(total):
        tokens = 3 * symmetric(100 + step, 3, blocks, 3, 4, width) + 1
        truth = labels(200 + step, classes, 3, 10, 13)
        warm = 1 - (1 - step / 4) * (1 - 1e-6) if step < 4 else 1
        optimizer.param_groups[0]["lr"] = 0.05 * (1 - step / total) * warm
        # The picture lies at (1, 1) of the padded 12 × 16: one pixel more is padded behind than before where odd.
        logits = F.interpolate(head(tokens), size=(12, 16), mode="bilinear", align_corners=False)[:, :, 1:11, 1:14]
        loss = F.cross_entropy(logits, truth, ignore_index=255)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            out |= {f"segmentation.grad.{name}": p.grad for name, p in head.named_parameters()}
        optimizer.step()
        losses.append(loss)
    out["segmentation.losses"] = torch.stack(losses)
    out |= {f"segmentation.{name}": value for name, value in head.state_dict().items() if value.dim() > 0}
    head.eval()
    out["segmentation.logits"] = head(3 * symmetric(300, 1, blocks, 3, 4, width) + 1).permute(0, 2, 3, 1)
    return out


def sliding_window():
    """Mean over windows of 5 × 6 every 3 × 4 pixels of 11 × 13, by indexing with numpy."""
    total, count = np.zeros((11, 13, 2)), np.zeros((11, 13, 1))
    number = 0
    for top in [0, 3, 6]:
        for left in [0, 4, 7]:
            total[top : top + 5, left : left + 6] += symmetric(400 + number, 5, 6, 2).numpy()
            count[top : top + 5, left : left + 6] += 1
            number += 1
    return {"windows": torch.from_numpy(total / count)}


def scores():
    """mIoU and accuracies as scikit-learn has them."""
    from sklearn.metrics import accuracy_score, confusion_matrix, jaccard_score, recall_score

    truth = labels(500, 5, 600).numpy()
    guess = hashed(501, 600) % 5
    guess = np.where((hashed(502, 600) % 3 == 0) & (truth < 255), truth, guess)
    truth, guess = truth[truth < 255], guess[truth < 255]
    return {
        "scores.confusion": torch.from_numpy(confusion_matrix(truth, guess)),
        "scores.iou": torch.from_numpy(jaccard_score(truth, guess, average=None)),
        "scores.accuracy": torch.from_numpy(recall_score(truth, guess, average=None)),
        "scores.pixels": torch.tensor([accuracy_score(truth, guess)]),
    }


def sig_loss(predicted, truth, max_depth, warm_up=False):
    valid = (truth > 0) & (truth <= max_depth)
    g = torch.log(predicted[valid] + 1e-3) - torch.log(truth[valid] + 1e-3)
    return torch.sqrt((0 if warm_up else g.var()) + 0.15 * g.mean() ** 2)


def gradient_loss(predicted, truth, max_depth):
    """(B, H, W), differences over height and width."""
    total = 0
    for stride in [1, 2, 4, 6]:
        p, t = predicted[:, ::stride, ::stride], truth[:, ::stride, ::stride]
        valid = ((t > 0) & (t <= max_depth)).double()
        e = (torch.log(p + 1e-3) - torch.log(t + 1e-3)) * valid
        down = (e[:, :-2] - e[:, 2:]).abs() * valid[:, :-2] * valid[:, 2:]
        across = (e[:, :, :-2] - e[:, :, 2:]).abs() * valid[:, :, :-2] * valid[:, :, 2:]
        total = total + (down.sum() + across.sum()) / valid.sum()
    return total


def true_depth(seed, *shape):
    """0.5 to 12 m, a fifth unknown."""
    metres = 6.25 + 11.5 * symmetric(seed, *shape)
    return torch.where(symmetric(seed + 1, *shape) < -0.3, torch.zeros(()).double(), metres)


def depth_losses():
    predicted = (5 + 8 * symmetric(600, 3, 13, 17)).requires_grad_()
    truth = true_depth(601, 3, 13, 17)
    out = {}
    for name, loss in [
        ("sig", sig_loss(predicted, truth, 10)),
        ("warm", sig_loss(predicted, truth, 10, warm_up=True)),
        ("gradient", gradient_loss(predicted, truth, 10)),
    ]:
        (grad,) = torch.autograd.grad(loss, predicted)
        out |= {f"depth.{name}": loss, f"depth.{name}.grad": grad}
    return out


def bins_to_depth(scores, low, high):
    """(B, bins, H, W) to (B, H, W)"""
    weights = torch.relu(scores) + 0.1
    weights = weights / weights.sum(1, keepdim=True)
    return torch.einsum("bkhw,k->bhw", weights, torch.linspace(low, high, scores.shape[1]).double())


def linear_depth():
    """Ten steps of AdamW: clipped, warmed up, annealed by a cosine, one cycle of β₁. 10 × 13 pixels in patches of 4."""
    blocks, width, bins, total = 2, 3, 16, 10
    conv = torch.nn.Conv2d(blocks * 2 * width, bins, 1).double()
    with torch.no_grad():
        conv.weight.copy_(symmetric(611, *conv.weight.shape))
        conv.bias.copy_(symmetric(612, bins))

    def forward(patch, cls):
        b, n, h, w, d = patch.shape
        maps = torch.cat([patch, cls[:, :, None, None].expand(b, n, h, w, d)], -1).permute(0, 1, 4, 2, 3)
        layers = [F.interpolate(maps[:, i], size=(4 * h, 4 * w), mode="bilinear", align_corners=False) for i in range(n)]
        return bins_to_depth(conv(torch.cat(layers, 1)), 0.001, 10)

    optimizer = torch.optim.AdamW(conv.parameters(), lr=1, weight_decay=0.01, betas=(0.9, 0.999))
    losses = []
    out = {}
    for step in range(total):
        patch = 3 * symmetric(620 + step, 2, blocks, 3, 4, width)
        cls = 3 * symmetric(640 + step, 2, blocks, width)
        predicted = forward(patch, cls)
        if step == 0:
            out["linear.depth"] = predicted
        large = F.interpolate(predicted[:, None], size=(12, 16), mode="bilinear", align_corners=False)[:, 0, 1:11, 1:14]
        truth = true_depth(2 * step + 660, 2, 10, 13)
        loss = sig_loss(large, truth, 10, warm_up=step < 3) + 0.5 * gradient_loss(large, truth, 10)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(conv.parameters(), 0.05)
        warm = 1 - (1 - step / 4) * (1 - 1e-3) if step < 4 else 1
        group = optimizer.param_groups[0]
        group["lr"] = warm * 0.05 * (1e-8 + (1 - 1e-8) / 2 * (1 + np.cos(np.pi * step / total)))
        turn = 0.3 * total - 1
        along = 0.5 * (1 + np.cos(np.pi * (step / turn if step <= turn else (step - turn) / (total - 1 - turn))))
        group["betas"] = (0.85 + 0.1 * along if step <= turn else 0.95 - 0.1 * along, 0.999)
        optimizer.step()
        losses.append(loss)
    out["linear.losses"] = torch.stack(losses)
    return out | {"linear.weight": conv.weight, "linear.bias": conv.bias}


class ConvModule(torch.nn.Module):
    def __init__(self, *args, **kwargs):
        super().__init__()
        self.conv = torch.nn.Conv2d(*args, **kwargs)

    def forward(self, x):
        return self.conv(x)


class Residual(torch.nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1 = ConvModule(c, c, 3, padding=1, bias=False)
        self.conv2 = ConvModule(c, c, 3, padding=1, bias=False)

    def forward(self, x):
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class Fusion(torch.nn.Module):
    def __init__(self, c, first):
        super().__init__()
        self.project = ConvModule(c, c, 1)
        self.res_conv_unit1 = None if first else Residual(c)
        self.res_conv_unit2 = Residual(c)

    def forward(self, x, finer=None):
        if finer is not None:
            if finer.shape != x.shape:
                finer = F.interpolate(finer, size=x.shape[2:], mode="bilinear", align_corners=False)
            x = x + self.res_conv_unit1(finer)
        x = F.interpolate(self.res_conv_unit2(x), scale_factor=2, mode="bilinear", align_corners=True)
        return self.project(x)


class Reassemble(torch.nn.Module):
    def __init__(self, d):
        super().__init__()
        widths = [d // 2 ** (3 - i) for i in range(4)]
        self.projects = torch.nn.ModuleList(ConvModule(d, w, 1) for w in widths)
        self.resize_layers = torch.nn.ModuleList(
            [
                torch.nn.ConvTranspose2d(widths[0], widths[0], 4, stride=4),
                torch.nn.ConvTranspose2d(widths[1], widths[1], 2, stride=2),
                torch.nn.Identity(),
                torch.nn.Conv2d(widths[3], widths[3], 3, stride=2, padding=1),
            ]
        )
        self.readout_projects = torch.nn.ModuleList(
            torch.nn.Sequential(torch.nn.Linear(2 * d, d), torch.nn.GELU()) for _ in range(4)
        )

    def forward(self, i, patch, cls):
        joined = torch.cat([patch, cls[:, None, None].expand_as(patch)], -1)
        x = self.readout_projects[i](joined).permute(0, 3, 1, 2)
        return self.resize_layers[i](self.projects[i](x))


class DPT(torch.nn.Module):
    def __init__(self, d, c):
        super().__init__()
        self.reassemble_blocks = Reassemble(d)
        self.convs = torch.nn.ModuleList(ConvModule(d // 2 ** (3 - i), c, 3, padding=1, bias=False) for i in range(4))
        self.fusion_blocks = torch.nn.ModuleList(Fusion(c, i == 0) for i in range(4))
        self.project = ConvModule(c, c, 3, padding=1)
        up = torch.nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        conv = torch.nn.Conv2d
        head = torch.nn.Sequential(conv(c, c // 2, 3, padding=1), up, conv(c // 2, 32, 3, padding=1), torch.nn.ReLU(), conv(32, 1, 1))
        self.conv_depth = torch.nn.ModuleDict({"head": head})

    def forward(self, patch, cls):
        maps = [self.convs[i](self.reassemble_blocks(i, patch[:, i], cls[:, i])) for i in range(4)]
        x = self.fusion_blocks[0](maps[3])
        for i in range(1, 4):
            x = self.fusion_blocks[i](x, maps[3 - i])
        x = F.relu(self.project(x))
        return F.relu(self.conv_depth["head"](x)[:, 0]) + 0.001


def dpt():
    """Width 8, 4 channels, a grid of 3 × 2 whose odd height makes the fused maps differ in size."""
    head = DPT(8, 4).double()
    values = parameters({name: list(p.shape) for name, p in head.named_parameters()})
    with torch.no_grad():
        for name, p in head.named_parameters():
            p.copy_(values[name] + (0.45 if name == "conv_depth.head.4.bias" else 0))
    depth = head(30 * symmetric(700, 2, 4, 3, 2, 8), 3 * symmetric(701, 2, 4, 8))
    loss = (depth * symmetric(702, *depth.shape)).sum()
    loss.backward()
    out = {"dpt.depth": depth[:, ::8, ::8]}
    for name, p in head.named_parameters():
        # Four sums of each gradient, one for each residue of the position, keep the file small.
        flat = F.pad(p.grad.flatten(), (0, -p.numel() % 4))
        out[f"dpt.grad.{name}"] = flat.view(-1, 4).sum(0)
    return out


def depth_scores():
    """One picture of 48 × 64 between 0.5 and 10 m inside a crop, with numpy."""
    truth = true_depth(690, 48, 64).numpy()
    guess = np.clip(truth * (1 + 0.8 * symmetric(692, 48, 64).numpy()) + 0.3, 0.5, 10)
    inside = np.zeros_like(truth, dtype=bool)
    inside[int(0.40810811 * 48) : int(0.99189189 * 48), int(0.03594771 * 64) : int(0.96405229 * 64)] = True
    keep = (truth > 0.5) & (truth < 10) & inside
    t, p = truth[keep], guess[keep]
    ratio = np.maximum(t / p, p / t)
    log = np.log(p) - np.log(t)
    values = {
        "rmse": np.sqrt(((t - p) ** 2).mean()),
        "absRel": (np.abs(t - p) / t).mean(),
        "sqRel": ((t - p) ** 2 / t).mean(),
        "log10": np.abs(np.log10(p) - np.log10(t)).mean(),
        "rmseLog": np.sqrt((log**2).mean()),
        "silog": 100 * np.sqrt((log**2).mean() - log.mean() ** 2),
        "delta1": (ratio < 1.25).mean(),
        "delta2": (ratio < 1.25**2).mean(),
        "delta3": (ratio < 1.25**3).mean(),
    }
    return {f"depthScores.{name}": torch.tensor([value]) for name, value in values.items()}


if __name__ == "__main__":
    write("dense", bilinear() | segmentation() | sliding_window() | scores())
    write("depth", depth_losses() | linear_depth() | dpt() | depth_scores())
