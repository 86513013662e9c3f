"""The encoder that is trained: `small`, with random weights, or a pretrained one from a folder or the hub.

`small` reads prefix words, with positions of the expression's tree (finetune.tree_encoder), or of the sequence of
words: then it is a ModernBERT (Warner et al. 2024, "Smarter, better, faster, longer"; pre-norm, rotary positions, gated
layers) of a few layers with full attention in each and mean pooling. All kinds are transformers models and load with
AutoModelForSequenceClassification; only the tree needs code of ours, which this module registers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast, get_args

import torch
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from intclass.components.finetune.config import Encoding, FinetuneConfig
from intclass.components.finetune.quiet import quiet_transformers
from intclass.components.finetune.tokenizer import TextReader, add_prefix_words, prefix_tokenizer
from intclass.components.finetune.tree_encoder import TreeEncoderConfig, TreeEncoderForSequenceClassification
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError

# The classes of each target, label 0 first.
LABELS: Final[dict[str, tuple[str, str]]] = {
    "elementary": ("nonelementary", "elementary"),
    "solved": ("unsolved", "solved"),
}
# What this program notes in config.json beside transformers' own entries.
ENCODING_KEY: Final = "intclass_encoding"
TARGET_KEY: Final = "intclass_target"

# On the main branch of tbs17/MathBERT the weights are a pickle; this pull request's branch holds them as safetensors.
_SAFE_REVISIONS: Final = {"tbs17/MathBERT": "refs/pr/2"}
_WIDTH_FACTOR: Final = 2  # of the gated layers, whose inner width counts twice
_ROTARY_BASE: Final = 10_000.0


@dataclass(frozen=True)
class Encoder:
    """A sequence classifier with its tokenizer, what it predicts, and the encoding of expressions that it reads."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    target: str
    encoding: Encoding

    def reader(self) -> TextReader:
        """Text to token ids, cut at the tokenizer's own limit."""
        return TextReader(self.tokenizer, max_length=self.tokenizer.model_max_length)

    def save(self, folder: Path) -> None:
        """Write config.json, model.safetensors and the tokenizer's files; `load_encoder` reads them back."""
        setattr(self.model.config, TARGET_KEY, self.target)
        setattr(self.model.config, ENCODING_KEY, self.encoding)
        with quiet_transformers():
            self.model.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)


def make_encoder(config: FinetuneConfig, *, target: str) -> Encoder:
    """The model that `config` asks for, with a head for the target's two classes.

    New weights come from torch's random state. Raises ConfigError if the base model cannot be had.
    """
    return _small(config, target) if config.is_small else _pretrained(config, target)


def load_encoder(folder: Path, *, name: str) -> Encoder:
    """The encoder that `Encoder.save` wrote; raises ConfigError, with the name that the user gave, if there is none."""
    with _explained(f"{name}: no model that can be loaded", "`intclass finetune DATASET --out DIR` makes one"):
        shape = AutoConfig.from_pretrained(folder)
        encoding, target = _noted_encoding(shape), getattr(shape, TARGET_KEY, None)
        if encoding is None or target not in LABELS:
            raise ValueError("not made by `intclass finetune`")
        with quiet_transformers():
            model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
        return Encoder(model, AutoTokenizer.from_pretrained(folder), target, encoding)


def _small(config: FinetuneConfig, target: str) -> Encoder:
    tokenizer = prefix_tokenizer(config.max_length)
    sizes = {
        "hidden_size": config.hidden_size,
        "intermediate_size": _WIDTH_FACTOR * config.hidden_size,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "max_position_embeddings": config.max_length,
        "pad_token_id": tokenizer.pad_token_id,
    }
    make = _tree_model if config.positions == "tree" else _sequence_model
    return Encoder(make(config, tokenizer, **sizes, **_classes(target)), tokenizer, target, "prefix")


def _tree_model(config: FinetuneConfig, tokenizer: PreTrainedTokenizerBase, **shape: Any) -> PreTrainedModel:  # noqa: ANN401
    words = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    return TreeEncoderForSequenceClassification(TreeEncoderConfig(words=words, dropout=config.dropout, **shape))


