"""Parts of a pipeline that run in steps or as jobs on the cluster, whatever the parameter `launcher` says."""

from collections.abc import Callable, Mapping
from typing import Any

from kfp import dsl

from intclass.components.distribute.component import distribute
from intclass.components.finetune.component import finetune
from intclass.components.integrate.component import gather, integrate, integrate_job
from intclass.components.tune.component import tune, tune_in_pods
from intclass.pipelines.placement import Placement

PARALLEL_SHARDS = 32
KUBERNETES = "kubernetes"


# Pipelines of their own, because Kubeflow's importer looks for its address among the inputs of the pipeline around it
# and nowhere else (2.17, importer_launcher.go).
@dsl.pipeline(name="dataset-at")
def dataset_at(place: str) -> dsl.Dataset:
    """What lies at a place that a task has returned."""
    return dsl.importer(artifact_uri=place, artifact_class=dsl.Dataset).output


@dsl.pipeline(name="model-at")
def model_at(place: str) -> dsl.Model:
    """What lies at a place that a task has returned."""
    return dsl.importer(artifact_uri=place, artifact_class=dsl.Model).output


def label(
    place: Placement,
    drawn: dsl.PipelineTask,
    *,
    launcher: Any,  # noqa: ANN401 - a parameter of the pipeline, as all that follow
    queue: Any,  # noqa: ANN401
    run: Any,  # noqa: ANN401
    solving: Mapping[str, Any],
) -> dsl.Dataset:
    """The outcomes of the functions that `drawn` made, all shards in one folder."""
    functions = drawn.outputs["functions"]
    with dsl.If(launcher == KUBERNETES, name="integrate-in-a-job"):
        launched = place.launcher(integrate_job(functions=functions, queue=queue, run=run, **solving))
    with dsl.Else(name="integrate-in-steps"):
        with dsl.ParallelFor(drawn.outputs["Output"], parallelism=PARALLEL_SHARDS) as shard:
            labelled = place.solver(integrate(functions=functions, shard=shard, **solving))
        gathered = place.step(gather(shards=dsl.Collected(labelled.outputs["outcomes"])))
    return either(launched, gathered, dataset_at)


def train(
    place: Placement,
    examples: dsl.Dataset,
    *,
    launcher: Any,  # noqa: ANN401 - a parameter of the pipeline
    cluster: Mapping[str, Any],
    training: Mapping[str, Any],
) -> dsl.Model:
    """The model: `training` are the options of finetune, `cluster` those of distribute besides."""
    with dsl.If(launcher == KUBERNETES, name="train-in-a-job"):
        far = place.launcher(distribute(examples=examples, **cluster, **training))
    with dsl.Else(name="train-in-the-step"):
        near = place.trainer(finetune(examples=examples, **training))
    return either(far, near, model_at)


def search(
    place: Placement,
    examples: dsl.Dataset,
    *,
    launcher: Any,  # noqa: ANN401 - a parameter of the pipeline, as is work_dir
    cluster: Mapping[str, Any],
    work_dir: Any,  # noqa: ANN401
    searching: Mapping[str, Any],
) -> dsl.OneOf:
    """The best options of finetune, empty where no trials were asked for.

    `searching` are the options of tune, `cluster` those of trials in pods besides.
    """
    with dsl.If(launcher == KUBERNETES, name="tune-in-pods"):
        far = place.launcher(tune_in_pods(examples=examples, **cluster, **searching))
    with dsl.Else(name="tune-in-the-step"):
        near = place.trainer(tune(examples=examples, work_dir=work_dir, **searching))
    return dsl.OneOf(far.outputs["Output"], near.outputs["Output"])


def either(first: dsl.PipelineTask, second: dsl.PipelineTask, importing: Callable[..., Any]) -> dsl.Artifact:
    """The artifact that lies at the place that one of the two branches has returned; `importing` makes it one.

    By its place, because kfp.local knows dsl.OneOf for parameters alone, and so did Kubeflow's server in 2.16.
    """
    return importing(place=dsl.OneOf(first.outputs["Output"], second.outputs["Output"])).output
