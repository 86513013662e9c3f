"""The KFP faces of a growing dataset's state; each is right when it is run twice."""

from typing import NamedTuple

from kfp import dsl

from intclass.components.shared.images import CPU


@dsl.component(base_image=CPU, install_kfp_package=False)
def claim(folder: str, count: int, internal_nodes: str, grammar: str, families: str, seed: int) -> NamedTuple(  # type: ignore[valid-type]
    "Claim", [("batch", int), ("start_index", int), ("count", int), ("work_dir", str)]
):
    """Take the next functions of the sequence, or those that a run before has not finished."""
    from intclass.pipelines.growth import state

    sequence = {"internal_nodes": internal_nodes, "grammar": grammar, "families": families, "seed": seed}
    batch = state.claim(folder, sequence, count=count)
    return batch.number, batch.start_index, batch.count, f"{folder}/work"


@dsl.component(base_image=CPU, install_kfp_package=False)
def commit(folder: str, batch: int, functions: dsl.Input[dsl.Dataset], outcomes: dsl.Input[dsl.Dataset]) -> str:
    """Keep the batch's outcomes beside the earlier ones; returns the folder of all batches."""
    from intclass.components.shared.manifest import read_manifest
    from intclass.pipelines.growth import state

    next_index = read_manifest(functions.path).counts["next_index"]
    return state.commit(folder, batch, outcomes.path, next_index=next_index)


@dsl.component(base_image=CPU, install_kfp_package=False)
def publish(folder: str, examples: dsl.Input[dsl.Dataset], growth: float) -> bool:
    """Keep the examples as a version of the dataset; returns whether there are enough new ones to train again."""
    from intclass.components.shared.manifest import read_manifest
    from intclass.pipelines.growth import state

    num_examples = read_manifest(examples.path).counts["examples"]
    return state.publish(folder, examples.path, num_examples=num_examples, growth=growth)


@dsl.component(base_image=CPU, install_kfp_package=False)
def record_training(folder: str, model: dsl.Input[dsl.Model]) -> str:
    """Keep the model and note what it was trained on; returns its folder."""
    from intclass.pipelines.growth import state

    return state.record_training(folder, model.path)
