"""Trains the static embedder that is shipped: ``python -m training.embedder --data ../shared/train --out FOLDER``.

A text's vector is the mean of its tokens' rows, each as long as the token tells much; a passage's is pressed number by
number. A part of each row is a fixed code; the rest, and the lengths, are trained with an in-batch contrastive loss: a
query is to be nearer to its own passage than to the other passages of the batch, and the other way round. While
training, what a word learns is its own vector plus the mean of those of its parts (characters, shorter words,
beginnings of English words), so that rare words start from what their parts mean; the sum is what is written.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from rag.text import fold
from training import data, vocabulary
from training.batches import QUICK, WEIGHTS, Bag, Settings, draw
from training.export import write


class Rows(nn.Module):
    """The table in training, and the vectors that it gives.

    A row's first numbers are a code that tells tokens apart (`codes`), fixed but for English; the others are learnt and
    hold what tokens have to do with each other. Learning moves the code only to harm: a model whose rows were learnt
    altogether forgot which word is which (docs/embedder.md).
    """

    def __init__(self, tokenizer: Tokenizer, counts: NDArray[np.int64], settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        entries = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
        known = set(entries)
        found = [parts(entry, known) for entry in entries]
        names = {name: i for i, name in enumerate(dict.fromkeys(chain.from_iterable(found)))}
        self.part_ids = torch.tensor([names[name] for name in chain.from_iterable(found)], dtype=torch.long)
        self.part_bounds = torch.tensor(np.cumsum([0, *map(len, found)]), dtype=torch.long)
        self.code = torch.from_numpy(codes(len(entries), settings))
        english = [i for i, entry in enumerate(entries) if len(entry) > 1 and "a" <= entry[0] <= "z"]
        self.slot = torch.full((len(entries),), -1, dtype=torch.long)  # where an English entry's code lies
        self.slot[english] = torch.arange(len(english))
        self.english = nn.Parameter(self.code[english].clone())
        generator = torch.Generator().manual_seed(settings.seed)
        shape, scale = (len(entries), settings.learnt), settings.start * settings.learnt**-0.5
        self.own = nn.Parameter(torch.randn(shape, generator=generator) * scale)
        self.shared = nn.Parameter(torch.randn((max(1, len(names)), settings.learnt), generator=generator) * scale)
        rarity = np.log1p(counts.sum() / (settings.window * np.maximum(1, counts)))
        self.weight = nn.Parameter(torch.tensor(settings.rarity * np.log(rarity)).float())

    def forward(self, ids: Tensor, mixed: bool = False) -> Tensor:
        """Rows of distinct token ids, float32 ``(n, d)``; ``mixed`` as they are to be written."""
        first, end = self.part_bounds[ids], self.part_bounds[ids + 1]
        sizes = end - first
        starts = torch.cumsum(sizes, 0) - sizes
        flat = torch.repeat_interleave(first - starts, sizes) + torch.arange(int(sizes.sum()))
        shared = functional.embedding_bag(self.part_ids[flat], self.shared, starts, mode="mean")
        learnt = functional.embedding(ids, self.own) + shared
        is_english = self.slot[ids] >= 0
        places = is_english.nonzero()[:, 0]
        code = self.code[ids].index_copy(0, places, functional.embedding(self.slot[ids[places]], self.english))
        if mixed:
            s = self.settings
            learnt = learnt * torch.where(is_english, s.share_english, s.share)[:, None]
            code = code * torch.where(is_english, s.code_english, 1.0)[:, None]
        return torch.cat([code, learnt], dim=1) * torch.exp(self.weight[ids])[:, None]

    def texts(self, queries: Bag, passages: Bag, mixed: bool = False) -> tuple[Tensor, Tensor]:
        """Unit vectors of queries and of passages, each float32 ``(n, d)``."""
        bags = queries, passages
        ids, places = torch.unique(torch.cat([tokens for tokens, _ in bags]), return_inverse=True)
        rows = self(ids, mixed)
        split = torch.split(places, [len(tokens) for tokens, _ in bags])
        left, right = (
            functional.normalize(functional.embedding_bag(place, rows, starts, mode="mean"), eps=1e-8)
            for place, (_, starts) in zip(split, bags, strict=True)
        )
        return left, self.pressed(right)

    def pressed(self, units: Tensor) -> Tensor:
        """From unit means of rows to a passage's unit vectors: what is strong is pressed together."""
        return functional.normalize(functional.softsign(units * self.settings.gain), eps=1e-8)

    @torch.no_grad()
    def table(self) -> NDArray[np.float32]:
        """All rows as they are to be written, float32 ``(v, d)``; the unknown token's is zero."""
        rows: NDArray[np.float32] = self(torch.arange(len(self.own)), mixed=True).numpy()
        rows[0] = 0
        return rows


