"""From text to token ids: the word tokenizer of `small`, and a reader that serves every tokenizer alike."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from intclass.components.shared.expressions import PREFIX_VOCABULARY

PAD: Final = "[PAD]"
CLS: Final = "[CLS]"
UNKNOWN: Final = "[UNK]"


def prefix_tokenizer(max_length: int) -> PreTrainedTokenizerFast:
    """A tokenizer with one token for each word of PREFIX_VOCABULARY, and [CLS] before the first."""
    words = (PAD, CLS, UNKNOWN, *PREFIX_VOCABULARY)
    ids = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.post_processor = TemplateProcessing(single=f"{CLS} $A", special_tokens=[(CLS, ids[CLS])])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        cls_token=CLS,
        unk_token=UNKNOWN,
        model_max_length=max_length,
        model_input_names=["input_ids", "attention_mask"],
    )


def add_prefix_words(tokenizer: PreTrainedTokenizerBase) -> dict[int, list[int]]:
    """Add a token for each prefix word that has none; returns the pieces that spelt each new token."""
    spelt = {word: tokenizer.encode(word, add_special_tokens=False) for word in PREFIX_VOCABULARY}
    words = [word for word, pieces in spelt.items() if len(pieces) > 1 or tokenizer.unk_token_id in pieces]
    # Taken before the tokenizer's own changes, such as lower case, and never within a longer word.
    tokenizer.add_tokens([AddedToken(word, single_word=True, normalized=False) for word in words])
    return {int(tokenizer.convert_tokens_to_ids(word)): spelt[word] for word in words}


@dataclass(frozen=True)
class Tokens:
    """The token ids of some texts, and how many of the texts were too long and lost their end."""

    ids: Sequence[Sequence[int]]
    truncated: int


class TextReader:
    """Reads texts into at most `max_length` token ids each, special tokens included; several threads may use one.

    A tokenizer of transformers changes its state when asked to cut; this one works on a copy whose state never changes.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> None:
        self.max_length = max_length
        self.pad_id = int(tokenizer.pad_token_id)
        self.digest = hashlib.sha256(f"{max_length} {tokenizer.backend_tokenizer.to_str()}".encode()).hexdigest()
        self._backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self._backend.no_padding()
        self._backend.enable_truncation(max_length)

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """The texts' token ids, in their order."""
        encodings = self._backend.encode_batch(list(texts))
        return Tokens([encoding.ids for encoding in encodings], sum(bool(one.overflowing) for one in encodings))
