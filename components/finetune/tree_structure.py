"""The expression's tree, read off its prefix words by tensor operations, for a whole batch at once.

Prefix words are a tree in preorder, so nothing but the number of arguments of each word is needed to know it (the
Lukasiewicz word of the tree: a subtree ends where the arguments that are still open fall below those before it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Self

import torch
from torch.nn import functional

from intclass.components.finetune.tokenizer import CLS
from intclass.components.shared.expressions import PREFIX_ARITY

STEPS: Final = 4  # further steps up or down count as so many
RELATIONS: Final = 2 * (STEPS + 1) ** 2

_BEGIN, _END, _DIGITS = "int", "end", "0123456789"
_CHAINS: Final = {"add": 1, "sub": 1, "mul": 2, "div": 2}  # spelt as chains of two, though they are one sum or product
_HASH_BASE: Final = 6364136223846793005  # any odd number has an inverse modulo 2^64
_HASH_SEED: Final = 7


@dataclass(frozen=True)
class WordTables:
    """What there is to know of each token id, as tensors (vocabulary,), int64."""

    arity: torch.Tensor
    digit: torch.Tensor
    chain: torch.Tensor
    integer: torch.Tensor  # 1 begins an integer of several digits, -1 ends it
    number: torch.Tensor  # a random one, for hashing

    @classmethod
    def of(cls, words: Sequence[str], device: torch.device) -> Self:
        """The tables of a vocabulary; a word that is not known is a leaf."""
        arity = dict(PREFIX_ARITY) | {CLS: 1, _BEGIN: 1}
        number = torch.randint(-(2**62), 2**62, (len(words),), generator=torch.Generator().manual_seed(_HASH_SEED))
        tables = (
            torch.tensor([arity.get(word, 0) for word in words]),
            torch.tensor([int(word in _DIGITS) for word in words]),
            torch.tensor([_CHAINS.get(word, 0) for word in words]),
            torch.tensor([{_BEGIN: 1, _END: -1}.get(word, 0) for word in words]),
            number,
        )
        return cls(*(table.to(device) for table in tables))


@dataclass(frozen=True)
class TreeStructure:
    """The trees of a batch of B inputs of L tokens, padding included; the special token before them is the root.

    Attributes:
        parent: Place of each token's parent, (B, L); the root's own for the root.
        slot: 0 for a first argument, 1 for a second one, (B, L).
        depth: Levels above a token and its own, (B, L); a sum, or a product, of any length is one level.
        size: Tokens of its subtree, (B, L).
        inside: (B, L, L), 1.0 at (j, i) where i belongs to the subtree of j, j itself included.
        relation: (B, L, L), at (i, j) the way from i to j, below RELATIONS: steps up to the common ancestor, steps
            down, and whether j comes later.
        same: (B, L, L), where two different places hold the same subexpression of several words.
    """

    parent: torch.Tensor
    slot: torch.Tensor
    depth: torch.Tensor
    size: torch.Tensor
    inside: torch.Tensor
    relation: torch.Tensor
    same: torch.Tensor


@torch.no_grad()
def read_structure(tokens: torch.Tensor, mask: torch.Tensor, tables: WordTables) -> TreeStructure:
    """The trees of token ids (B, L), padded at the end where `mask` (B, L) is 0.

    An input that lost its end reads as far as it goes.
    """
    place = torch.arange(tokens.shape[1], device=tokens.device)
    real = mask.bool()
    end = _ends(tokens, real, tables)
    later = place[None, :] > place[:, None]
    inside = (place >= place[:, None]) & (place < end[:, :, None]) & real[:, :, None]
    parent = torch.where(inside & later, place[:, None], 0).amax(1)
    chain = tables.chain[tokens]
    goes_on = (chain > 0) & (chain == chain.gather(1, parent))
    depth, relation = _relations(inside.float(), real & ~goes_on, later)
    return TreeStructure(
        parent=parent,
        slot=(place - parent > 1).long(),
        depth=depth,
        size=(end - place).clamp(min=1),
        inside=inside.float(),
        relation=relation,
        same=_same(tokens, end, real, tables),
    )


def _ends(tokens: torch.Tensor, real: torch.Tensor, tables: WordTables) -> torch.Tensor:
    """The place after each token's subtree: the first one with fewer open arguments."""
    length = tokens.shape[1]
    place = torch.arange(length, dtype=torch.int32, device=tokens.device)
    in_integer = tables.integer[tokens].cumsum(1)  # whose digits hang one below the other
    needed = tables.arity[tokens] + tables.digit[tokens] * in_integer - 1
    still_open = (needed.cumsum(1) - needed).int()
    fewer = (still_open[:, None, :] < still_open[:, :, None]) & (place > place[:, None])
    end = torch.where(fewer, place, length).amin(2)
    return torch.minimum(end.long(), real.sum(1, keepdim=True))


def _relations(
    inside: torch.Tensor,
    level: torch.Tensor,
    later: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Depth and relation, where the tokens of `level` open a level: products of small integers, which are exact."""
    with torch.autocast(inside.device.type, enabled=False):
        shared = torch.bmm((inside * level[:, :, None]).transpose(1, 2), inside)
    depth = shared.diagonal(dim1=1, dim2=2)
    up = (depth[:, :, None] - shared).clamp(0, STEPS)
    down = (depth[:, None, :] - shared).clamp(0, STEPS)
    return depth.long(), ((up * (STEPS + 1) + down) * 2).long() + later


def _same(
    tokens: torch.Tensor,
    end: torch.Tensor,
    real: torch.Tensor,
    tables: WordTables,
) -> torch.Tensor:
    """Where subtrees are equal word by word: their polynomial hashes modulo 2^64 are (Karp and Rabin 1987)."""
    length = tokens.shape[1]
    place = torch.arange(length, device=tokens.device)
    powers, inverses = _powers(length, tokens.device)
    sums = functional.pad((tables.number[tokens] * powers).cumsum(1), (1, 0))
    hashes = (sums.gather(1, end) - sums[:, :-1]) * inverses
    compound = (end - place > 1) & real
    equal = (hashes[:, :, None] == hashes[:, None, :]) & compound[:, :, None] & compound[:, None, :]
    return equal & (place[:, None] != place)


@cache
def _powers(length: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """The powers of the base and of its inverse, modulo 2^64, as the signed integers of the same bits."""
    bases = (_HASH_BASE, pow(_HASH_BASE, -1, 2**64))
    rows = [[_signed(pow(base, exponent, 2**64)) for exponent in range(length)] for base in bases]
    first, second = torch.tensor(rows, device=device)
    return first, second


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number
