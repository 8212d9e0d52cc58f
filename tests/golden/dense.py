"""Goldens of segmentation and depth heads in packages/evaluation: run `python tests/golden/dense.py`. Our own PyTorch, float64, hashed inputs."""

import numpy as np
import torch
import torch.nn.functional as F

from hashing import hashed, symmetric, write


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


if __name__ == "__main__":
    write("dense", bilinear() | segmentation() | sliding_window() | scores())
