"""The reader: a base encoder with a head for the answer's span and one that says whether the answer stands there."""

from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import BertModel

_FAR = -1e4  # the logit of a token that cannot be part of the answer; finite, so that half precision holds it


class Reader(nn.Module):
    """Reads windows of tokens.

    The head that judges sees the first token and what stands where the span begins and ends, so that it weighs the
    very answer that would be given.
    """

    def __init__(self, base: BertModel, *, half: bool = False) -> None:
        """Put untrained heads on ``base``; ``half`` computes it in bfloat16, while weights and heads stay float32."""
        super().__init__()
        self.base = base
        self.half_precision = half
        width = base.config.hidden_size
        self.span = nn.Linear(width, 2)
        self.judge = nn.Sequential(nn.Linear(3 * width, width), nn.GELU(), nn.Dropout(0.1), nn.Linear(width, 1))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the logits of start and end, float (n, length), and of the answer standing there, float (n,).

        Tokens before the window, the special ones and the padding get a logit that no token of the window has. The
        window begins after the second </s>; that is found from the ids, so that nothing else need be passed.
        """
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half_precision):
            hidden = self.base(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        hidden = hidden.float()
        ends = (input_ids == 2).to(hidden.dtype)
        passed = torch.cumsum(ends, dim=1)
        inside = (passed == 2).to(hidden.dtype) * (1 - ends)
        scores = self.span(hidden) + (1 - inside).unsqueeze(-1) * _FAR
        start, end = scores.unbind(-1)
        places = torch.stack([start.softmax(1), end.softmax(1)], 1)
        pooled = torch.cat([hidden[:, 0], *torch.bmm(places, hidden).unbind(1)], 1)
        return start, end, self.judge(pooled).squeeze(-1)


def load_base(folder: Path) -> BertModel:
    """Load the base encoder that ``training.base_model`` wrote."""
    # Without dropout inside: it costs a third of the time on a CPU. Attention is the plain one, whose gradient is
    # computed several times as fast in bfloat16 as that of torch's fused one (2.13, CPU).
    model: BertModel = BertModel.from_pretrained(
        folder,
        add_pooling_layer=False,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        attn_implementation="eager",
    )
    return model


def freeze_lower_layers(reader: Reader, layers: int) -> None:
    """Keep the table of pieces and the lowest ``layers`` as they are."""
    for parameter in reader.base.embeddings.parameters():
        parameter.requires_grad = False
    for layer in reader.base.encoder.layer[:layers]:
        for parameter in layer.parameters():
            parameter.requires_grad = False
