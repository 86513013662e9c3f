from __future__ import annotations

import json
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from transformers import AutoModel

from intclass.components.finetune import FinetuneConfig
from intclass.components.finetune.compute import reproducible
from intclass.components.finetune.model import load_encoder, make_encoder
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.storage import copy_folder

SMALL = FinetuneConfig(hidden_size=16, num_layers=1, num_heads=2, max_length=64)


@pytest.mark.parametrize(
    ("target", "labels"),
    [("elementary", {0: "nonelementary", 1: "elementary"}), ("solved", {0: "unsolved", 1: "solved"})],
)
def test_the_classes_follow_the_target(target: str, labels: dict[int, str]) -> None:
    shape = make_encoder(SMALL, target=target).model.config
    assert shape.id2label == labels
    assert shape.label2id == {name: number for number, name in labels.items()}
    assert shape.problem_type == "single_label_classification"


def test_small_has_the_size_that_was_asked_for() -> None:
    encoder = make_encoder(SMALL, target="elementary")
    shape = encoder.model.config
    assert (shape.hidden_size, shape.num_hidden_layers, shape.num_attention_heads) == (16, 1, 2)
    assert (shape.max_position_embeddings, encoder.tokenizer.model_max_length) == (64, 64)
    assert (shape.vocab_size, shape.pad_token_id) == (len(encoder.tokenizer), encoder.tokenizer.pad_token_id)
    assert encoder.encoding == "prefix"


def test_the_seed_decides_the_weights() -> None:
    def weights(seed: int) -> torch.Tensor:
        with reproducible(seed):
            return torch.nn.utils.parameters_to_vector(make_encoder(SMALL, target="elementary").model.parameters())

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_an_encoder_is_saved_and_loaded(tmp_path: Path) -> None:
    encoder = make_encoder(SMALL, target="solved")
    encoder.save(tmp_path)
    loaded = load_encoder(tmp_path, name="it")
    assert (loaded.target, loaded.encoding) == ("solved", "prefix")
    assert loaded.tokenizer.model_max_length == 64
    tokens = torch.tensor([encoder.tokenizer("mul x exp x")["input_ids"]])
    with torch.inference_mode():
        first, second = (each.model.eval()(input_ids=tokens).logits for each in (encoder, loaded))
    assert torch.allclose(first, second, atol=1e-6)  # weights that are mapped from a file lie elsewhere in memory


def test_a_pretrained_folder_keeps_its_weights_and_gets_a_head_and_a_limit(tiny_bert: Path) -> None:
    config = FinetuneConfig(base_model=str(tiny_bert), dropout=0.3)
    encoder = make_encoder(config, target="elementary")
    assert encoder.encoding == "prefix-tokens"
    assert encoder.tokenizer.model_max_length == 32  # its positions: it says nothing itself
    assert encoder.model.config.classifier_dropout == 0.3
    assert encoder.model.config.num_labels == 2
    from safetensors.torch import load_file

    stored = load_file(tiny_bert / "model.safetensors")["bert.embeddings.word_embeddings.weight"]
    assert torch.equal(encoder.model.bert.embeddings.word_embeddings.weight[: len(stored)], stored)


def test_a_cut_input_keeps_its_special_tokens(tiny_bert: Path) -> None:
    encoder = make_encoder(FinetuneConfig(base_model=str(tiny_bert)), target="elementary")
    tokens = encoder.reader()(["x*" * 40 + "x"])
    assert tokens.truncated == 1
    assert len(tokens.ids[0]) == 32
    assert tokens.ids[0][-1] == encoder.tokenizer.sep_token_id


def test_a_pretrained_model_may_read_prefix_words(tiny_bert: Path) -> None:
    config = FinetuneConfig(base_model=str(tiny_bert), encoding="prefix")
    assert make_encoder(config, target="elementary").encoding == "prefix"


