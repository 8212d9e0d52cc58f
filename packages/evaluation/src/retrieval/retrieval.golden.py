"""Writes retrieval.golden.json: mean average precision and GAP of made-up rankings, straight from the definitions.

Average precision (Philbin et al. 2007; Radenovic et al. 2018): junk images are deleted from the ranked list; the area
under the precision-recall curve is summed with trapezoids between the point just before and just after each positive.

    python retrieval.golden.py
"""

import json
import random
from fractions import Fraction
from pathlib import Path

KAPPAS = [1, 5, 10]


def without_junk(ranking, positives, junk):
    """The list with junk deleted. An image that is both positive and junk is counted before it is deleted."""
    places, length = [], 0
    for image in ranking:
        if image in positives:
            places.append(length)
        if image not in junk:
            length += 1
    return places


def average_precision(places, total):
    """Trapezoids under the curve of (recall, precision), in exact fractions."""
    area = Fraction(0)
    for found, place in enumerate(places):
        precision_before = Fraction(found, place) if place else Fraction(1)
        precision_after = Fraction(found + 1, place + 1)
        area += Fraction(1, total) * (precision_before + precision_after) / 2
    return area


def precision_at(places, kappa):
    if not places:
        return Fraction(0)
    cut = min(max(places) + 1, kappa)
    return Fraction(sum(place + 1 <= cut for place in places), cut)


def evaluate(rankings, truths):
    aps, at = [], {kappa: [] for kappa in KAPPAS}
    for ranking, (positives, junk) in zip(rankings, truths):
        if not positives:
            aps.append(None)
            continue
        places = without_junk(ranking, set(positives), set(junk))
        aps.append(average_precision(places, len(positives)))
        for kappa in KAPPAS:
            at[kappa].append(precision_at(places, kappa))
    kept = [ap for ap in aps if ap is not None]
    return {
        "map": float(sum(kept) / len(kept)),
        "at": {str(kappa): float(sum(values) / len(values)) for kappa, values in at.items()},
        "aps": [None if ap is None else float(ap) for ap in aps],
    }


def gap(answers, queries_with_answer):
    """answers: (confidence, right) in order of the queries."""
    ordered = sorted(answers, key=lambda answer: -answer[0])  # stable
    total, right = Fraction(0), 0
    for i, (_, is_right) in enumerate(ordered):
        if is_right:
            right += 1
            total += Fraction(right, i + 1)
    return float(total / queries_with_answer)


def main():
    random.seed(0)
    images, cases = 60, []
    for case in range(6):
        rankings, truth = [], []
        for query in range(7):
            ranking = random.sample(range(images), images if case % 2 == 0 else 25)
            members = random.sample(range(images), random.randrange(0, 30))
            cut = sorted(random.sample(range(len(members) + 1), min(2, len(members) + 1)))
            cut = (cut + [len(members), len(members)])[:2]
            easy, hard, junk = members[: cut[0]], members[cut[0] : cut[1]], members[cut[1] :]
            if query == 5:
                easy, hard = [], []  # nothing to find
            if query == 6:
                hard = []
                easy = easy or [3]
            if query == 4:
                easy = easy or [7]
                hard = hard or [11]
                junk = junk + easy[:1]  # an image that is in two lists
            rankings.append(ranking)
            truth.append({"easy": easy, "hard": hard, "junk": junk})
        protocols = {
            "easy": [(t["easy"], t["junk"] + t["hard"]) for t in truth],
            "medium": [(t["easy"] + t["hard"], t["junk"]) for t in truth],
            "hard": [(t["hard"], t["junk"] + t["easy"]) for t in truth],
        }
        scores = {name: evaluate(rankings, truths) for name, truths in protocols.items()}
        cases.append({"rankings": rankings, "truth": truth, "scores": scores})

    labels = [random.choice([-1, 0, 1, 2, 3]) for _ in range(80)]
    predictions = [label if label >= 0 and random.random() < 0.6 else random.randrange(4) for label in labels]
    # Few different confidences, so that many are equal.
    confidences = [random.randrange(12) / 12 for _ in labels]
    right = [label >= 0 and label == prediction for label, prediction in zip(labels, predictions)]
    known = sum(label >= 0 for label in labels)
    met = {
        "labels": labels,
        "predictions": predictions,
        "confidences": confidences,
        "gap": gap(list(zip(confidences, right)), known),
        "gapMinus": gap([(c, r) for c, r, label in zip(confidences, right, labels) if label >= 0], known),
        "accuracy": sum(right) / known,
    }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps({"retrieval": cases, "met": met}, separators=(",", ":")) + "\n")


main()
