from __future__ import annotations

import numpy as np
import torch

from intclass.components.finetune.reorder import reorder
from intclass.components.finetune.tokenizer import prefix_tokenizer
from intclass.components.finetune.tree_structure import STEPS, TreeStructure, WordTables, read_structure

TOKENIZER = prefix_tokenizer(512)
TABLES = WordTables.of(TOKENIZER.convert_ids_to_tokens(range(len(TOKENIZER))), torch.device("cpu"))


def structure(*prefixes: str) -> TreeStructure:
    inputs = TOKENIZER(list(prefixes), padding=True, return_tensors="pt")
    return read_structure(inputs["input_ids"], inputs["attention_mask"], TABLES)


def test_parents_and_arguments_are_those_of_the_tree() -> None:
    tree = structure("div mul x exp x 2")  # 0 [CLS], 1 div, 2 mul, 3 x, 4 exp, 5 x, 6 2
    assert tree.parent.tolist() == [[0, 0, 1, 2, 2, 4, 1]]
    assert tree.slot.tolist() == [[0, 0, 0, 0, 1, 0, 1]]
    assert tree.size.tolist() == [[7, 6, 4, 1, 2, 1, 1]]


def test_the_digits_of_an_integer_belong_to_it() -> None:
    tree = structure("pow int 1 2 end 3")  # 0 [CLS], 1 pow, 2 int, 3 1, 4 2, 5 end, 6 3
    assert tree.parent.tolist() == [[0, 0, 1, 2, 3, 4, 1]]
    assert tree.size.tolist() == [[7, 6, 4, 3, 2, 1, 1]]


def test_a_sum_is_one_level_however_many_terms_it_has() -> None:
    tree = structure("add x add pi sub E sin x")  # 0 [CLS], 1 add, 2 x, 3 add, 4 pi, 5 sub, 6 E, 7 sin, 8 x
    assert tree.depth.tolist() == [[1, 2, 3, 2, 3, 2, 3, 3, 4]]


def test_the_order_of_terms_shows_in_no_way_between_them_but_what_comes_later() -> None:
    tree = structure("add x add pi E")  # 0 [CLS], 1 add, 2 x, 3 add, 4 pi, 5 E
    way = tree.relation[0] // 2
    assert way[2, 4] == way[4, 5] == way[2, 5] == way[5, 2]
    assert (tree.relation[0] % 2).tolist() == torch.ones(6, 6).triu(1).tolist()


def test_a_way_is_steps_up_and_steps_down() -> None:
    tree = structure("pow sin x 2")  # 0 [CLS], 1 pow, 2 sin, 3 x, 4 2
    up, down = tree.relation[0] // 2 // (STEPS + 1), tree.relation[0] // 2 % (STEPS + 1)
    assert (int(up[3, 4]), int(down[3, 4])) == (2, 1)
    assert (int(up[0, 3]), int(down[0, 3])) == (0, 3)


def test_long_ways_count_as_the_longest() -> None:
    tree = structure("sin sin sin sin sin sin x")
    assert int(tree.relation[0, 0, -1]) == 2 * STEPS + 1
    assert int(tree.relation[0, -1, 0]) == 2 * STEPS * (STEPS + 1)


def test_equal_subexpressions_of_several_words_are_found() -> None:
    tree = structure("add exp mul 2 x mul 2 x")  # 0 [CLS], 1 add, 2 exp, 3 mul, 4 2, 5 x, 6 mul, 7 2, 8 x
    assert tree.same[0].nonzero().tolist() == [[3, 6], [6, 3]]


def test_they_are_still_found_when_arguments_are_reordered() -> None:
    text, rng = "add exp mul x add 1 cos x mul x add 1 cos x", np.random.default_rng(0)
    for _ in range(20):
        assert (
            structure(" ".join(reorder(text.split(), rng))).same.sum() == 2 * 3
        )  # the product, the sum in it, the cosine


def test_padding_changes_nothing() -> None:
    short, long = "mul x exp x", "add int 1 2 end pow x sin x"
    both, alone = structure(short, long), structure(short)
    length = alone.parent.shape[1]
    for name, value in vars(alone).items():
        padded = getattr(both, name)[0]
        assert torch.equal(padded[(slice(length),) * padded.ndim], value[0]), name
    assert not both.inside[0, :, length:].any()
    assert not both.same[0, :, length:].any()


def test_an_input_that_lost_its_end_reads_as_far_as_it_goes() -> None:
    tree = structure("add x mul sin")
    assert tree.parent.tolist() == [[0, 0, 1, 1, 3]]
    assert tree.size.tolist() == [[5, 4, 1, 2, 1]]
