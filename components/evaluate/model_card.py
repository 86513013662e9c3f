"""The model card: a Hugging Face card with the evaluation's results, from the run's own numbers; no date, no path."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from typing import Any, Final

import yaml

from intclass.components.evaluate import story
from intclass.components.evaluate.bootstrap import Estimate
from intclass.components.evaluate.evaluation import Evaluation
from intclass.components.evaluate.metrics import heading
from intclass.components.evaluate.phrases import decimal_range, percent_range
from intclass.components.shared.manifest import Manifest, program_version
from intclass.components.shared.phrases import count, decimal, percent

CARD_NAME: Final = "model_card.md"
TEMPLATE: Final = Path(__file__).with_name("model_card_template.md")

_SHOWN: Final = ("accuracy", "balanced_accuracy", "auroc", "auprc", "auprc_negative", "mcc", "brier", "nll", "ece")
_SHARES: Final = frozenset({"accuracy", "balanced_accuracy"})
# The hub's names of metrics, where it has them.
_HUB_TYPES: Final = {"auroc": "roc_auc", "mcc": "matthews_correlation", "brier": "brier_score"}
_TRAINED: Final = ("train_examples", "validation_examples", "epochs", "best_epoch", "ranks")
_TASKS: Final = {
    "elementary": "Whether a function of x has an elementary antiderivative",
    "solved": "Whether SymPy integrates a function of x within a time",
}


def model_card(evaluation: Evaluation, model: Manifest, dataset: Manifest) -> str:
    """The card as Markdown with YAML front matter; the same evaluation and manifests give the same text."""
    negative, positive = evaluation.labels
    body = Template(TEMPLATE.read_text()).substitute(
        headline=story.headline(evaluation),
        task=_TASKS[evaluation.target],
        negative=negative,
        positive=positive,
        base_model=model.config.get("base_model", "unknown"),
        parameters=count(int(model.counts.get("parameters", 0))),
        encoding=model.config.get("encoding") or "prefix",
        standfirst=" ".join(story.standfirst(evaluation)),
        program=program_version(),
        results=_results(evaluation),
        baselines=_baselines(evaluation),
        limits="\n".join(f"- {line}" for line in _limits(evaluation)),
        training=_table(["", ""], [[name.replace("_", " "), count(model.counts[name])] for name in _trained(model)]),
        options=_table(
            ["option", "value"], [[f"`{name}`", f"`{value}`"] for name, value in sorted(model.config.items())]
        ),
        dataset_fingerprint=dataset.fingerprint,
        model_fingerprint=model.fingerprint,
        seconds=_seconds(model),
    )
    return f"---\n{yaml.safe_dump(_front_matter(evaluation, model, dataset), sort_keys=False)}---\n\n{body}"


def _front_matter(evaluation: Evaluation, model: Manifest, dataset: Manifest) -> dict[str, Any]:
    base = str(model.config.get("base_model", ""))
    on_hub = base.count("/") == 1 and not base.startswith((".", "/", "~"))
    splits = {"test": evaluation.model.metrics} | {
        each.split: each.metrics[evaluation.model.name] for each in evaluation.held_out
    }
    return {
        "library_name": "transformers",
        "pipeline_tag": "text-classification",
        "tags": ["mathematics", "symbolic-integration"],
        **({"base_model": base} if on_hub else {}),
        "model-index": [
            {
                "name": f"intclass-{evaluation.target}",
                "results": [_result(split, metrics, dataset) for split, metrics in splits.items()],
            }
        ],
    }


def _result(split: str, metrics: Mapping[str, Estimate], dataset: Manifest) -> dict[str, Any]:
    """One entry of the hub's model-index; what is undefined on the split is left out."""
    return {
        "task": {"type": "text-classification", "name": "Text Classification"},
        "dataset": {
            "name": f"Integrability ({dataset.fingerprint})",
            "type": "intclass",
            "split": split,
            "revision": dataset.fingerprint,
        },
        "metrics": [
            {"type": _HUB_TYPES.get(name, name), "name": heading(name).split("\N{NO-BREAK SPACE}")[0], "value": value}
            for name in _SHOWN
            if not math.isnan(value := round(metrics[name].value, 6))
        ],
    }


def _results(evaluation: Evaluation) -> str:
    """The model's metrics on every split, with their intervals."""
    splits = {"test": (evaluation.test_examples, evaluation.model.metrics)} | {
        each.split: (each.examples, each.metrics[evaluation.model.name]) for each in evaluation.held_out
    }
    header = ["metric", *(f"`{split}` ({count(examples)})" for split, (examples, _) in splits.items())]
    rows = [[heading(name), *(_cell(metrics[name], name) for _, metrics in splits.values())] for name in _SHOWN]
    return _table(header, rows)


def _baselines(evaluation: Evaluation) -> str:
    rows = [
        [each.title, *(_cell(each.metrics[name], name) for name in ("accuracy", "auroc", "ece"))]
        for each in [evaluation.model, *evaluation.baselines]
    ]
    return _table(["classifier", "accuracy", "AUROC", "ECE"], rows)


def _limits(evaluation: Evaluation) -> Iterable[str]:
    """What a user must know before trusting an answer: sentences chosen by the numbers."""
    yield story.weak_spot(evaluation)
    for each in evaluation.held_out:
        accuracy = each.metrics[evaluation.model.name]["accuracy"].value
        yield f"{each.title}: {percent(accuracy)} right (larger class: {percent(each.majority_share)})."
    yield from story.probe_sentences(evaluation)
    yield "An answer is a guess with a probability, never a proof; ask a computer algebra system for that."


def _trained(model: Manifest) -> list[str]:
    return [name for name in _TRAINED if name in model.counts]


def _seconds(model: Manifest) -> str:
    seconds = model.stats.get("seconds")
    return "an unknown time" if seconds is None else f"{float(seconds) / 60:.1f} minutes"


def _cell(estimate: Estimate, metric: str) -> str:
    if math.isnan(estimate.value):
        return decimal(estimate.value)
    share = metric in _SHARES
    value = percent(estimate.value) if share else decimal(estimate.value)
    return f"{value} ({percent_range(estimate) if share else decimal_range(estimate)})"


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
