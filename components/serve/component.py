"""The KFP face of serve."""

from kfp import dsl

from intclass.components.shared.images import SERVE


@dsl.component(base_image=SERVE, install_kfp_package=False)
def serve(
    model: dsl.Input[dsl.Model],
    answers: dsl.Output[dsl.Markdown],
    questions: list[str],
    launcher: str = "local",
    name: str = "intclass",
    namespace: str = "",
) -> None:
    """Serve the model, on this machine or on the cluster from now on, ask it the questions, write down its answers."""
    from intclass.components import serve as stage
    from intclass.components.serve.deploy import DeployConfig
    from intclass.components.shared.storage import write_text

    config = DeployConfig(name=name, namespace=namespace)
    rows = stage.launch(launcher, questions, folder=model.path, uri=model.uri, config=config)
    write_text(answers.path, stage.answers_table(rows))
    answers.metadata["answers"] = rows
