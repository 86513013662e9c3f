"""What a user may choose about training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

from intclass.components.shared.errors import ConfigError

Encoding = Literal["prefix", "prefix-tokens", "infix"]
ClassWeights = Literal["none", "balanced"]
Precision = Literal["auto", "float32", "bfloat16"]
Optimizer = Literal["adamw", "muon", "sgd"]
Positions = Literal["tree", "sequence"]
Strategy = Literal["ddp", "fsdp", "local-sgd", "parameter-server", "hogwild"]
Consistency = Literal["sync", "stale", "async"]
Schedule = Literal["linear", "cosine", "wsd", "one-cycle"]

SMALL: Final = "small"  # the base model that needs no download: an encoder with random weights over prefix words

_CHOICES: Final = {
    "class_weights": get_args(ClassWeights),
    "precision": get_args(Precision),
    "optimizer": get_args(Optimizer),
    "positions": get_args(Positions),
    "strategy": get_args(Strategy),
    "consistency": get_args(Consistency),
    "schedule": get_args(Schedule),
}
_AT_LEAST: Final = {
    "epochs": 1,
    "train_examples": 2,
    "validation_examples": 1,
    "batch_tokens": 1,
    "patience": 1,
    "max_length": 8,
    "seed": 0,
    "hidden_size": 2,
    "num_layers": 1,
    "num_heads": 1,
    "weight_decay": 0,
    "average_every": 1,
    "servers": 1,
    "staleness": 0,
    "workers": 1,
    "checkpoint_every": 1,
    "pause_after": 1,
}
_SHARES: Final = ("warmup_fraction", "dropout", "label_smoothing", "outer_momentum")
_ABOVE_ZERO: Final = ("learning_rate", "max_gradient_norm", "outer_learning_rate", "batch_growth")


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig:
    """What is trained, on which text, and how.

    Attributes:
        base_model: `small`, a name on the Hugging Face hub (`tbs17/MathBERT`), a local folder, or a gs:// folder.
        revision: Branch, tag or commit on the hub; None takes the one that is known to hold safetensors, or main.
        encoding: What the model reads: `infix` text, `prefix` words in the pieces of its own tokenizer, or
            `prefix-tokens`, the same words with a token for each. None takes what the base model was trained on by this
            program, else `prefix` for `small` and `prefix-tokens` for the others (compared in docs/training.md).
        train_examples: Learn from so many examples of the train split only, the same ones for each seed, and among
            them those of any smaller number; None takes all.
        validation_examples: Look at so many examples of the validation split only, likewise.
        epochs: Passes over the training split, at most. A training that goes on from a checkpoint may be given more or
            fewer.
        learning_rate: Peak of the schedule; None takes 1e-3 for `small` and 5e-5 for a pretrained model.
        batch_tokens: Tokens in one step of one rank, padding included; None takes 1 024 for `small` and 4 096 for the
            others.
        batch_growth: How many times as many tokens a batch has in the last epoch as in the first; it grows by the same
            factor from each epoch to the next.
        schedule: How the learning rate changes: after the warm-up it falls to 0, in a line (`linear`), along half a
            wave (`cosine`), or in the last fifth of training only (`wsd`); `one-cycle` rises for 30 % of training.
        warmup_fraction: Share of all steps in which the learning rate rises.
        optimizer: `muon` for the matrices of hidden layers with `adamw` for the rest, `adamw` alone, or `sgd` without
            momentum, for which local-sgd that averages every step equals ddp.
        max_gradient_norm: Longer gradients are cut to this length; infinity never cuts.
        weight_decay: Of the weight matrices; biases and norms are left alone.
        dropout: In the whole of `small`, and before the classification head of a pretrained model.
        patience: Epochs without a better calibrated validation loss after which training stops.
        reorder_arguments: Whether a model that reads prefix words sees the arguments of sums and products in another
            order in each epoch, which keeps it from learning the canonical order by heart.
        class_weights: `balanced` weighs each class by the inverse of its frequency.
        label_smoothing: Share of the truth that is spread over both classes.
        max_length: Longer inputs are cut to so many tokens, or to what a pretrained model has positions for.
        seed: Of the initial weights, the order of the examples, and dropout.
        device: `auto` (a GPU if there is one), `cpu`, `cuda`, `cuda:1`.
        precision: `auto` takes bfloat16 for the products where the processor computes in it, else float32.
        compile: Whether torch.compile makes code for this processor from the model's layers first, which takes a minute
            or more. It rounds otherwise than the layers themselves do.
        positions: Where a word of `small` stands: in the expression's `tree` (finetune.tree_encoder), or in the
            `sequence` of words (a ModernBERT, which loads without this program).
        hidden_size: Width of `small`, a multiple of twice num_heads.
        num_layers: Depth of `small`.
        num_heads: Attention heads of `small`.
        strategy: How several processes train one model; see `finetune.parallel`. With one process `ddp`, `fsdp` and
            `local-sgd` are the plain loop.
        average_every: Steps between two averages of the replicas of `local-sgd`.
        outer_momentum: Nesterov momentum on the averages of `local-sgd` (DiLoCo); 0 takes them as they are.
        outer_learning_rate: Step along the averaged change; None takes 1 without outer momentum, and 0.7 with it.
        consistency: When the `parameter-server` applies a gradient: all workers' together (`sync`), each as it comes
            but no worker more than `staleness` steps ahead (`stale`), or each as it comes (`async`).
        staleness: How many steps a worker may be ahead of the slowest one.
        servers: Ranks, from 0 on, that hold the weights of `parameter-server`; the others are workers.
        workers: Processes of `hogwild`, all on this machine.
        checkpoint_every: Steps between checkpoints; there is one after each epoch too.
        pause_after: End after so many epochs, with a checkpoint from which the same training goes on; None does not.
    """

    base_model: str = SMALL
    revision: str | None = None
    encoding: Encoding | None = None
    train_examples: int | None = None
    validation_examples: int | None = None
    epochs: int = 20
    learning_rate: float | None = None
    batch_tokens: int | None = None
    batch_growth: float = 1.0
    schedule: Schedule = "linear"
    warmup_fraction: float = 0.06
    optimizer: Optimizer = "adamw"
    max_gradient_norm: float = 1.0
    weight_decay: float = 0.01
    dropout: float = 0.1
    patience: int = 5
    reorder_arguments: bool = True
    class_weights: ClassWeights = "none"
    label_smoothing: float = 0.0
    max_length: int = 512
    seed: int = 0
    device: str = "auto"
    precision: Precision = "auto"
    compile: bool = False
    positions: Positions = "tree"
    hidden_size: int = 128
    num_layers: int = 4
    num_heads: int = 4
    strategy: Strategy = "ddp"
    average_every: int = 20
    outer_momentum: float = 0.0
    outer_learning_rate: float | None = None
    consistency: Consistency = "sync"
    staleness: int = 2
    servers: int = 1
    workers: int = 2
    checkpoint_every: int = 500
    pause_after: int | None = None

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            self._refuse(name, getattr(self, name) not in choices, f"choose one of {', '.join(choices)}")
        if self.encoding is not None:
            choices = get_args(Encoding)
            self._refuse("encoding", self.encoding not in choices, f"choose one of {', '.join(choices)}")
        for name, least in _AT_LEAST.items():
            value = getattr(self, name)
            self._refuse(name, value is not None and not value >= least, f"give at least {least}")
        for name in _SHARES:
            self._refuse(name, not 0 <= getattr(self, name) < 1, "give a number from 0 to below 1")
        for name in _ABOVE_ZERO:
            value = getattr(self, name)
            self._refuse(name, value is not None and not value > 0, "give a number above 0")
        for name in ("learning_rate", "batch_growth"):
            self._refuse(name, getattr(self, name) == math.inf, "give a finite number")
        self._refuse("base_model", not self.base_model, "give `small`, a name on the hub, or a folder")
        # Rotary position embeddings turn pairs of a head's coordinates.
        uneven = self.hidden_size % (2 * self.num_heads) != 0
        self._refuse("hidden_size", uneven, f"give a multiple of 2 * num_heads = {2 * self.num_heads}")
        self._refuse("encoding", self.is_small and self.encoding not in (None, "prefix"), "`small` reads `prefix` only")
        sharded = self.compile and self.strategy == "fsdp"
        self._refuse("compile", sharded, "fsdp fetches each layer's weights on the way, which compiled code cannot do")
        cut = self.optimizer == "muon" and self.strategy in ("parameter-server", "fsdp")
        self._refuse("optimizer", cut, f"{self.strategy} cuts matrices into pieces; take `adamw` or `sgd`")

    @property
    def is_small(self) -> bool:
        """Whether the model starts from random weights."""
        return self.base_model == SMALL

    def _refuse(self, name: str, wrong: bool, way_out: str) -> None:
        if wrong:
            raise ConfigError(f"{name} is {getattr(self, name)!r}; {way_out}")
