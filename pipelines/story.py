"""What `intclass run` tells: what it is about to do, how it went, where everything lies, what to type next."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from intclass.components.integrate import resolve_engines
from intclass.components.shared.last_run import remember_model
from intclass.components.shared.manifest import read_manifest
from intclass.pipelines.arguments import declared_parameters, parse_assignments
from intclass.pipelines.local import RunResult, run_pipeline
from intclass.pipelines.presets import find_preset

# Beside these names in the run's folder lie the artifacts that kfp.local filed under dated folders.
LINKS = {"functions": "functions", "examples": "dataset", "model": "model", "evaluation": "evaluation"}


def run_and_tell(preset_name: str, out: Path, assignments: Sequence[str]) -> None:
    """Run the preset below `out` and print the story; raises IntclassError for bad arguments or a failed task."""
    console = Console()
    preset = find_preset(preset_name)
    arguments = {"work_dir": str((out / "work").resolve()), **preset.arguments, **parse_assignments(assignments)}
    # Named engines, not `auto`: installing FriCAS later must not find yesterday's answers in the cache.
    arguments["engines"] = ",".join(resolve_engines(arguments.get("engines", "auto")))
    console.print(f"[bold]intclass run[/] --preset {preset.name}: {preset.purpose}")
    console.print(f"engines: {arguments['engines']}; everything goes to {out}", highlight=False)
    result = run_pipeline(arguments, out.resolve())
    _link(result, out.resolve())
    remember_model(out.resolve() / "model")
    _tell(console, result, out, {**_defaults(), **arguments})


def _defaults() -> dict[str, Any]:
    return {name: value.get("defaultValue") for name, value in declared_parameters().items()}


def _link(result: RunResult, out: Path) -> None:
    """Give the artifacts short names in the run's folder."""
    for output, name in {**LINKS, "report": "report.html"}.items():
        link = out / name
        link.unlink(missing_ok=True)
        link.symlink_to(result.paths[output])


def _tell(console: Console, result: RunResult, out: Path, arguments: Mapping[str, Any]) -> None:
    counts = {name: read_manifest(result.paths[name]).counts for name in ("functions", "examples")}
    metrics = json.loads((result.paths["evaluation"] / "metrics.json").read_text())
    console.print(f"\n[bold]Done in {result.seconds:.0f} s.[/]\n")
    console.print(counts, metrics)
    table = Table("integrand", "answer", "probability", title="The served model answers", title_justify="left")
    for answer in result.answers:
        table.add_row(answer["integrand"], answer["label"], f"{answer['probability']:.3f}")
    console.print(table)
    model = f" --model {out / 'model'}"
    for what, where in [
        ("report", out / "report.html"),
        ("model", out / "model"),
        ("dataset", out / "dataset"),
        ("functions", out / "functions"),
        ("log", out / "run.log"),
    ]:
        console.print(f"{what:<10}{where}", highlight=False, soft_wrap=True)
    console.print("\nNext:", style="bold")
    console.print(f'  intclass predict "x*exp(x**2)" "exp(x**2)"{model}', highlight=False, soft_wrap=True)
    console.print(f"  intclass serve{model} --port 8080", highlight=False, soft_wrap=True)
