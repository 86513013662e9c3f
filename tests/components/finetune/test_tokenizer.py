from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from intclass.components.finetune.tokenizer import TextReader, prefix_tokenizer
from intclass.components.shared.expressions import PREFIX_VOCABULARY


@pytest.fixture(scope="module")
def reader() -> TextReader:
    return TextReader(prefix_tokenizer(8), max_length=8)


def test_every_prefix_word_is_one_token() -> None:
    tokenizer = prefix_tokenizer(512)
    ids = tokenizer(" ".join(PREFIX_VOCABULARY))["input_ids"]
    assert len(set(ids)) == len(ids) == 1 + len(PREFIX_VOCABULARY)
    assert ids[0] == tokenizer.cls_token_id
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == " ".join(PREFIX_VOCABULARY)


def test_an_unknown_word_is_one_unknown_token() -> None:
    tokenizer = prefix_tokenizer(512)
    assert tokenizer("erf x")["input_ids"][1:] == [tokenizer.unk_token_id, tokenizer("x")["input_ids"][1]]


def test_long_texts_are_cut_and_counted(reader: TextReader) -> None:
    tokens = reader(["x", "add x " * 3 + "x", "add x " * 50 + "x"])
    assert [len(ids) for ids in tokens.ids] == [2, 8, 8]
    assert tokens.truncated == 1  # the second fits to the word


def test_threads_share_a_reader(reader: TextReader) -> None:
    texts = ["mul " * (number % 12) + "x" for number in range(400)]
    expected = reader(texts).ids
    with ThreadPoolExecutor(4) as pool:
        assert all(ids == expected for ids in pool.map(lambda _: reader(texts).ids, range(20)))
