"""Trains the reader: ``python -m training.reader --data ../shared/train --words checkpoints/unseen``.

From CMRC 2018's training questions, in the situations of ``training.readings``. Words come as rows of an embedder that
was trained without these questions, since one that has seen them promises too much. Each epoch is kept, and a run that
was broken off goes on from the last.
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track

from rag.answer.rarity import rarity
from rag.answer.reader import WEIGHTS
from rag.embed import SHIPPED, StaticEmbedder
from training.cloze import clozes
from training.data import place
from training.noise import Neighbours
from training.questions import HELD, Question, read_cmrc
from training.reader_net import Net, exported, loss
from training.readings import SIZE, Item, Maker, Row, epoch, stacked

WIDTH = 64  # numbers of a word that are kept of the embedder's
RATE = 1.5e-3
MEASURED = 500  # held-out questions that are asked after each epoch
Figures = dict[str, float]


def words(embedder: StaticEmbedder, vocabulary: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows of all tokens, turned so that the first numbers say most, and the means of their characters' rows."""
    rows = embedder.meanings(vocabulary)
    sample = np.random.default_rng(0).permutation(len(rows))[:6000]
    _, _, axes = np.linalg.svd(rows[sample], full_matrices=False)
    rows = rows @ axes[:WIDTH].T
    rows /= rows.std()
    number = {token: i for i, token in enumerate(vocabulary)}
    zero = np.zeros(rows.shape[1], np.float32)
    means = [np.mean([rows[number[c]] for c in token if c in number] or [zero], 0) for token in vocabulary]
    return rows.astype(np.float32), np.array(means, np.float32)


def fit(
    net: Net, items: Sequence[Item], valid: Sequence[Item], rare: NDArray[np.float32], epochs: int, seed: int,
    kept: Path, before: Path | None = None, rate: float = RATE,
) -> None:  # fmt: skip
    """Trains in place; what an earlier run left at ``kept`` is taken up.

    A new run starts from the numbers that another left at ``before``, where one is named.
    """
    batches = len(list(epoch(items, random.Random(seed))))
    learnt = [p for p in net.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learnt, lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, epochs * batches, pct_start=0.15)
    done = 0
    if kept.is_file():
        stored = torch.load(kept, weights_only=True)
        done = stored["epochs"]
        net.load_state_dict(stored["net"])
        optimiser.load_state_dict(stored["optimiser"])
        schedule.load_state_dict(stored["schedule"])
    elif before:
        net.load_state_dict(torch.load(before, weights_only=True)["net"])
    else:
        seen = np.concatenate([item.own.features for item in items]).astype(np.float32)
        net.mean.data, net.scale.data = torch.from_numpy(seen.mean(0)), torch.from_numpy(seen.std(0) + 1e-2)
    for number in range(done, epochs):
        torch.manual_seed(seed + number)
        net.train()
        total = 0.0
        for rows in track(list(epoch(items, random.Random(seed + number))), f"epoch {number + 1}/{epochs}"):
            lost = loss(net, stacked(rows, rare))
            optimiser.zero_grad()
            lost.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(learnt, 1.0)
            optimiser.step()
            schedule.step()
            total += float(lost.detach())
        kept.parent.mkdir(parents=True, exist_ok=True)
        states = {"net": net.state_dict(), "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
        torch.save({"epochs": number + 1, **states}, kept)
        figures = " ".join(f"{name} {value:.3f}" for name, value in report(net, valid, rare).items())
        print(f"epoch {number + 1}/{epochs} loss {total / batches:.3f} held-out: {figures}", flush=True)


def report(net: Net, items: Sequence[Item], rare: NDArray[np.float32]) -> Figures:
    """Sentences chosen rightly, and how well the odds tell questions that are answered from those that are not."""
    net.eval()
    own, swapped = ([item for item in items if item.swapped is kind] for kind in (False, True))
    sets: dict[str, list[Row]] = {
        "present": [(item, [item.own, *item.others[:4]]) for item in own],
        "removed": [(item, [item.removed, *item.others[:4]]) for item in own if item.removed],
        "swapped": [(item, [item.own.without(), *item.others[:4]]) for item in swapped],
        "absent": [(item, item.others) for item in own if item.others],
    }
    odds: dict[str, NDArray[np.float32]] = {}
    figures: Figures = {}
    with torch.no_grad():
        for name, rows in sets.items():
            best, right = [], []
            for i in range(0, len(rows), SIZE):
                batch = stacked(rows[i : i + SIZE], rare)
                z = net(batch)[0]
                b, k, _ = z.shape
                by_sentence = torch.zeros(b, k, int(batch.sentence.max()) + 1)
                each = by_sentence.scatter_add(2, batch.sentence, z.exp() * batch.real).log().flatten(1)
                held = by_sentence.scatter_add(2, batch.sentence, batch.within.float()).flatten(1) > 0
                best += each.amax(1).tolist()
                right += held.gather(1, each.argmax(1)[:, None])[:, 0].tolist()
            odds[name] = np.array(best, np.float32)
            if name == "present":
                figures["chosen"] = float(np.mean(right))
            else:
                figures[f"AUROC {name}"] = float(np.mean(odds["present"][:, None] > odds[name][None]))
    return figures


def main() -> None:
    """Train, report, write ``rag/answer/reader.npz``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--words", type=Path, required=True, help="folder of an embedder trained with --unseen 1")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--unseen", type=float, default=HELD, help="share of the passages that is not trained on")
    parser.add_argument("--clozes", action="store_true", help="train on questions made from statements, for --before")
    parser.add_argument("--before", type=Path, help="checkpoint of a run with --clozes to start from")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/reader.pt"))
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    documents, questions = read_cmrc(args.data)
    near = Neighbours(StaticEmbedder(args.words))
    maker = Maker(documents, StaticEmbedder(SHIPPED), rarity, near)
    parts: tuple[list[Question], list[Question]] = ([], [])
    for question in questions:
        parts[place(question.document_id) < args.unseen].append(question)
    asked = list(clozes(args.data, rarity, near, args.unseen, args.seed)) if args.clozes else parts[0]
    train, valid = maker.items(asked, args.seed), maker.items(parts[1][:MEASURED], args.seed)
    net = Net(*words(StaticEmbedder(args.words), maker.vocabulary))
    rare = maker.traits[:, 0].copy()
    fit(net, train, valid, rare, args.epochs, args.seed, args.checkpoint, args.before)
    if not args.clozes:
        np.savez_compressed(args.out, **exported(net))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