def test_each_prefix_word_may_get_a_token_that_starts_as_the_mean_of_its_pieces(
    tiny_bert: Path, tmp_path: Path
) -> None:
    pieces, tokens = (
        make_encoder(FinetuneConfig(base_model=str(tiny_bert), encoding=encoding), target="elementary")
        for encoding in ("prefix", "prefix-tokens")
    )
    spelt = pieces.tokenizer.tokenize("cos sqrt x")
    assert spelt == ["co", "##s", "sq", "##rt", "x"]
    text = "mul cos x sqrt E"
    assert tokens.tokenizer.tokenize(text) == text.split()

    old, new = (each.model.get_input_embeddings().weight for each in (pieces, tokens))
    assert torch.equal(new[: len(old)], old)
    co, s = pieces.tokenizer.convert_tokens_to_ids(["co", "##s"])
    assert torch.equal(new[tokens.tokenizer.convert_tokens_to_ids("cos")], (old[co] + old[s]) / 2)

    tokens.save(tmp_path)
    for loaded in (
        load_encoder(tmp_path, name="it"),
        make_encoder(FinetuneConfig(base_model=str(tmp_path)), target="solved"),
    ):
        assert loaded.encoding == "prefix-tokens"
        assert loaded.reader()([text]).ids == tokens.reader()([text]).ids
        assert torch.equal(loaded.model.get_input_embeddings().weight, new)


def test_training_goes_on_from_an_own_model_with_its_encoding(tmp_path: Path) -> None:
    make_encoder(SMALL, target="solved").save(tmp_path)
    encoder = make_encoder(FinetuneConfig(base_model=str(tmp_path)), target="elementary")
    assert encoder.encoding == "prefix"
    assert encoder.model.config.id2label[1] == "elementary"


def test_a_base_model_may_lie_in_a_bucket(tiny_bert: Path, gs_root: str) -> None:
    copy_folder(tiny_bert, f"{gs_root}/bert")
    encoder = make_encoder(FinetuneConfig(base_model=f"{gs_root}/bert"), target="elementary")
    assert encoder.model.config.model_type == "bert"


def test_a_hub_that_cannot_be_reached_is_one_line_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ConfigError, match=r"^base model 'tbs17/MathBERT' cannot be loaded .*give `small`") as caught:
        make_encoder(FinetuneConfig(base_model="tbs17/MathBERT"), target="elementary")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "no such folder"),
        ({"config.json": "{"}, "not a valid JSON"),
        ({"config.json": '{"model_type": "bert"}'}, ""),
        ({"config.json": '{"model_type": "abacus"}'}, "abacus"),
    ],
)
def test_a_folder_without_a_model_is_refused(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    folder = tmp_path / "base"
    for name, text in files.items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    with pytest.raises(ConfigError, match=f"base model '.*base' cannot be loaded .*{reason}"):
        make_encoder(FinetuneConfig(base_model=str(folder)), target="elementary")


def test_a_tokenizer_that_cannot_pad_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    copy_folder(tiny_bert, tmp_path)
    options = json.loads((tmp_path / "tokenizer_config.json").read_text())
    options = {name: value for name, value in options.items() if name != "pad_token"} | {
        "tokenizer_class": "TokenizersBackend"
    }
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(options))
    with pytest.raises(ConfigError, match=r"tokenizer has no padding token"):
        make_encoder(FinetuneConfig(base_model=str(tmp_path)), target="elementary")


def test_weights_are_trained_in_float32_whatever_they_were_stored_in(tiny_bert: Path, tmp_path: Path) -> None:
    copy_folder(tiny_bert, tmp_path)
    AutoModel.from_pretrained(tiny_bert, dtype=torch.bfloat16).save_pretrained(tmp_path)
    model = make_encoder(FinetuneConfig(base_model=str(tmp_path)), target="elementary").model
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    make_encoder(SMALL, target="elementary").save(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0damaged!")
    with pytest.raises(ConfigError, match=r"^it: no model that can be loaded"):
        load_encoder(tmp_path, name="it")


def test_a_model_from_elsewhere_is_no_classifier_of_integrands(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^it: .*not made by `intclass finetune`"):
        load_encoder(tiny_bert, name="it")
    make_encoder(SMALL, target="elementary").save(tmp_path)
    shape = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**shape, "intclass_target": "beauty"}))
    with pytest.raises(ConfigError, match=r"^it: .*not made by `intclass finetune`"):
        load_encoder(tmp_path, name="it")
