"""A pretrained encoder without its pretraining, as a control: `python -m` this module writes it.

The folder has the base model's architecture and tokenizer, and random weights; `intclass finetune --base-model FOLDER`
trains it as it would train the base model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from intclass.components.shared.command import run
from intclass.components.shared.errors import ConfigError


def main(
    base_model: Annotated[str, typer.Argument(help="A name on the Hugging Face hub, or a local folder.")],
    out: Annotated[Path, typer.Option(help="Folder for the model with random weights.")],
    seed: Annotated[int, typer.Option(help="Of the weights.")] = 0,
) -> None:
    """Write a model of the base model's architecture and tokenizer with random weights.

    Example: `python -m intclass.components.evaluate.random_weights tbs17/MathBERT --out runs/random`
    """
    write_random_weights(base_model, out, seed=seed)
    typer.echo(f"model: {out}")


def write_random_weights(base_model: str | Path, out: Path, *, seed: int) -> None:
    """Write the folder; raises ConfigError if the base model's configuration or tokenizer cannot be had."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    try:
        shape = AutoConfig.from_pretrained(base_model)
        tokenizer = AutoTokenizer.from_pretrained(base_model)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(f"{base_model}: cannot be loaded ({reason}); give a name on the hub or a folder") from error
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForSequenceClassification.from_config(shape)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


if __name__ == "__main__":
    run(main)
