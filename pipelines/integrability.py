"""The whole way through, on one screen: what a newcomer sees in the Kubeflow UI is what this function says."""

from typing import NamedTuple

from kfp import dsl

from intclass.components.dataset.component import dataset
from intclass.components.evaluate.component import evaluate
from intclass.components.generate.component import generate
from intclass.components.serve.component import serve
from intclass.components.shared.kube.component import reap
from intclass.pipelines.branches import label, search, train
from intclass.pipelines.ending import with_last_step
from intclass.pipelines.placement import Placement


class Outputs(NamedTuple):
    """What the run leaves behind."""

    functions: dsl.Dataset
    examples: dsl.Dataset
    model: dsl.Model
    evaluation: dsl.Artifact
    report: dsl.HTML
    answers: dsl.Markdown


def build(place: Placement) -> dsl.base_component.BaseComponent:
    """The pipeline, with the settings of one target."""

    def integrability(
        count: int = 100_000,
        internal_nodes: str = "3-12",
        grammar: str = "intclass",
        families: str = "forward",
        seed: int = 0,
        start_index: int = 0,
        num_shards: int = 16,
        engines: str = "auto",
        limit_seconds: float = 1.0,
        memory_mb: int = 2048,
        workers: int = 0,
        work_dir: str = "",
        min_success_ratio: float = 1.0,
        target: str = "elementary",
        solved_within_seconds: float = 1.0,
        hold_out_generators: str = "",
        hold_out_larger_than: int = 0,
        hold_out_structures: float = 0.0,
        base_model: str = "tbs17/MathBERT",
        epochs: int = 10,
        learning_rate: float = 0.0,
        tune_trials: int = 0,
        tune_space: str = "pretrained",
        tune_sampler: str = "tpe",
        tune_pruner: str = "median",
        tune_by: str = "katib",
        margin: float = 0.0,
        served: str = "",
        questions: list[str] = ["x*exp(x**2)", "exp(x**2)", "sin(x)/x"],  # noqa: B006 - kfp reads the default
        launcher: str = "local",
        trainer: str = "pytorchjob",
        nodes: int = 3,
        gpus: int = 0,
        gpu_type: str = "nvidia-l4",
        queue: str = "",
        run: str = "",
    ) -> Outputs:
        """Draws random functions, integrates them, trains a model to predict the outcome, measures it and asks it.

        Args:
            count: How many distinct functions to draw.
            internal_nodes: Operators in a function, a range such as 3-12 or one number.
            grammar: Which operators: intclass, lample-charton, or the path of a grammar file.
            families: How functions are made: forward, or others too, such as
                forward,backward,parts,liouville,disguised.
            seed: Every random choice follows from it.
            start_index: Where in the seed's sequence to begin; a later run goes on where an earlier one ended.
            num_shards: Pods that integrate side by side, each on all its cores.
            engines: Who integrates, in this order: fricas,sympy or sympy; auto takes the best that the image holds.
            limit_seconds: Wall seconds that one engine may spend on one function before it is killed.
            memory_mb: Memory in MB that one engine may use before it is killed.
            workers: Processes in each shard; 0 means one for each core.
            work_dir: Folder or gs:// prefix for unfinished work, so that a restart goes on; empty means none is kept.
            min_success_ratio: Share of shards that must come out. Below 1, a shard that fails in all of its attempts
                leaves out its functions, and the run goes on. Turn caching off when you run again, or it stays left
                out.
            target: What to predict: elementary (has an elementary antiderivative) or solved (SymPy finds one in time).
            solved_within_seconds: For the target solved, the seconds within which SymPy must answer.
            hold_out_generators: Families, separated by commas, of which only a test split of their own has functions.
            hold_out_larger_than: Functions of more nodes are in a test split of their own; 0 holds out none.
            hold_out_structures: Share of all tree shapes that only a test split of their own has; 0 holds out none.
            base_model: What to fine-tune: tbs17/MathBERT, small (trained from scratch), a name on the hub, a folder,
                gs://.
            epochs: Passes over the training split, at most; training stops early when the validation loss rises.
            learning_rate: Peak learning rate; 0 takes the base model's own default.
            tune_trials: Trials of a search for the best options of training; 0 searches none.
            tune_space: What to search: pretrained, small, or a YAML file.
            tune_sampler: How to search: random, grid, sobol, tpe, multivariate-tpe, gp, cmaes.
            tune_pruner: Which trials to stop early: none, median, asha, hyperband.
            tune_by: Under kubernetes, who runs the trials: katib (an Experiment) or jobs (the step itself, with a Job
                for each; asha and conditions too).
            margin: Lead in accuracy over the best baseline, and over the served model, that a deployment takes.
            served: Folder or gs:// of the model that is served now, or of its evaluation; empty if there is none.
            questions: Integrands that the served model is asked at the end.
            launcher: Who integrates, searches, trains and serves: local (the steps themselves) or kubernetes (what they
                start: an Indexed Job, an Experiment or Jobs, a PyTorchJob or TrainJob, an InferenceService).
            trainer: Under kubernetes, the kind of job that trains: pytorchjob (Training Operator v1) or trainjob
                (Trainer v2).
            nodes: Under kubernetes, the pods that train together.
            gpus: Under kubernetes, the NVIDIA GPUs of each of them.
            gpu_type: Which GPU, as GKE names it; empty takes any.
            queue: Under kubernetes, Kueue's LocalQueue that the jobs wait in; empty is none.
            run: Under kubernetes, a name for the run's jobs; empty takes that of its Argo Workflow.
        """
        drawn = place.step(
            generate(
                count=count,
                internal_nodes=internal_nodes,
                grammar=grammar,
                families=families,
                seed=seed,
                start_index=start_index,
                num_shards=num_shards,
            )
        )
        solving = {
            "num_shards": num_shards,
            "target": target,
            "engines": engines,
            "limit_seconds": limit_seconds,
            "memory_mb": memory_mb,
            "workers": workers,
            "work_dir": work_dir,
            "min_success_ratio": min_success_ratio,
        }
        outcomes = label(place, drawn, launcher=launcher, queue=queue, run=run, solving=solving)
        built = place.step(
            dataset(
                outcomes=outcomes,
                target=target,
                solved_within_seconds=solved_within_seconds,
                hold_out_generators=hold_out_generators,
                hold_out_larger_than=hold_out_larger_than,
                hold_out_structures=hold_out_structures,
                seed=seed,
                min_success_ratio=min_success_ratio,
            )
        )
        examples = built.outputs["examples"]
        searching = {
            "space": tune_space,
            "sampler": tune_sampler,
            "pruner": tune_pruner,
            "num_trials": tune_trials,
            "parallel": 0,
            "base_model": base_model,
            "epochs": epochs,
            "seed": seed,
        }
        pods = {"by": tune_by, "gpus": gpus, "gpu_type": gpu_type, "queue": queue, "run": run}
        best = search(place, examples, launcher=launcher, cluster=pods, work_dir=work_dir, searching=searching)
        training = {
            "base_model": base_model,
            "epochs": epochs,
            "learning_rate": learning_rate,
            "seed": seed,
            "options": best,
        }
        cluster = {
            "launcher": trainer,
            "nodes": nodes,
            "gpus": gpus,
            "gpu_type": gpu_type,
            "queue": queue,
            "run": run,
        }
        model = train(place, examples, launcher=launcher, cluster=cluster, training=training)
        measured = place.step(evaluate(model=model, examples=examples, seed=seed, margin=margin, served=served))
        asked = place.step(serve(model=model, questions=questions).after(measured)).set_caching_options(False)
        # Refused, this is skipped; evaluate's artifact `decision` says why.
        on_kubernetes = dsl.If(launcher == "kubernetes", name="on-kubernetes")
        with on_kubernetes, dsl.If(measured.outputs["deploy"] == True, name="deploy-if-better"):  # noqa: E712 - for kfp
            # It holds the service's answers against the model's own, and so has it in memory.
            place.launcher(serve(model=model, questions=questions, launcher="kubernetes").after(asked), memory="8G")
        return Outputs(
            functions=drawn.outputs["functions"],
            examples=examples,
            model=model,
            evaluation=measured.outputs["evaluation"],
            report=measured.outputs["report"],
            answers=asked.outputs["answers"],
        )

    return with_last_step(
        integrability,
        lambda arguments: place.launcher(reap(launcher=arguments["launcher"], run=arguments["run"]), hours=1),
        name="integrability",
        display_name="intclass: is it integrable?",
        pipeline_config=place.configuration(),
    )
