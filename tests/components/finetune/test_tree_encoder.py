from __future__ import annotations

import torch

from intclass.components.finetune import FinetuneConfig
from intclass.components.finetune.compute import reproducible
from intclass.components.finetune.model import Encoder, make_encoder


def encoder(**options: object) -> Encoder:
    with reproducible(0):
        config = FinetuneConfig(hidden_size=16, num_layers=2, num_heads=2, **options)  # type: ignore[arg-type]
        made = make_encoder(config, target="elementary")
    torch.nn.init.normal_(made.model.embeddings.relation.weight, generator=torch.Generator().manual_seed(0))
    return made


def logits(made: Encoder, *prefixes: str) -> torch.Tensor:
    inputs = made.tokenizer(list(prefixes), padding=True, return_tensors="pt")
    with torch.inference_mode():
        found: torch.Tensor = made.model.eval()(**inputs).logits
    return found


def test_padding_changes_no_answer() -> None:
    made = encoder()
    both = logits(made, "mul x exp x", "add int 1 2 end pow x sin x")
    assert torch.allclose(both[:1], logits(made, "mul x exp x"), atol=1e-5)


def test_the_same_words_in_another_tree_are_another_function() -> None:
    first, second = logits(encoder(), "sin add x cos x", "add sin x cos x")
    assert not torch.allclose(first, second, atol=1e-4)


def test_sides_of_a_power_are_told_apart() -> None:
    first, second = logits(encoder(), "pow x 2", "pow 2 x")
    assert not torch.allclose(first, second, atol=1e-4)


def test_all_weights_learn() -> None:
    made = encoder(dropout=0.0)
    inputs = made.tokenizer(["add exp mul 2 x mul 2 x"], return_tensors="pt")
    made.model.train()(**inputs).logits[:, 1].sum().backward()
    still = [name for name, each in made.model.named_parameters() if each.grad is None or not each.grad.any()]
    assert still == []


def test_dropout_is_at_work_in_training_only() -> None:
    made = encoder(dropout=0.5)
    assert torch.equal(logits(made, "sin x"), logits(made, "sin x"))
    inputs = made.tokenizer(["sin x"], return_tensors="pt")
    made.model.train()
    assert not torch.equal(made.model(**inputs).logits, made.model(**inputs).logits)


def test_weights_in_bfloat16_answer_nearly_alike() -> None:
    made = encoder()
    exact = logits(made, "mul x exp x")
    made.model.to(torch.bfloat16)
    assert torch.allclose(logits(made, "mul x exp x").float(), exact, atol=0.02)
