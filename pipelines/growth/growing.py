"""The recurring pipeline: one batch more, a version more, and a model more when enough has come."""

from dataclasses import replace
from typing import NamedTuple

from kfp import dsl

from intclass.components.dataset.component import dataset
from intclass.components.evaluate.component import evaluate
from intclass.components.generate.component import generate
from intclass.components.shared.kube.component import reap
from intclass.pipelines.branches import dataset_at, label, train
from intclass.pipelines.ending import with_last_step
from intclass.pipelines.growth.component import claim, commit, publish, record_training
from intclass.pipelines.placement import Placement


class Outputs(NamedTuple):
    """What the run adds."""

    functions: dsl.Dataset
    examples: dsl.Dataset


def build(place: Placement) -> dsl.base_component.BaseComponent:
    """The pipeline, with the settings of one target; nothing is taken from a cache, as the folder changes."""
    place = replace(place, caching=False)

    def growing(
        folder: str,
        count: int = 100_000,
        growth: float = 0.2,
        internal_nodes: str = "3-12",
        grammar: str = "intclass",
        families: str = "forward",
        seed: int = 0,
        num_shards: int = 16,
        engines: str = "auto",
        limit_seconds: float = 1.0,
        memory_mb: int = 2048,
        workers: int = 0,
        min_success_ratio: float = 1.0,
        target: str = "elementary",
        solved_within_seconds: float = 1.0,
        base_model: str = "tbs17/MathBERT",
        epochs: int = 10,
        learning_rate: float = 0.0,
        launcher: str = "kubernetes",
        trainer: str = "pytorchjob",
        nodes: int = 3,
        gpus: int = 0,
        gpu_type: str = "nvidia-l4",
        queue: str = "",
        run: str = "",
    ) -> Outputs:
        """Draws the next functions, integrates them, adds them to a dataset, and trains when it has grown enough.

        Args:
            folder: Folder or gs:// prefix of the dataset that grows: its state, batches, versions and models.
            count: How many functions to add in each run.
            growth: Share by which the dataset must have grown since the last training to train again.
            internal_nodes: Operators in a function, a range such as 3-12 or one number.
            grammar: Which operators: intclass, lample-charton, or the path of a grammar file.
            families: How functions are made: forward, or others too.
            seed: Every random choice follows from it.
            num_shards: Pods that integrate side by side, each on all its cores.
            engines: Who integrates, in this order: fricas,sympy or sympy; auto takes the best that the image holds.
            limit_seconds: Wall seconds that one engine may spend on one function before it is killed.
            memory_mb: Memory in MB that one engine may use before it is killed.
            workers: Processes in each shard; 0 means one for each core.
            min_success_ratio: Share of shards that must come out.
            target: What to predict: elementary (has an elementary antiderivative) or solved (SymPy finds one in time).
            solved_within_seconds: For the target solved, the seconds within which SymPy must answer.
            base_model: What to fine-tune: tbs17/MathBERT, small, a name on the hub, a folder, gs://.
            epochs: Passes over the training split, at most; training stops early when the validation loss rises.
            learning_rate: Peak learning rate; 0 takes the base model's own default.
            launcher: Who integrates and trains: local (the steps themselves) or kubernetes (jobs).
            trainer: Under kubernetes, the kind of job that trains: pytorchjob or trainjob.
            nodes: Under kubernetes, the pods that train together.
            gpus: Under kubernetes, the NVIDIA GPUs of each of them.
            gpu_type: Which GPU, as GKE names it; empty takes any.
            queue: Under kubernetes, Kueue's LocalQueue that the jobs wait in; empty is none.
            run: Under kubernetes, a name for the run's jobs; empty takes that of its Argo Workflow.
        """
        sequence = {"internal_nodes": internal_nodes, "grammar": grammar, "families": families, "seed": seed}
        batch = place.step(claim(folder=folder, count=count, **sequence)).outputs
        drawn = place.step(
            generate(count=batch["count"], start_index=batch["start_index"], num_shards=num_shards, **sequence)
        )
        solving = {
            "num_shards": num_shards,
            "target": target,
            "engines": engines,
            "limit_seconds": limit_seconds,
            "memory_mb": memory_mb,
            "workers": workers,
            "work_dir": batch["work_dir"],
            "min_success_ratio": min_success_ratio,
        }
        outcomes = label(place, drawn, launcher=launcher, queue=queue, run=run, solving=solving)
        functions = drawn.outputs["functions"]
        kept = place.step(commit(folder=folder, batch=batch["batch"], functions=functions, outcomes=outcomes))
        examples = place.step(
            dataset(
                outcomes=dataset_at(place=kept.output).output,
                target=target,
                solved_within_seconds=solved_within_seconds,
                hold_out_generators="",
                hold_out_larger_than=0,
                hold_out_structures=0.0,
                seed=seed,
                min_success_ratio=min_success_ratio,
            )
        ).outputs["examples"]
        published = place.step(publish(folder=folder, examples=examples, growth=growth))
        with dsl.If(published.output == True, name="train-again"):  # noqa: E712 - kfp reads the comparison
            training = {"base_model": base_model, "epochs": epochs, "learning_rate": learning_rate, "seed": seed}
            cluster = {
                "launcher": trainer,
                "nodes": nodes,
                "gpus": gpus,
                "gpu_type": gpu_type,
                "queue": queue,
                "run": run,
            }
            model = train(place, examples, launcher=launcher, cluster=cluster, training=training)
            measured = place.step(evaluate(model=model, examples=examples, seed=seed))
            place.step(record_training(folder=folder, model=model).after(measured))
        return Outputs(functions=functions, examples=examples)

    return with_last_step(
        growing,
        lambda arguments: place.launcher(reap(launcher=arguments["launcher"], run=arguments["run"]), hours=1),
        name="growing",
        display_name="intclass: a growing dataset",
        pipeline_config=place.configuration(),
    )
