"""A short model card: what the model is, how well it did on the validation split, how to load it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from intclass.components.finetune.calibration import Calibration
from intclass.components.finetune.metrics import Scores
from intclass.components.finetune.model import LABELS

CARD_NAME: Final = "README.md"

_READS: Final = {
    "prefix": "canonical expressions as prefix words, such as `mul x exp pow x 2`",
    "prefix-tokens": "canonical expressions as prefix words, each a token, such as `mul x exp pow x 2`",
    "infix": "canonical expressions as text, such as `x*exp(x**2)`",
}
_TEXT: Final = """\
---
library_name: transformers
pipeline_tag: text-classification
tags: [mathematics, symbolic-integration]
---

# Will it integrate? ({positive} or {negative})

A classifier of functions of x, trained by intclass from `{base_model}` ({parameters:,} parameters) on {train:,}
examples. It reads {reads}, at most {max_length} tokens of them.

| on the validation split ({validation:,} examples) | |
|---|---:|
| accuracy | {accuracy:.3f} |
| AUROC | {auroc} |
| negative log likelihood, calibrated | {nll:.3f} |
| calibration error, calibrated | {ece:.3f} |

The validation split chose the epoch and the temperature ({temperature:.3f}), so these numbers flatter the model;
`intclass evaluate` measures it on the test split.

```python
from intclass.components.finetune import Classifier

Classifier.load("FOLDER").predict(["x*exp(x**2)"])  # the calibrated probability of '{positive}'
```

The folder also loads with `AutoModelForSequenceClassification` and `AutoTokenizer`, if its base model is `small` with
positions in the tree after `import intclass.components.finetune.model`; divide the logits by the temperature in
`calibration.json`.
"""


def model_card(options: Mapping[str, Any], counts: Mapping[str, int], scores: Scores, calibration: Calibration) -> str:
    """The card as Markdown with the front matter of the Hugging Face hub."""
    negative, positive = LABELS[options["target"]]
    return _TEXT.format(
        negative=negative,
        positive=positive,
        base_model=options["base_model"],
        parameters=counts["parameters"],
        train=counts["train_examples"],
        validation=counts["validation_examples"],
        reads=_READS[options["encoding"]],
        max_length=options["max_length"],
        accuracy=scores.accuracy,
        auroc="undefined" if scores.auroc is None else f"{scores.auroc:.3f}",
        nll=calibration.nll_after,
        ece=calibration.ece_after,
        temperature=calibration.temperature,
    )
