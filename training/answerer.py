"""Trains the weights of the answer stage: ``python -m training.answerer --data ../shared/train``.

From CMRC 2018's training questions alone, in the situations of ``training.situations``. The network learns which unit
answers, and when none does; questions on passages that it never saw fit the calibration and the threshold.
"""

import argparse
import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rag.answer.consider import Tools
from rag.answer.features import NAMES
from rag.answer.rarity import rarity
from rag.answer.reader import WEIGHTS as READER
from rag.answer.reader import Reader
from rag.answer.reader import load as load_reader
from rag.answer.scorer import WEIGHTS, Scorer, signals
from rag.embed import SHIPPED, StaticEmbedder
from rag.memo import Memo
from rag.reliability import auroc, calibration_error
from training.data import place
from training.noise import Neighbours
from training.questions import HELD, read_cmrc
from training.situations import KINDS, VERSION, Matrix, Sample, Shelf, kept, samples

REFUSED = 0.033  # of the questions whose answer is there


def fit(train: Sequence[Sample], valid: Sequence[Sample], hidden: int, epochs: int, seed: int) -> dict[str, Any]:
    """The network that gives the right units, and «none» where there is none, the greatest share of a softmax."""
    torch.manual_seed(seed)
    stacked = np.concatenate([s.features for s in train])
    mean, scale = stacked.mean(0), stacked.std(0) + 1e-3
    net = torch.nn.Sequential(
        torch.nn.Linear(len(NAMES), hidden),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.15),
        torch.nn.Linear(hidden, 1, bias=False),
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-3)
    order = np.random.default_rng(seed)
    best, kept = np.inf, {k: v.clone() for k, v in net.state_dict().items()}
    batches = max(1, len(train) // 128)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, epochs * batches)
    for epoch in range(epochs):
        net.train()
        for part in np.array_split(order.permutation(len(train)), batches):
            loss = _loss(net, [train[i] for i in part], mean, scale)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        net.eval()
        with torch.no_grad():
            lost = float(_loss(net, valid, mean, scale))
        if lost < best:
            best, kept = lost, {k: v.clone() for k, v in net.state_dict().items()}
        print(f"epoch {epoch + 1}/{epochs} held-out loss {lost:.4f}", flush=True)
    return {
        "mean": mean, "scale": scale, "w1": kept["0.weight"].numpy().T.copy(), "b1": kept["0.bias"].numpy(),
        "w2": kept["3.weight"].numpy()[0],
    }  # fmt: skip


def joined(members: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One network that gives the mean of the members' logits: their hidden units side by side."""
    return {
        "mean": members[0]["mean"],
        "scale": members[0]["scale"],
        "w1": np.concatenate([m["w1"] for m in members], axis=1),
        "b1": np.concatenate([m["b1"] for m in members]),
        "w2": np.concatenate([m["w2"] for m in members]) / len(members),
    }


def _loss(net: torch.nn.Module, batch: Sequence[Sample], mean: Matrix, scale: Matrix) -> torch.Tensor:
    longest = max(len(s.right) for s in batch)
    x = np.zeros((len(batch), longest, len(NAMES)), dtype=np.float32)
    real = np.zeros((len(batch), longest), dtype=bool)
    right = np.zeros((len(batch), longest + 1), dtype=bool)
    for i, sample in enumerate(batch):
        n = len(sample.right)
        x[i, :n] = ((sample.features - mean) / scale).clip(-4, 4)
        real[i, :n] = True
        right[i, :n] = sample.right
        right[i, longest] = not sample.right.any()  # «none» is right
    z = net(torch.from_numpy(x)).squeeze(-1).masked_fill(~torch.from_numpy(real), -torch.inf)
    z = torch.cat([z, torch.zeros(len(batch), 1)], dim=1)
    wanted = torch.logsumexp(z.masked_fill(~torch.from_numpy(right), -torch.inf), dim=1)
    return (torch.logsumexp(z, dim=1) - wanted).mean()


def calibrate(scorer: Scorer, valid: Sequence[Sample]) -> dict[str, Any]:
    """What turns logits into a probability, and the threshold at which ``REFUSED`` of the present are refused."""
    from sklearn.linear_model import LogisticRegression

    logits = [scorer.logits(s.features) for s in valid]
    x = np.stack([signals(z, s.features, s.sentences) for z, s in zip(logits, valid, strict=True)])
    y = np.array([bool(s.right[int(np.argmax(z))]) for z, s in zip(logits, valid, strict=True)])
    present = np.array([s.kind == "present" for s in valid])
    curve = LogisticRegression(C=100.0, max_iter=1000).fit(x, y)
    sure = curve.predict_proba(x)[:, 1]
    return {
        "calibration": np.append(curve.coef_[0], curve.intercept_).astype(np.float32),
        "threshold": np.array(np.quantile(sure[present], REFUSED), np.float32),
    }


def report(scorer: Scorer, valid: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Figures by size of the library («0» is all): right choices where the answer is there, refusals by kind."""
    table: dict[str, dict[str, float]] = {}
    for size in [*sorted({s.size for s in valid}), 0]:
        rows = [s for s in valid if size in (0, s.size)]
        logits = [scorer.logits(s.features) for s in rows]
        sure = np.array([scorer.confidence(z, s.features, s.sentences) for z, s in zip(logits, rows, strict=True)])
        right = np.array([bool(s.right[int(np.argmax(z))]) for z, s in zip(logits, rows, strict=True)])
        refused = sure < float(scorer.threshold)
        of = {kind: np.array([s.kind == kind for s in rows]) for kind in KINDS}
        present = of["present"]
        found = np.array([(s.found, s.right.any()) for s in rows])[present]
        figures = {
            "questions": len(rows),
            "found": found[:, 0].mean(),
            "possible": found[:, 1].mean(),
            "chosen": right[present].mean(),
            "answer": (right & ~refused)[present].mean(),
            "false refusals": refused[present].mean(),
            "calibration error": calibration_error(sure.tolist(), (right & present).tolist()) or 0.0,
        }
        figures |= {f"AUROC {kind}": auroc(sure[present], sure[chosen]) or 0.0 for kind, chosen in of.items()}
        figures |= {f"refused {kind}": refused[chosen].mean() for kind, chosen in of.items() if chosen.any()}
        table[str(size)] = {name: round(float(value), 3) for name, value in figures.items()}
    return table


def main() -> None:
    """Train, calibrate, report, write ``rag/answer/weights.npz``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--model", type=Path, default=SHIPPED, help="folder of an embedder that has not seen them")
    parser.add_argument("--unseen", type=float, default=1.0, help="share of the passages that --model has not seen")
    parser.add_argument("--reader", type=Path, default=READER, help="weights of a reader that has not seen them")
    parser.add_argument("--held", type=float, default=HELD, help="share of the passages that is left to measure on")
    parser.add_argument("--asks", type=int, default=1600, help="questions asked of the libraries of each size")
    parser.add_argument("--hidden", type=int, default=24)
    parser.add_argument("--members", type=int, default=6, help="networks that are trained and averaged")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints/answerer"))
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(2)
    documents, questions = read_cmrc(args.data)
    questions = [q for q in questions if args.held <= place(q.document_id) < args.unseen]
    shelf = Shelf(StaticEmbedder(args.model))
    reader = Reader(load_reader(args.reader), StaticEmbedder(SHIPPED).tokenizer, rarity)
    tools = Tools(reader, rarity, Memo(shelf.embedder.meanings, 100_000))
    like = Neighbours(shelf.embedder)
    ids = sorted({q.document_id for q in questions})
    random.Random(args.seed).shuffle(ids)
    held = set(ids[: len(ids) // 5])
    parts = [[q for q in questions if (q.document_id in held) is kept] for kept in (False, True)]
    read_by = hashlib.sha256(args.reader.read_bytes()).hexdigest()
    made_of = (VERSION, NAMES, args.asks, args.seed, shelf.embedder.name, read_by)
    name = hashlib.sha256(repr(made_of).encode()).hexdigest()[:12]
    # Two halves of what is trained on and what is held out, each drawn by a process of its own.
    drawn = (
        (parts[0], args.asks // 2, args.seed),
        (parts[0], args.asks // 2, args.seed + 1),
        (parts[1], args.asks // 4, args.seed),
    )
    jobs = [
        (args.checkpoints / f"{name}-{i}.npz", partial(samples, documents, part, tools, shelf, asks, seed, like))
        for i, (part, asks, seed) in enumerate(drawn)
    ]
    at_work = [get_context("fork").Process(target=kept, args=job) for job in jobs]
    for process in at_work:
        process.start()
    for process in at_work:
        process.join()
    first, second, valid = (kept(*job) for job in jobs)
    train = first + second
    members = [fit(train, valid, args.hidden, args.epochs, args.seed + i) for i in range(args.members)]
    zero = np.zeros(1, dtype=np.float32)
    scorer = Scorer(np.array(NAMES), **joined(members), calibration=zero, threshold=zero)
    scorer = replace(scorer, **calibrate(scorer, valid))
    np.savez_compressed(args.out, **{name: getattr(scorer, name) for name in Scorer.__slots__})
    print("\n".join(f"{size}: {json.dumps(row)}" for size, row in report(scorer, valid).items()))


if __name__ == "__main__":
    main()
