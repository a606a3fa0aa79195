"""The reader as a torch network, for training; ``rag.answer.reader`` computes the same without torch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from rag.answer.reading import FEATURES, KINDS

Floats = NDArray[np.float32]
_FAR = -1e4  # logit of what cannot be


@dataclass(frozen=True, slots=True)
class Batch:
    """b questions of m tokens, each with k passages of n tokens; what is shorter is filled up."""

    question: Tensor  # int64 (b, m)
    asked: Tensor  # bool (b, m), which of these are real
    rarity: Tensor  # float32 (b, m)
    kind: Tensor  # int64 (b,)
    passages: Tensor  # int64 (b, k, n)
    real: Tensor  # bool (b, k, n)
    sentence: Tensor  # int64 (b, k, n)
    features: Tensor  # float32 (b, k, n, FEATURES)
    equal: Tensor  # float32 (b, k, n, m)
    start: Tensor  # int64 (b,), where the answer begins among the k · n tokens, -1 for nowhere
    end: Tensor  # int64 (b,), its last token
    within: Tensor  # bool (b, k, n), the tokens of the sentences that hold it


class _Scan(torch.autograd.Function):
    """c[t] = f[t] · c[t-1] + g[t], time first: the one loop of the network, in NumPy forwards and backwards."""

    @staticmethod
    def forward(ctx: Any, f: Tensor, g: Tensor) -> Tensor:
        keep, gain = f.detach().numpy(), g.detach().numpy()
        states, state = np.empty_like(gain), np.zeros_like(gain[0])
        for t in range(len(gain)):
            state = keep[t] * state
            state += gain[t]
            states[t] = state
        found = torch.from_numpy(states)
        ctx.save_for_backward(f, found)
        return found

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        f, found = ctx.saved_tensors
        keep, states, grad = f.numpy(), found.numpy(), grads[0].numpy()
        total, running = np.empty_like(grad), np.zeros_like(grad[0])
        for t in range(len(grad) - 1, -1, -1):
            if t < len(grad) - 1:
                running = keep[t + 1] * running
            running = running + grad[t]
            total[t] = running
        to_keep = np.zeros_like(total)
        to_keep[1:] = total[1:] * states[:-1]
        return torch.from_numpy(to_keep), torch.from_numpy(total)


class Recurrent(nn.Module):
    """Simple recurrent units in both directions: ``(b, t, i)`` to ``(b, t, 2 d)`` (Lei et al. 2018)."""

    def __init__(self, inputs: int, d: int) -> None:
        super().__init__()
        self.d = d
        self.w = nn.Linear(inputs, 6 * d)
        self.skip = nn.Linear(inputs, 2 * d, bias=False) if inputs != 2 * d else None
        nn.init.xavier_uniform_(self.w.weight)
        nn.init.zeros_(self.w.bias)
        self.w.bias.data[2 * d : 4 * d] = 1

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """``real`` is float ``(b, t, 1)``, 0 where ``x`` was filled up."""
        d, u = self.d, self.w(x)
        forget, reset = torch.sigmoid(u[..., 2 * d : 4 * d]), torch.sigmoid(u[..., 4 * d :])
        gain = (1 - forget) * u[..., : 2 * d] * real
        state = _turned(_Scan.apply(_first(forget, d), _first(gain, d)).transpose(0, 1), d)  # type: ignore[no-untyped-call]
        skip = x if self.skip is None else self.skip(x)
        turned: Tensor = (reset * torch.tanh(state) + (1 - reset) * skip) * real
        return turned


def _turned(x: Tensor, d: int) -> Tensor:
    return torch.cat([x[..., :d], x[..., d:].flip(1)], -1)


def _first(x: Tensor, d: int) -> Tensor:
    return _turned(x, d).transpose(0, 1).contiguous()


class Net(nn.Module):
    """See ``rag.answer.reader.logits``; word vectors stay as they are, everything else is learnt."""

    def __init__(self, words: Floats, characters: Floats, d: int = 64, layers: int = 2, drop: float = 0.2) -> None:
        """``words`` and ``characters`` are float32 (vocabulary, e): of each token, and the mean of its characters'."""
        super().__init__()
        self.drop = drop
        e = 2 * words.shape[1]
        self.rows = nn.Parameter(torch.from_numpy(np.concatenate([words, characters], 1)), requires_grad=False)
        self.mean = nn.Parameter(torch.zeros(FEATURES), requires_grad=False)
        self.scale = nn.Parameter(torch.ones(FEATURES), requires_grad=False)
        self.read, self.align, self.match = nn.Linear(e, d), nn.Linear(e, d), nn.Linear(e, d, bias=False)
        self.question, self.pool, self.share = Recurrent(d, d // 2), nn.Linear(d, 1), nn.Linear(d + 1, 1)
        self.kind, self.exact = nn.Embedding(len(KINDS), d), nn.Parameter(torch.tensor(2.0))
        self.into, self.into_question = nn.Linear(2 * d + FEATURES + 6, 2 * d), nn.Linear(d, 2 * d)
        self.layers = nn.ModuleList([Recurrent(2 * d, d) for _ in range(layers)])
        self.start, self.start_question = nn.Linear(2 * d, 1), nn.Linear(d, 2 * d)
        self.end, self.end_question = nn.Linear(2 * d, 1), nn.Linear(d, 2 * d)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits that the answer begins and that it ends at each token, ``(b, k, n)`` each."""
        b, k, n = batch.passages.shape
        m, d = batch.question.shape[1], self.read.out_features
        seen, at = torch.unique(torch.cat([batch.question.flatten(), batch.passages.flatten()]), return_inverse=True)
        of_question, of_passages = at[: b * m].reshape(b, m), at[b * m :].reshape(b, k, n)
        rows = self.rows[seen]
        if self.training:
            rows = rows * (torch.rand(len(rows), 1) > self.drop / 2)
        read, align = torch.tanh(self.read(rows)), self.align(rows)
        match = functional.normalize(self.match(rows), dim=-1)

        h = self._dropped(self.question(self._dropped(read[of_question]), batch.asked[..., None].float()))
        h = h + self.kind(batch.kind)[:, None]
        attention = torch.softmax(self.pool(h)[..., 0].masked_fill(~batch.asked, _FAR), 1)
        pooled = (attention[..., None] * h).sum(1)

        alike = torch.einsum("bkne,bme->bknm", align[of_passages], align[of_question]) / d**0.5
        alike = (alike + self.exact * batch.equal).masked_fill(~batch.asked[:, None, None], _FAR)
        aligned = torch.einsum("bknm,bme->bkne", torch.softmax(alike, -1), h)

        cosine = torch.einsum("bkne,bme->bknm", match[of_passages], match[of_question])
        cosine = torch.maximum(cosine, batch.equal) * batch.real[..., None]
        met = torch.zeros(b, k, int(batch.sentence.max()) + 1, m)
        met = met.scatter_reduce(2, batch.sentence[..., None].expand(b, k, n, m), cosine, "amax")
        share = torch.sigmoid(self.share(torch.cat([h, batch.rarity[..., None]], -1)))[..., 0] * batch.asked
        share = share / share.sum(1, keepdim=True).clamp(min=1e-3)
        own = _met(met, share[:, None, None]).gather(2, batch.sentence[..., None].expand(b, k, n, 3))
        whole = _met(met.amax(2), share[:, None])[:, :, None].expand(b, k, n, 3)

        features = ((batch.features - self.mean) / self.scale).clamp(-4, 4)
        x = self.into(torch.cat([self._dropped(read[of_passages]), aligned, features, own, whole], -1))
        x = self._dropped(torch.relu(x + self.into_question(pooled)[:, None, None])).reshape(b * k, n, -1)
        real = batch.real.reshape(b * k, n, 1).float()
        for layer in self.layers:
            x = self._dropped(layer(x, real))
        x = x.reshape(b, k, n, -1)
        heads = ((self.start, self.start_question), (self.end, self.end_question))
        start, end = (
            (plain(x)[..., 0] + (x * by(pooled)[:, None, None]).sum(-1) / (2 * d) ** 0.5).masked_fill(~batch.real, _FAR)
            for plain, by in heads
        )
        return start, end

    def _dropped(self, x: Tensor) -> Tensor:
        """The same numbers of all tokens of a text dropped."""
        if not self.training or not self.drop:
            return x
        kept = torch.rand(x.shape[0], *[1] * (x.dim() - 2), x.shape[-1]) > self.drop
        return x * kept / (1 - self.drop)


def _met(met: Tensor, share: Tensor) -> Tensor:
    """How much of the question is met, the weightiest lack, the distance to the best of all passages."""
    much = (met * share).sum(-1)
    best = much.flatten(1).amax(1).reshape(-1, *[1] * (much.dim() - 1))
    return torch.stack([much, ((1 - met) * share).amax(-1), much - best], -1)


def loss(net: Net, batch: Batch) -> Tensor:
    """Of the place where the answer begins and of the sentence that holds it, half each, and some of its end."""
    start, end = net(batch)
    return 0.5 * (_nll(start, batch.start, None) + _nll(start, batch.start, batch.within)) + 0.3 * _nll(
        end, batch.end, None
    )


def _nll(z: Tensor, at: Tensor, within: Tensor | None) -> Tensor:
    """All tokens of all passages compete with «nowhere», whose logit is 0."""
    nowhere = at < 0
    z = torch.cat([z.flatten(1), torch.zeros(len(z), 1)], 1)
    total = torch.logsumexp(z, 1)
    if within is None:
        return (total - z.gather(1, torch.where(nowhere, z.shape[1] - 1, at)[:, None])[:, 0]).mean()
    right = torch.cat([within.flatten(1), nowhere[:, None]], 1)
    return (total - torch.logsumexp(z.masked_fill(~right, _FAR), 1)).mean()


def exported(net: Net, tables_as: type[np.floating[Any]] = np.float16) -> dict[str, NDArray[Any]]:
    """The arrays of ``reader.npz``: tables in float16 as a rule, the rest in float32."""

    def plain(tensor: Tensor) -> Floats:
        return tensor.detach().numpy().astype(np.float32).copy()

    with torch.no_grad():
        tables = {
            "read": torch.tanh(net.read(net.rows)),
            "align": net.align(net.rows),
            "match": functional.normalize(net.match(net.rows), dim=-1),
        }
    arrays: dict[str, NDArray[Any]] = {name: plain(table).astype(tables_as) for name, table in tables.items()}
    recurrent = {"question": net.question} | {f"passage{i}": layer for i, layer in enumerate(net.layers)}
    for name, layer in recurrent.items():
        arrays[f"{name}.w"], arrays[f"{name}.b"] = plain(layer.w.weight.T), plain(layer.w.bias)  # type: ignore[union-attr,arg-type]
    arrays |= {
        "kind": plain(net.kind.weight),
        "pool.w": plain(net.pool.weight.T),
        "pool.b": plain(net.pool.bias),
        "share.w": plain(net.share.weight.T),
        "share.b": plain(net.share.bias),
        "exact": plain(net.exact),
        "mean": plain(net.mean),
        "scale": plain(net.scale),
        "in.w": plain(net.into.weight.T),
        "in.b": plain(net.into.bias) + plain(net.into_question.bias),
        "in.q": plain(net.into_question.weight.T),
        "out.w": plain(net.start.weight.T),
        "out.b": plain(net.start.bias),
        "out.q": plain(net.start_question.weight.T),
        "out.qb": plain(net.start_question.bias),
    }
    return arrays
