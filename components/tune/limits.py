"""What a sampler needs of a space, wherever it runs."""

from __future__ import annotations

from typing import Final

from intclass.components.shared.errors import ConfigError
from intclass.components.tune.space import Range, SearchSpace

# Options of finetune that another value may take in the middle of training: its FORKABLE, without importing torch.
EXPLORABLE: Final = frozenset(
    {"learning_rate", "schedule", "warmup_fraction", "batch_tokens", "batch_growth", "weight_decay", "dropout"}
    | {"label_smoothing", "class_weights", "max_gradient_norm"}
)


def refuse_for_population(space: SearchSpace) -> None:
    """Raise ConfigError if the space has nothing to explore, or members would train for different times."""
    if "epochs" in space.names:
        raise ConfigError("pbt trains all members for as long; take epochs out of the space, and give it as an option")
    if not EXPLORABLE & set(space.names):
        raise ConfigError(f"pbt changes options during training; search one of {', '.join(sorted(EXPLORABLE))}")


def refuse_for_cmaes(space: SearchSpace) -> None:
    """Raise ConfigError unless at least two parameters are ranges that are always open, which is what CMA-ES moves."""
    ranges = [each.name for each in space.parameters if each.when is None and isinstance(each.domain, Range)]
    if len(ranges) < 2:
        raise ConfigError(f"cmaes moves ranges, of which the space has {ranges}; give two or more, or take tpe")
