"""A transformer whose positions are those of the expression's tree, not of the text that spells it.

Each token starts as the sum of what it is and where it stands: its word, the words above it and which argument of
theirs it belongs to, all words below it, its level, and whether its subexpression occurs elsewhere too. Attention adds
a learned number for each way through the tree from one token to another. After Shiv and Quirk (2019), "Novel positional
encodings to enable tree-based transformers", and Shaw et al. (2018), "Self-attention with relative position
representations". A sum or a product is one level however many terms it has: their order means little.

Tensors are (batch, length, width); what concerns pairs of tokens is (batch, length, length) or (batch, heads, length,
length).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import torch
from torch import nn
from torch.nn import functional
from transformers import AutoConfig, AutoModelForSequenceClassification, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from intclass.components.finetune.tree_structure import RELATIONS, TreeStructure, WordTables, read_structure

MODEL_TYPE: Final = "intclass-tree"
PATH: Final = 3  # so many words above a token are told apart by how far above they are
MAX_DEPTH: Final = 32  # deeper levels count as this one
_INITIAL: Final = 0.02  # standard deviation of embeddings
_NEVER: Final = -1e4  # before a softmax, in any precision


class TreeEncoderConfig(PretrainedConfig):  # type: ignore[misc] # the library is untyped
    """The shape of a TreeEncoderForSequenceClassification.

    `words` are the vocabulary by token id: they tell how many arguments each token takes.
    """

    model_type = MODEL_TYPE

    def __init__(
        self,
        *,
        words: Sequence[str] = (),
        hidden_size: int = 128,
        intermediate_size: int = 256,
        num_hidden_layers: int = 4,
        num_attention_heads: int = 4,
        max_position_embeddings: int = 512,
        dropout: float = 0.1,
        **kwargs: Any,  # noqa: ANN401 - whatever transformers keeps in a config
    ) -> None:
        self.words = list(words)
        self.vocab_size = len(self.words)
        self.hidden_size = hidden_size
        self.intermediate_size = intermediate_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.max_position_embeddings = max_position_embeddings
        self.dropout = dropout
        super().__init__(**kwargs)


class TreeEncoderForSequenceClassification(PreTrainedModel):  # type: ignore[misc]
    """Token ids of prefix words in, logits of the classes out."""

    config_class = TreeEncoderConfig

    def __init__(self, config: TreeEncoderConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.embeddings = _TreeEmbeddings(config)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(width, bias=False)
        self.drop = _SharedDropout(config.dropout)
        self.dense = nn.Linear(2 * width, width)
        self.classifier = nn.Linear(width, config.num_labels)
        for head in (self.dense, self.classifier):
            nn.init.normal_(head.weight, std=_INITIAL)
        self._tables: WordTables | None = None
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Nothing is left to do: each part draws its own weights when it is made."""

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **_: Any,  # noqa: ANN401 - what tokenizers and trainers of transformers pass along
    ) -> SequenceClassifierOutput:
        """The logits (batch, classes) of token ids (batch, length), padded at the end where the mask is 0."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        tree = read_structure(input_ids, mask, self._word_tables(input_ids.device))
        x, bias = self.embeddings(input_ids, mask, tree)
        x = self.drop(x)
        places = None
        if not self.training and not torch.compiler.is_compiling():  # then padding is left out, but for attention
            places = mask.flatten().nonzero()[:, 0]
            x = x.flatten(0, 1)[places]
        for layer in self.layers:
            x = layer(x, bias, places)
        x = self.norm(x)
        if places is not None:
            x = _spread(x, places, mask.shape)
        pooled = self.drop(_pool(x, mask)[:, None])[:, 0]
        logits = self.classifier(functional.silu(self.dense(pooled)))
        return SequenceClassifierOutput(logits=logits)

    def _word_tables(self, device: torch.device) -> WordTables:
        if self._tables is None or self._tables.arity.device != device:
            self._tables = WordTables.of(cast("TreeEncoderConfig", self.config).words, device)
        return self._tables


class _TreeEmbeddings(nn.Module):
    """What each token starts as, and what attention adds for each pair."""

    def __init__(self, config: TreeEncoderConfig) -> None:
        super().__init__()
        width, words = config.hidden_size, config.vocab_size
        self.word = nn.Embedding(words, width)
        self.path = nn.ModuleList(nn.Embedding(2 * words, width) for _ in range(PATH))
        self.above = nn.Embedding(2 * words, width)
        self.below = nn.Embedding(words, width)
        self.depth = nn.Embedding(MAX_DEPTH + 1, width)
        self.repeated = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, bias=False)
        self.relation = nn.Embedding(RELATIONS, config.num_attention_heads)
        self.same = nn.Parameter(torch.zeros(config.num_attention_heads))
        for each in self.modules():
            if isinstance(each, nn.Embedding):
                nn.init.normal_(each.weight, std=_INITIAL)
        nn.init.zeros_(self.relation.weight)

    def forward(
        self,
        tokens: torch.Tensor,
        mask: torch.Tensor,
        tree: TreeStructure,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        argument = 2 * tokens.gather(1, tree.parent) + tree.slot  # the parent's word, and which argument
        x = self.word(tokens) + self.depth(tree.depth.clamp(max=MAX_DEPTH))
        x = x + self.repeated(tree.same.any(2).long())
        above = argument
        for path in self.path:
            x = x + path(above)
            above = above.gather(1, tree.parent)
        inside = tree.inside.to(x.dtype)
        ancestors = tree.inside.sum(1)[:, :, None].to(x.dtype)
        x = x + torch.bmm(inside.transpose(1, 2), self.above(argument)) * (ancestors + 1).rsqrt()
        x = x + torch.bmm(inside, self.below(tokens)) * tree.size[:, :, None].to(x.dtype).rsqrt()
        return self.norm(x), self._bias(mask, tree)

    def _bias(self, mask: torch.Tensor, tree: TreeStructure) -> torch.Tensor:
        relation = self.relation(tree.relation).permute(0, 3, 1, 2)
        same = tree.same[:, None].to(relation.dtype) * self.same[:, None, None]
        return cast("torch.Tensor", relation + same).masked_fill(mask[:, None, None, :] == 0, _NEVER)


class _Layer(nn.Module):
    """Attention and a gated layer, each after a norm, each added to what came in.

    With `places` it takes and gives (tokens, width): the tokens that stand at those places of the flattened batch.
    """

    def __init__(self, config: TreeEncoderConfig) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.heads = config.num_attention_heads
        self.attention_norm = nn.LayerNorm(width, bias=False)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.gated_norm = nn.LayerNorm(width, bias=False)
        self.gated_in = nn.Linear(width, 2 * inner, bias=False)
        self.gated_out = nn.Linear(inner, width, bias=False)
        self.drop = _SharedDropout(config.dropout)
        for linear in (self.query_key_value, self.gated_in):
            nn.init.normal_(linear.weight, std=linear.in_features**-0.5)
        for linear in (self.attention_out, self.gated_out):  # what is added to the stream starts small
            nn.init.normal_(linear.weight, std=0.5 * linear.in_features**-0.5)

    def forward(self, x: torch.Tensor, bias: torch.Tensor, places: torch.Tensor | None) -> torch.Tensor:
        x = x + self.drop(self.attention_out(self._attend(self.attention_norm(x), bias, places)))
        gate, value = self.gated_in(self.gated_norm(x)).chunk(2, dim=-1)
        return x + cast("torch.Tensor", self.drop(self.gated_out(functional.silu(gate) * value)))

    def _attend(self, x: torch.Tensor, bias: torch.Tensor, places: torch.Tensor | None) -> torch.Tensor:
        # Written out: the fused kernels compute no gradient of a bias.
        (batch, _, _, length), width = bias.shape, x.shape[-1]
        projected = self.query_key_value(x)
        if places is not None:
            projected = _spread(projected, places, (batch, length))
        split = projected.view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        scores = torch.matmul(query * query.shape[-1] ** -0.5, key.transpose(-1, -2)) + bias
        attended = torch.matmul(scores.softmax(-1), value).transpose(1, 2).reshape(batch, length, width)
        return attended if places is None else attended.flatten(0, 1)[places]


class _SharedDropout(nn.Module):
    """Dropout with one mask for all places of an input (Gal and Ghahramani 2016); far fewer numbers are drawn."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.share == 0:
            return x
        kept = torch.rand(x.shape[0], 1, x.shape[2], device=x.device) >= self.share
        return x * (kept.to(x.dtype) / (1 - self.share))


def _spread(x: torch.Tensor, places: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Tokens (tokens, width) at their places of a batch (batch, length, width) of zeros."""
    batch, length = shape
    return x.new_zeros(batch * length, x.shape[-1]).index_copy_(0, places, x).view(batch, length, -1)


def _pool(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean and maximum over the places, (batch, 2 * width)."""
    real = mask[:, :, None].bool()
    mean = (x * real).sum(1) / real.sum(1)
    return torch.cat([mean, x.masked_fill(~real, _NEVER).amax(1)], dim=-1)


AutoConfig.register(MODEL_TYPE, TreeEncoderConfig)
AutoModelForSequenceClassification.register(TreeEncoderConfig, TreeEncoderForSequenceClassification)
