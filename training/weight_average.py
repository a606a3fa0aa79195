"""The running mean of a model's trained weights."""

import copy
from typing import Any

import torch

from training.reader_model import Reader


class WeightAverage:
    """The running mean of the trained weights: what is measured and shipped.

    At a steady rate the weights swing around where they would settle; their mean over the last steps stands near it
    (Polyak and Juditsky 1992), so that a training that goes on can be judged, and used, at any time.
    """

    def __init__(self, reader: Reader, decay: float) -> None:
        """Begin with the weights as they are."""
        self._decay = decay
        self._steps = 0
        self._weights = {n: p.detach().clone() for n, p in reader.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def update(self, reader: Reader) -> None:
        """Take a step's weights in; the first steps count for more, so that the beginning is soon forgotten."""
        self._steps += 1
        share = 1 - min(self._decay, self._steps / (self._steps + 10))
        for name, parameter in reader.named_parameters():
            if name in self._weights:
                self._weights[name].lerp_(parameter, share)

    def make_reader(self, reader: Reader) -> Reader:
        """Return a copy of ``reader`` that has the mean weights."""
        averaged = copy.deepcopy(reader)
        averaged.load_state_dict(self._weights, strict=False)
        return averaged

    def state_dict(self) -> dict[str, Any]:
        """Return what ``load_state_dict`` takes."""
        return {"steps": self._steps, "weights": self._weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._steps = state["steps"]
        self._weights = state["weights"]
