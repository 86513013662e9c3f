"""The KFP face of serve."""

from kfp import dsl

from intclass.components.shared.images import SERVE


@dsl.component(base_image=SERVE, install_kfp_package=False)
def serve(
    model: dsl.Input[dsl.Model],
    answers: dsl.Output[dsl.Markdown],
    questions: list[str],
) -> None:
    """Start the predictor on this machine, ask it the questions over HTTP, and write down its answers."""
    from intclass.components import serve as stage
    from intclass.components.shared.storage import write_text

    rows = stage.smoke_test(model.path, questions)
    write_text(answers.path, stage.answers_table(rows))
    answers.metadata["answers"] = rows