def codes(entries: int, settings: Settings) -> NDArray[np.float32]:
    """Sparse random codes of length 1, float32 ``(entries, code)``: ``ones`` places of each are plus or minus.

    Two texts are near where they share words before anything is learnt. Few words of a text meet in one place, so
    that `Rows.pressed`, which works place by place, works nearly word by word: a word said ten times counts little more
    than one said twice.
    """
    rng = np.random.default_rng(settings.seed)
    rows = np.zeros((entries, settings.code), dtype=np.float32)
    ones = min(settings.ones, settings.code)
    places = np.argsort(rng.random(rows.shape, dtype=np.float32), axis=1, kind="stable")[:, :ones]
    np.put_along_axis(rows, places, rng.choice(np.array([-1, 1], np.float32), places.shape) * ones**-0.5, axis=1)
    return rows


def parts(entry: str, entries: set[str]) -> list[str]:
    """What a vocabulary entry shares with others: characters and shorter words, or the beginning of a word."""
    if len(entry) < 2 or entry == vocabulary.UNKNOWN or entry[0].isdigit():
        return []
    if "a" <= entry[0] <= "z":
        return [f"{entry[:4]}*", f"{entry[:6]}*"] if len(entry) >= 4 else []
    pairs = [entry[i : i + 2] for i in range(len(entry) - 1)] if len(entry) > 2 else []
    return list(entry) + [pair for pair in pairs if pair in entries]


def contrast(queries: Tensor, passages: Tensor, groups: Tensor, temperature: float) -> Tensor:
    """Symmetric in-batch cross entropy (InfoNCE, van den Oord et al. 2018); same-group pairs are no negatives."""
    scores = queries @ passages.T / temperature
    same = (groups[:, None] == groups[None]) & ~torch.eye(len(groups), dtype=torch.bool)
    scores = scores.masked_fill(same, -1e4)
    target = torch.arange(len(groups))
    return (functional.cross_entropy(scores, target) + functional.cross_entropy(scores.T, target)) / 2


@torch.no_grad()
def check(rows: Rows, prepared: data.Prepared, settings: Settings, most: int = 1000) -> dict[str, tuple[float, int]]:
    """Share of held-out queries that find their own passage first among up to ``most``, and how many, by source."""
    found = {}
    for source in prepared.sources:
        rng = np.random.default_rng(settings.seed)
        _, distinct = np.unique(source.groups, return_index=True)
        chosen = rng.permutation(distinct)[:most]
        query_bag, passage_bag, _ = draw(prepared, source, rng, settings, 0.0, chosen)
        queries, passages = rows.texts(query_bag, passage_bag, mixed=True)
        best = (queries @ passages.T).argmax(dim=1)
        found[source.name] = (float((best == torch.arange(len(chosen))).float().mean()), len(chosen))
    return found


def _prepared(folder: Path, checkpoints: Path, settings: Settings) -> tuple[Tokenizer, data.Prepared, data.Prepared]:
    """Tokenizer and pairs, to train on and held out; made once and kept beside the checkpoints."""
    files = [checkpoints / name for name in ("tokenizer.json", "train.npz", "held-out.npz")]
    if not all(file.is_file() for file in files):
        checkpoints.mkdir(parents=True, exist_ok=True)
        print("reading", flush=True)
        texts, held = data.read(folder, "train"), data.read(folder, "stop")
        print("choosing the vocabulary", flush=True)
        tokenizer = vocabulary.build(_texts(texts), settings.vocabulary)
        tokenizer.save(str(files[0]))
        print("tokenising", flush=True)
        data.prepare(texts, tokenizer).save(files[1])
        data.prepare(held, tokenizer).save(files[2])
    return Tokenizer.from_file(str(files[0])), data.Prepared.load(files[1]), data.Prepared.load(files[2])


def _texts(texts: data.Texts, share: int = 2) -> Iterator[str]:
    """Folded texts to count words in: every ``share``-th paragraph of a large source, all of a small one."""
    for paragraphs in texts.paragraphs.values():
        for _, text in paragraphs[:: share if len(paragraphs) > 10_000 else 1]:
            yield fold(text)
    for name in ("english_title", "english_abstract", "question_passage"):
        for query, passage, _ in texts.pairs.get(name, []):
            yield fold(query)
            if name != "question_passage":
                yield fold(passage)


