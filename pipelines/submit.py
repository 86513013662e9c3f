"""Sending the compiled pipeline to a Kubeflow Pipelines server."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from intclass.components.shared.errors import IntclassError
from intclass.pipelines.compiling import COMPILED


class SubmitError(IntclassError):
    """The Kubeflow Pipelines server could not be reached or refused the run."""


def submit_run(
    host: str, arguments: Mapping[str, Any], *, experiment: str = "intclass", run_name: str | None = None
) -> str:
    """Start a run of the committed YAML; returns the address of the run's page.

    `host` is the server's address, for example http://localhost:8080 behind `kubectl port-forward`. Credentials are
    kfp's own (a token in the environment, in-cluster service account, or application default credentials).
    Raises SubmitError if the server does not answer or refuses.
    """
    import kfp
    from kfp_server_api.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the client warns of servers older than 2.0 at every start
            client = kfp.Client(host=host)
        run = client.create_run_from_pipeline_package(
            str(COMPILED), arguments=dict(arguments), run_name=run_name, experiment_name=experiment
        )
    except ApiException as error:
        raise SubmitError(f"{host}: refused: {error.status} {error.reason}: {error.body}") from error
    except (HTTPError, OSError) as error:
        raise SubmitError(f"{host}: no Kubeflow Pipelines server answers there: {error}") from error
    return f"{host.rstrip('/')}/#/runs/details/{run.run_id}"
