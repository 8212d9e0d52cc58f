"""Golden of packages/evaluation's linear probe: PyTorch trains the same heads on the same batches. Run: python tests/golden/linear_probe.py

Heads, optimiser and schedule are torch's own (Linear, SGD with momentum 0.9, CosineAnnealingLR), one optimiser over all heads on the
sum of their losses, in float64 and float32. Features, batches and initial weights are hashed, so only results are stored.
"""

import json
from pathlib import Path

import torch
from torch import nn

from hashing import order, symmetric

CLASSES, DIM, BLOCKS, TRAIN, HELD, BATCH, ITERATIONS = 5, 6, 4, 48, 64, 8, 60
RATES = [0.3, 3.0, 30.0]  # × 8 / 256


def rows(seed, count, truth):
    tokens = symmetric(seed, count, BLOCKS, DIM)
    mean = symmetric(seed + 1, count, DIM)
    signal = torch.cat([tokens.flatten(1), mean], 1) @ truth.T + 0.5 * symmetric(seed + 2, count, CLASSES)
    return tokens, mean, signal.argmax(1)


def run(dtype):
    truth = symmetric(1, CLASSES, (BLOCKS + 1) * DIM)
    train, held = rows(10, TRAIN, truth), rows(20, HELD, truth)

    def head_input(tokens, mean, n, avgpool):
        parts = [tokens[:, i] for i in range(BLOCKS - n, BLOCKS)] + ([mean] if avgpool else [])
        return torch.cat(parts, dim=-1).to(dtype)

    heads, groups = [], []
    for g, (n, avgpool) in enumerate((n, a) for n in [1, 4] for a in [False, True]):
        width = (n + avgpool) * DIM
        initial = 0.02 * symmetric(30 + g, len(RATES) * CLASSES, width)
        for i, rate in enumerate(RATES):
            lr = rate * BATCH / 256
            layer = nn.Linear(width, CLASSES, dtype=dtype)
            layer.weight.data.copy_(initial[i * CLASSES : (i + 1) * CLASSES])
            layer.bias.data.zero_()
            name = f"classifier_{n}_blocks_avgpool_{avgpool}_lr_{lr:.5f}".replace(".", "_")
            heads.append((name, n, avgpool, lr, layer))
        groups.append((n, avgpool))
    optimizer = torch.optim.SGD([{"params": h[4].parameters(), "lr": h[3]} for h in heads], momentum=0.9, weight_decay=0)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, ITERATIONS, eta_min=0)
    losses = []
    for t in range(ITERATIONS):
        batch = order(100 + t, TRAIN)[:BATCH]
        each = [nn.functional.cross_entropy(h[4](head_input(train[0][batch], train[1][batch], h[1], h[2])), train[2][batch]) for h in heads]
        optimizer.zero_grad()
        sum(each).backward()
        optimizer.step()
        scheduler.step()
        losses.append(torch.stack(each).detach())
    predictions = [h[4](head_input(held[0], held[1], h[1], h[2])).argmax(1) for h in heads]
    accuracies = [(p == held[2]).double().mean().item() for p in predictions]
    best = max(range(len(heads)), key=lambda i: (accuracies[i], -i))
    weights = [torch.cat([h[4].weight.detach() for h in heads if h[1:3] == g]) for g in groups]
    return heads, losses, weights, predictions, accuracies, best, train, held


heads, losses, weights, predictions, accuracies, best, train, held = run(torch.float64)
single = run(torch.float32)
print("float32 differs by", max((a - b).abs().max().item() for a, b in zip(weights, single[2])), "of", weights[3].abs().max().item())
assert best == single[5] and all(torch.equal(a, b) for a, b in zip(predictions, single[3]))
digits = lambda values: "".join(str(int(value)) for value in values)
decimals = lambda tensor: [float(f"{value:.9g}") for value in tensor.flatten().tolist()]
record = {
    "names": [h[0] for h in heads],
    "trainLabels": digits(train[2]),
    "heldLabels": digits(held[2]),
    "losses": {str(t): decimals(losses[t]) for t in [0, 1, 9, 29, 59]},
    "losses32": {str(t): decimals(single[1][t]) for t in [0, 1, 9, 29, 59]},
    "bestWeight": decimals(heads[best][4].weight.detach()),
    "bestWeight32": decimals(single[0][best][4].weight.detach()),
    "weightSums": [decimals(w.sum(1)) for w in weights],
    "predictions": [digits(p) for p in predictions],
    "accuracies": accuracies,
    "best": heads[best][0],
}
path = Path(__file__).parent / "data" / "linear-probe.json"
path.write_text(json.dumps(record) + "\n")
print(path, path.stat().st_size, accuracies, heads[best][0])