def train(folder: Path, checkpoints: Path, settings: Settings) -> tuple[Tokenizer, NDArray[np.float32]]:
    """Train on the files in ``folder`` and return the tokenizer and the rows, float32 ``(v, d)``.

    A run that was broken off goes on from the last state in ``checkpoints``; another choice of settings, or other
    data, has another folder there. Raises FileNotFoundError where there is no data.
    """
    torch.set_num_threads(settings.threads)
    sizes = {name: (folder / name).stat().st_size for name in data.FILES if (folder / name).is_file()}
    made_of = json.dumps([data.VERSION, sizes, settings.vocabulary, data.BOUNDS, data.PER_LAW])
    base = checkpoints / hashlib.sha256(made_of.encode()).hexdigest()[:12]
    tokenizer, prepared, held = _prepared(folder, base, settings)
    counts = np.bincount(prepared.tokens, minlength=tokenizer.get_vocab_size())
    run = base / hashlib.sha256(json.dumps([asdict(settings), WEIGHTS]).encode()).hexdigest()[:12]
    rows = Rows(tokenizer, counts, settings)
    state = _State(rows, run)
    sources = {s.name: s for s in prepared.sources if len(s.queries) >= 2}
    odds = np.array([WEIGHTS[name] for name in sources])
    names = list(sources)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task("training", total=settings.steps, completed=state.step, rate="")
        began, first = time.monotonic(), state.step
        while state.step < settings.steps and state.idle < settings.patience:
            rng = np.random.default_rng((settings.seed, state.step))  # by step, so that a resumed run is the same
            rate = min(1.0, 10 * (state.step + 1) / settings.steps) * (1 - state.step / settings.steps)
            for group, share in zip(state.optimizer.param_groups, (1.0, settings.weight_rate), strict=True):
                group["lr"] = settings.rate * share * rate
            source = sources[names[rng.choice(len(names), p=odds / odds.sum())]]
            queries, passages, groups = draw(prepared, source, rng, settings, settings.dropout)
            loss = contrast(*rows.texts(queries, passages), groups, settings.temperature)
            state.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            state.optimizer.step()
            state.step += 1
            speed = (state.step - first) * settings.batch / (time.monotonic() - began)
            progress.update(task, completed=state.step, rate=f"{speed:.0f} pairs/s")
            if state.step % settings.check_every == 0 or state.step == settings.steps:
                found = check(rows, held, settings)
                queries_held = sum(count for _, count in found.values())  # small sources are noisy, so all count alike
                state.keep(sum(value * count for value, count in found.values()) / max(1, queries_held), rows)
                shown = " ".join(f"{name} {value:.3f}" for name, (value, _) in found.items())
                progress.console.print(f"step {state.step} loss {loss.item():.3f} best {state.best:.4f} | {shown}")
    return tokenizer, state.table


class _State:
    """What a resumed run needs, kept in one folder without pickle."""

    def __init__(self, rows: Rows, folder: Path) -> None:
        self.rows, self.folder = rows, folder
        self.optimizer = torch.optim.Adam(
            [{"params": [rows.english, rows.own, rows.shared]}, {"params": [rows.weight]}],
            betas=(0.9, 0.98),
            fused=True,
        )
        self.step, self.idle, self.best = 0, 0, -1.0
        self.table = rows.table()
        if (folder / "state.json").is_file():
            self._load()

    def keep(self, score: float, rows: Rows) -> None:
        """Take note of a check; write everything down."""
        self.idle = 0 if score > self.best else self.idle + 1
        if score > self.best:
            self.best, self.table = score, rows.table()
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"row.{name}": value.detach() for name, value in rows.named_parameters()}
        for i, entry in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{i}.{name}": value for name, value in entry.items()}
        save_file(tensors | {"table": torch.from_numpy(self.table)}, self.folder / "state.safetensors.new")
        (self.folder / "state.safetensors.new").replace(self.folder / "state.safetensors")
        numbers = {"step": self.step, "idle": self.idle, "best": self.best}
        (self.folder / "state.json").write_text(json.dumps(numbers), encoding="utf-8")

    def _load(self) -> None:
        tensors = load_file(self.folder / "state.safetensors")
        numbers = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        self.step, self.idle, self.best = numbers["step"], numbers["idle"], numbers["best"]
        self.table = tensors.pop("table").numpy()
        self.rows.load_state_dict({k[4:]: v for k, v in tensors.items() if k.startswith("row.")})
        entries: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith("adam."):
                _, i, name = key.split(".")
                entries.setdefault(int(i), {})[name] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": entries, "param_groups": groups})


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the static embedder that the project ships.")
    parser.add_argument("--data", type=Path, required=True, help="folder with the training files (.jsonl.xz)")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints/embedder"), help="resumable state")
    parser.add_argument(
        "--unseen", type=float, help="share of CMRC's passages to keep out, for the answer stage to be trained on"
    )
    parser.add_argument("--quick", action="store_true", help="a tiny model in seconds, to try the way")
    for name, value in asdict(Settings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), help=f"{value} unless given")
    chosen = vars(parser.parse_args())
    settings = replace(QUICK if chosen["quick"] else Settings(), **{
        name: chosen[name] for name in asdict(QUICK) if chosen[name] is not None
    })  # fmt: skip
    checkpoints = chosen["checkpoints"]
    if chosen["unseen"] is not None:
        data.BOUNDS["cmrc"] = (data.BOUNDS["cmrc"][0], chosen["unseen"])
        checkpoints = checkpoints / f"unseen-{chosen['unseen']}"  # what was read with another split is of no use
    tokenizer, table = train(chosen["data"], checkpoints, settings)
    write(tokenizer, table, chosen["out"], settings.learnt, settings.gain)


if __name__ == "__main__":
    main()