def _sequence_model(config: FinetuneConfig, tokenizer: PreTrainedTokenizerBase, **shape: Any) -> PreTrainedModel:  # noqa: ANN401
    special = {f"{name}_token_id": tokenizer.cls_token_id for name in ("bos", "cls", "eos", "sep")}
    return ModernBertForSequenceClassification(
        ModernBertConfig(
            vocab_size=len(tokenizer),
            layer_types=["full_attention"] * config.num_layers,
            rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": _ROTARY_BASE}},
            classifier_pooling="mean",
            embedding_dropout=config.dropout,
            attention_dropout=config.dropout,
            mlp_dropout=config.dropout,
            classifier_dropout=config.dropout,
            **special,
            **shape,
        )
    )


def _pretrained(config: FinetuneConfig, target: str) -> Encoder:
    way_out = (
        "give `small`, which needs no download, a folder that holds a Hugging Face encoder, "
        "or a name on the hub that can be reached from here"
    )
    with _explained(f"base model '{config.base_model}' cannot be loaded", way_out), _source(config) as source:
        where = {"revision": config.revision or _SAFE_REVISIONS.get(config.base_model, "main")}
        shape = AutoConfig.from_pretrained(source, **where, **_classes(target))
        shape.classifier_dropout = config.dropout
        tokenizer = AutoTokenizer.from_pretrained(source, **where)
        with quiet_transformers(bars=True):
            model = AutoModelForSequenceClassification.from_pretrained(
                source, config=shape, dtype=torch.float32, ignore_mismatched_sizes=True, **where
            )
        if not tokenizer.is_fast or tokenizer.pad_token_id is None:
            raise ValueError("its tokenizer has no padding token, or is not backed by the `tokenizers` library")
    # tbs17/MathBERT's tokenizer knows no limit, and a longer input would have no position embeddings.
    positions = getattr(shape, "max_position_embeddings", config.max_length)
    tokenizer.model_max_length = min(config.max_length, tokenizer.model_max_length, positions)
    encoding = config.encoding or _noted_encoding(shape) or "prefix-tokens"
    if encoding == "prefix-tokens":
        _embed_added(model, add_prefix_words(tokenizer))
    return Encoder(model, tokenizer, target, encoding)


@torch.no_grad()
def _embed_added(model: PreTrainedModel, pieces: Mapping[int, Sequence[int]]) -> None:
    """Give each new token, in rising order, the mean of the embeddings of those that spelt it so far."""
    if not pieces:
        return
    rows = model.get_input_embeddings().num_embeddings  # some models have more than tokens
    model.resize_token_embeddings(max(rows, max(pieces) + 1), mean_resizing=False)
    embeddings = model.get_input_embeddings().weight
    for token, spelt in pieces.items():
        embeddings[token] = embeddings[list(spelt)].mean(dim=0)


def _classes(target: str) -> dict[str, Any]:
    names = LABELS[target]
    return {
        "id2label": dict(enumerate(names)),
        "label2id": {name: number for number, name in enumerate(names)},
        "problem_type": "single_label_classification",
    }


def _noted_encoding(shape: PretrainedConfig) -> Encoding | None:
    noted = getattr(shape, ENCODING_KEY, None)
    return cast("Encoding", noted) if noted in get_args(Encoding) else None


@contextlib.contextmanager
def _source(config: FinetuneConfig) -> Iterator[str]:
    """Where transformers finds the base model: a folder (a copy of a gs:// one), or its name on the hub."""
    name = config.base_model
    if storage.is_remote(name):
        with storage.local_folder(name) as folder:
            yield str(folder)
        return
    if name.startswith(("/", ".", "~")) and not Path(name).expanduser().is_dir():
        raise FileNotFoundError("no such folder")
    yield str(Path(name).expanduser())


@contextlib.contextmanager
def _explained(what: str, way_out: str) -> Iterator[None]:
    """Turn the many ways of not getting a model into one line."""
    try:
        yield
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".:")
        raise ConfigError(f"{what} ({reason}); {way_out}") from error
