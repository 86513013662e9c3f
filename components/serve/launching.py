"""Where the model of a pipeline run is served, to be asked the run's questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from intclass.components.serve.client import smoke_test
from intclass.components.shared.errors import ConfigError

if TYPE_CHECKING:
    from intclass.components.serve.deploy import DeployConfig

LAUNCHERS: Final = ("local", "kubernetes")


def launch(
    launcher: str, questions: Sequence[str], *, folder: str, uri: str, config: DeployConfig
) -> list[dict[str, Any]]:
    """The served model's answers: of a server that runs here meanwhile (`local`), or of the one that is deployed.

    `folder` is where the model lies for this process, `uri` where it lies for the cluster's pods. Raises ConfigError
    for another launcher, and what `smoke_test` and `deploy` raise.
    """
    if launcher not in LAUNCHERS:
        raise ConfigError(f"launcher is {launcher!r}; choose one of {', '.join(LAUNCHERS)}")
    if launcher == "local":
        return smoke_test(folder, questions)
    from intclass.components.serve.deploy import deploy

    return deploy(uri, config, questions=questions)
