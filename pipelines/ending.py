"""A last step that runs however a pipeline ends.

dsl.ExitHandler would do, but a pipeline may return nothing from inside one. It compiles to what is made here too: a
task that holds all the others, and one behind it that ignores its failure (an exit hook of the Argo Workflow).
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from kfp import dsl


def with_last_step(
    story: Callable[..., Any],
    last: Callable[[dict[str, Any]], Any],
    **settings: Any,  # noqa: ANN401 - handed through to kfp
) -> dsl.base_component.BaseComponent:
    """The pipeline of the function, followed by the task that `last` makes of the pipeline's arguments.

    `story` returns a NamedTuple of outputs, which are the pipeline's; `settings` are dsl.pipeline's.
    """
    signature = inspect.signature(story)
    inner = dsl.pipeline(name="stages")(story)

    @functools.wraps(story)
    def outer(*values: Any) -> Any:  # noqa: ANN401 - kfp's own placeholders
        arguments = dict(zip(signature.parameters, values, strict=True))
        stages = inner(**arguments)
        last(arguments).after(stages).ignore_upstream_failure()
        return signature.return_annotation(**stages.outputs)

    return dsl.pipeline(**settings)(outer)
