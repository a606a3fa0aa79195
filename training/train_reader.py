"""Train the reader; stop it at any time, and it goes on from its last checkpoint.

    python -m training.train_reader --data ../shared/train --base checkpoints/base --out checkpoints/reader --minutes 90

The rate rises over the first windows, stays, and falls to zero over the last ``--falling-minutes``; minutes count the
time that it trained, over all runs. What stood before the rate fell is kept as ``steady.pt``: to train longer, put it
in the place of ``reader.pt`` and give more minutes. ``log.jsonl`` keeps the loss and the figures on held-out passages.
"""

import argparse
import json
import math
import random
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from tokenizers import Tokenizer
from torch.nn import functional

from rag.answering.reader import find_best_span
from rag.answering.windows import EncodedWindow, encode_window, pad_windows
from rag.text import sentences
from training.reader_examples import Example, ExampleMaker, Question, read_reading_questions, read_written_questions
from training.reader_model import Reader, freeze_lower_layers, load_base
from training.weight_average import WeightAverage

BATCH = 24  # windows
POOL = 40  # batches whose windows are sorted by length, so that little is padded
SPAN_WEIGHT = 0.35  # of the span's loss beside that of the judgment
SMOOTHING = 0.02
MEASURED = 500  # held-out questions
LAYER_FACTOR = 0.92  # of a layer's rate of learning, beside the layer above it
_LAYER = re.compile(r"\.layer\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class Sample:
    """An encoded example; ``tokens`` is its answer, first and last token, or None."""

    encoded: EncodedWindow
    tokens: tuple[int, int] | None


def encode_example(tokenizer: Tokenizer, example: Example) -> Sample | None:
    """Encode an example; None where the answer lies beyond what the reader sees."""
    encoded = encode_window(tokenizer, example.question, example.title, example.text)
    if example.span is None:
        return Sample(encoded, None)
    start, end = example.span
    inside = np.flatnonzero(
        (encoded.offsets[:, 1] > start) & (encoded.offsets[:, 0] < end) & (encoded.offsets[:, 0] >= 0)
    )
    if not len(inside) or encoded.offsets[inside[-1], 1] < end:
        return None
    return Sample(encoded, (int(inside[0]), int(inside[-1])))


def draw_samples(
    tokenizer: Tokenizer, sets: list[tuple[ExampleMaker, list[Question], float]], seed: int
) -> Iterator[Sample]:
    """Yield samples without end; each set is gone through again and again in new order, at its share."""
    draw = random.Random(seed)
    orders: list[Iterator[Question]] = [_cycle(questions, draw) for _, questions, _ in sets]
    shares = [share for _, _, share in sets]
    while True:
        (index,) = draw.choices(range(len(sets)), shares)
        for example in sets[index][0].make_examples(next(orders[index])):
            sample = encode_example(tokenizer, example)
            if sample:
                yield sample


def _cycle(questions: list[Question], draw: random.Random) -> Iterator[Question]:
    order = list(questions)
    while True:
        draw.shuffle(order)
        yield from order


def make_batches(samples: Iterator[Sample], seed: int) -> Iterator[list[Sample]]:
    """Yield batches of windows of like length."""
    draw = random.Random(seed)
    while True:
        pool = sorted((next(samples) for _ in range(BATCH * POOL)), key=lambda s: len(s.encoded.ids))
        batches = [pool[i : i + BATCH] for i in range(0, len(pool), BATCH)]
        draw.shuffle(batches)
        yield from batches


def compute_loss(reader: Reader, batch: list[Sample]) -> tuple[torch.Tensor, float, float]:
    """Return the loss to follow, and its two parts: judgment, span."""
    ids, mask = pad_windows([s.encoded for s in batch], 16)
    start, end, judged = reader(torch.from_numpy(ids), torch.from_numpy(mask))
    labels = torch.tensor([float(s.tokens is not None) for s in batch])
    smooth = labels * (1 - 2 * SMOOTHING) + SMOOTHING
    judgment = functional.binary_cross_entropy_with_logits(judged, smooth)
    rows = [row for row, sample in enumerate(batch) if sample.tokens]
    if not rows:
        return judgment, float(judgment.detach()), 0.0
    spans = torch.tensor([batch[row].tokens for row in rows])
    span = functional.cross_entropy(start[rows], spans[:, 0]) + functional.cross_entropy(end[rows], spans[:, 1])
    return judgment + SPAN_WEIGHT * span, float(judgment.detach()), float(span.detach())


@torch.no_grad()
def measure_reader(reader: Reader, tokenizer: Tokenizer, questions: list[Question]) -> dict[str, float]:
    """Measure on held-out questions: their passage's windows compete, as they do when a question is asked.

    ``auroc`` tells answerable from not by the best judgment; ``sentence`` is the share of answerable questions whose
    best span lies in the sentence of the answer; ``refused`` the share of the others below the bound that keeps nine
    of ten answerable ones.
    """
    reader.eval()
    scores, labels, right = [], [], []
    for question in questions:
        passage = question.passage
        encoded = [
            encode_window(tokenizer, question.text, passage.title, passage.text[w.start : w.end])
            for w in passage.windows
        ][:6]
        ids, mask = pad_windows(encoded)
        start, end, judged = reader(torch.from_numpy(ids), torch.from_numpy(mask))
        best = int(judged.argmax())
        scores.append(float(judged[best]))
        labels.append(question.answerable)
        if question.answerable and question.span:
            first, _ = find_best_span(start[best].numpy(), end[best].numpy())
            offsets = encoded[best].offsets
            middle = passage.windows[best].start + int(offsets[min(first, len(offsets) - 1)][0])
            said = [
                span for span in sentences(passage.text) if span[0] < question.span[1] and question.span[0] < span[1]
            ]
            right.append(any(a <= middle < b for a, b in said))
    reader.train()
    kept = np.array(scores)[np.array(labels)]
    bound = float(np.quantile(kept, 0.10))
    refused = float((np.array(scores)[~np.array(labels)] < bound).mean())
    return {
        "auroc": round(float(roc_auc_score(labels, scores)), 4),
        "sentence": round(float(np.mean(right)), 4),
        "refused": round(refused, 4),
    }


def save_checkpoint(
    path: Path, reader: Reader, average: WeightAverage, optimizer: torch.optim.Optimizer, state: dict[str, float]
) -> None:
    """Write the checkpoint beside the old one, then put it in its place."""
    new = path.with_suffix(".new")
    parts: dict[str, Any] = {"reader": reader, "average": average, "optimizer": optimizer}
    torch.save({name: part.state_dict() for name, part in parts.items()} | {"state": state}, new)
    new.replace(path)


def make_optimizer(reader: Reader, rate: float) -> torch.optim.AdamW:
    """Make the optimizer: no decay of norms and biases.

    The heads, which begin untrained, learn three times as fast as the top layer, and each layer below it
    ``LAYER_FACTOR`` times as fast as the one above.
    """
    layers = len(reader.base.encoder.layer)
    groups: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in reader.named_parameters():
        if parameter.requires_grad:
            layer = _LAYER.search(name)
            factor = LAYER_FACTOR ** (layers - 1 - int(layer[1])) if layer else 3.0
            groups.setdefault((factor, parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": each, "weight_decay": 0.01 * decays, "factor": factor, "lr": rate}
            for (factor, decays), each in groups.items()
        ],
        betas=(0.9, 0.98),
    )


def main() -> None:
    """Train until the minutes are used up, or until a signal asks to stop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True, help="folder of training.base_model")
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoints")
    parser.add_argument(
        "--own", type=Path, help="folder with further questions, .jsonl", default=Path("training/questions")
    )
    parser.add_argument("--minutes", type=float, default=240)
    parser.add_argument("--falling-minutes", type=float, default=40)
    parser.add_argument("--half", action="store_true", help="compute in bfloat16: twice as fast on a CPU with AMX")
    parser.add_argument("--frozen", type=int, default=3, help="lower layers that stay as they are")
    parser.add_argument("--rate", type=float, default=2.5e-4)
    parser.add_argument("--average-decay", type=float, default=0.998, help="of the mean weights, a step")
    parser.add_argument("--warm-up", type=int, default=2400, help="windows")
    parser.add_argument("--written-share", type=float, default=0.62, help="of written questions beside CMRC's")
    parser.add_argument("--save-minutes", type=float, default=5)
    parser.add_argument("--measure-windows", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    path, log = options.out / "reader.pt", options.out / "log.jsonl"
    torch.manual_seed(options.seed)
    tokenizer = Tokenizer.from_file(str(options.base / "tokenizer.json"))
    reader = Reader(load_base(options.base), half=options.half)
    freeze_lower_layers(reader, options.frozen)
    optimizer = make_optimizer(reader, options.rate)
    average = WeightAverage(reader, options.average_decay)
    state = {"windows": 0.0, "seconds": 0.0}
    if path.is_file():
        saved = torch.load(path, weights_only=True)
        reader.load_state_dict(saved["reader"])
        optimizer.load_state_dict(saved["optimizer"])
        state = saved["state"]
        average = WeightAverage(reader, options.average_decay)
        if "average" in saved:
            average.load_state_dict(saved["average"])
    written, held_out = read_written_questions(options.data, options.own)
    texts = {q.passage.text for q in held_out}
    reading = read_reading_questions(options.data, texts)
    random.Random(0).shuffle(held_out)
    seed = options.seed + int(state["windows"])
    sets = [
        (ExampleMaker(written, seed), written, options.written_share),
        (ExampleMaker(reading, seed), reading, 1 - options.written_share),
    ]
    print(f"{len(written):,} written, {len(reading):,} read, {len(held_out):,} held out; from {state}", flush=True)
    asked_to_stop = False

    def stop(*_: object) -> None:
        nonlocal asked_to_stop
        asked_to_stop = True

    signal.signal(signal.SIGTERM, stop)
    reader.train()
    began = last_saved = last_said = time.monotonic()
    before, losses = dict(state), []
    fell = options.minutes - state["seconds"] / 60 < options.falling_minutes
    batches = make_batches(draw_samples(tokenizer, sets, seed), seed)
    while not asked_to_stop:
        state["seconds"] = before["seconds"] + time.monotonic() - began
        left = options.minutes - state["seconds"] / 60
        if left <= 0:
            break
        if left < options.falling_minutes and not fell:
            save_checkpoint(options.out / "steady.pt", reader, average, optimizer, state)
            fell = True
        rising = (state["windows"] + BATCH) / options.warm_up
        rate = options.rate * min(1.0, rising, left / options.falling_minutes)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        batch = next(batches)
        loss, judgment, span = compute_loss(reader, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([p for p in reader.parameters() if p.requires_grad], 1.0)
        optimizer.step()
        average.update(reader)
        losses.append((judgment, span))
        earlier = state["windows"]
        state["windows"] += len(batch)
        now = time.monotonic()
        if now - last_said > 60:
            speed = (state["windows"] - before["windows"]) / (now - began)
            judgment, span = np.mean(losses, axis=0)
            row = {"windows": int(state["windows"]), "minutes": round(state["seconds"] / 60, 1)}
            row |= {"judgment": round(float(judgment), 4), "span": round(float(span), 4), "speed": round(speed, 1)}
            _write_row(log, row)
            print(
                f"{row['windows']:,} windows, {speed:.1f}/s, {left:.0f} min left, loss {judgment:.3f} {span:.3f}",
                flush=True,
            )
            losses, last_said = [], now
        if now - last_saved > 60 * options.save_minutes:
            save_checkpoint(path, reader, average, optimizer, state)
            last_saved = now
        if math.floor(earlier / options.measure_windows) != math.floor(state["windows"] / options.measure_windows):
            figures = measure_reader(average.make_reader(reader), tokenizer, held_out[:MEASURED])
            _write_row(log, {"windows": int(state["windows"]), **figures})
            print(f"{int(state['windows']):,} windows: {figures}", flush=True)
    save_checkpoint(path, reader, average, optimizer, state)
    if not asked_to_stop:
        figures = measure_reader(average.make_reader(reader), tokenizer, held_out)
        _write_row(log, {"windows": int(state["windows"]), "all": len(held_out), **figures})
        print(f"{int(state['windows']):,} windows, all held-out questions: {figures}", flush=True)


def _write_row(log: Path, row: dict[str, float]) -> None:
    with log.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
