"""What `intclass run` tells: what it is about to do, how it went, where everything lies, what to type next."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from intclass.components.integrate import parse_engines
from intclass.components.shared.last_run import remember_model
from intclass.components.shared.manifest import read_manifest
from intclass.components.shared.records import LABELS
from intclass.pipelines.arguments import declared_parameters, parse_assignments
from intclass.pipelines.local import PROCESS, RunResult, run_pipeline
from intclass.pipelines.presets import find_preset

# Short names in the run's folder for the artifacts that kfp.local files under dated folders.
LINKS: Final = {
    "functions": "functions",
    "examples": "dataset",
    "model": "model",
    "evaluation": "evaluation",
    "report": "report.html",
}
# What `auto` stands for in a container: its image holds FriCAS, whatever this machine has.
IN_IMAGES: Final = {"engines": "fricas,sympy"}


def run_and_tell(preset_name: str, out: Path, assignments: Sequence[str], *, runner: str = PROCESS) -> None:
    """Run the preset below `out` and print the story; raises IntclassError for bad arguments or a failed task."""
    console = Console(highlight=False, soft_wrap=True)
    preset = find_preset(preset_name)
    out = out.resolve()
    chosen = {**({} if runner == PROCESS else IN_IMAGES), **preset.arguments, **parse_assignments(assignments)}
    arguments = _complete(chosen, out)
    console.print(f"[bold]intclass run[/] --preset {preset.name}: {preset.purpose}")
    console.print(f"engines {arguments['engines']}, target {arguments['target']}; everything goes to {out}\n")
    result = run_pipeline(arguments, out, runner=runner)
    _link(result, out)
    remember_model(out / "model")
    _tell_numbers(console, result)
    _tell_places(console, out)


def _complete(chosen: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """The arguments with what this machine decides.

    Engines are named, not `auto`: installing FriCAS later must not find yesterday's answers in the cache. SymPy alone
    proves next to nothing non-elementary, so without FriCAS the target is what SymPy can tell: solved in time or not.
    """
    defaults = {name: parameter["defaultValue"] for name, parameter in declared_parameters().items()}
    engines = parse_engines(chosen.get("engines", defaults["engines"]))
    target = "elementary" if "fricas" in engines else "solved"
    seconds = chosen.get("limit_seconds", defaults["limit_seconds"])
    decided = {"work_dir": str(out / "work"), "target": target, "solved_within_seconds": seconds}
    return {**decided, **chosen, "engines": ",".join(engines)}


def _link(result: RunResult, out: Path) -> None:
    for output, name in LINKS.items():
        link = out / name
        link.unlink(missing_ok=True)
        link.symlink_to(result.paths[output])


def _tell_numbers(console: Console, result: RunResult) -> None:
    functions, examples = (read_manifest(result.paths[name]).counts for name in ("functions", "examples"))
    metrics = json.loads((result.paths["evaluation"] / "manifest.json").read_text())["stats"]
    outcomes = ", ".join(f"{examples[f'outcomes_{label}']} {label}" for label in LABELS)
    console.print(f"\n[bold]Done in {result.seconds:.0f} s.[/]\n")
    console.print(f"functions  {functions['rows']} drawn")
    console.print(f"outcomes   {outcomes}")
    console.print(f"examples   {examples['examples']}")
    console.print(
        f"accuracy   {metrics['accuracy']:.1%} on {metrics['test_examples']:.0f} held-out functions "
        f"(majority class {metrics['majority_share']:.1%}, best baseline {metrics['best_baseline_accuracy']:.1%})"
    )
    console.print(f"AUROC      {metrics['auroc']:.3f}\n")
    table = Table("integrand", "answer", "probability", title="The served model answers", title_justify="left")
    for answer in result.answers:
        table.add_row(answer["integrand"], answer["label"], f"{answer['probability']:.3f}")
    console.print(table)


def _tell_places(console: Console, out: Path) -> None:
    for what, name in [
        ("report", "report.html"),
        ("model", "model"),
        ("dataset", "dataset"),
        ("functions", "functions"),
        ("log", "run.log"),
    ]:
        console.print(f"{what:<10} {out / name}")
    console.print("\n[bold]Next[/]")
    console.print('intclass predict "x*exp(x**2)" "exp(x**2)"')
    console.print("intclass serve --port 8080")
