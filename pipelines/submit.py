"""Sending a compiled pipeline to a Kubeflow Pipelines server: a version of it, and a run or a schedule of runs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from intclass.components.shared.errors import ConfigError, IntclassError
from intclass.components.shared.manifest import program_version
from intclass.pipelines.arguments import declared_parameters
from intclass.pipelines.compiling import COMPILED, INTEGRABILITY

_CRON_FIELDS: Final = 6


class SubmitError(IntclassError):
    """The Kubeflow Pipelines server could not be reached or refused the run."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What is to run, with which arguments, once or by a schedule.

    Attributes:
        compiled: The pipeline's YAML.
        pipeline: Its name on the server.
        arguments: Values of its parameters; the others have their defaults.
        experiment: What the run is filed under.
        run_name: The run's name; None makes one of pipeline and version.
        cron: When to start it again and again, as the server writes it: seconds, minutes, hours, day, month, weekday.
            Runs do not overlap, and what was missed is not made up for. None runs it once, now.
        pipeline_root: Where artifacts go; None leaves it to the server.
        service_account: Of the steps' pods; None leaves it to the server.
        namespace: On a server of many users.
    """

    compiled: Path = COMPILED
    pipeline: str = INTEGRABILITY
    arguments: Mapping[str, Any] = field(default_factory=dict)
    experiment: str = "intclass"
    run_name: str | None = None
    cron: str | None = None
    pipeline_root: str | None = None
    service_account: str | None = None
    namespace: str | None = None

    def __post_init__(self) -> None:
        if self.cron is not None and len(self.cron.split()) != _CRON_FIELDS:
            raise ConfigError(
                f"cron is '{self.cron}'; Kubeflow wants {_CRON_FIELDS} fields, seconds first: '0 0 2 * * *' is 2:00"
            )
        parameters = declared_parameters(self.compiled)
        missing = [
            name
            for name, parameter in parameters.items()
            if "defaultValue" not in parameter and name not in self.arguments
        ]
        if missing:
            raise ConfigError(f"{self.pipeline} has no default for {', '.join(missing)}: give --set {missing[0]}=...")

    @property
    def version(self) -> str:
        """Name of the pipeline's version: the git revision of the sources, and a digest of the YAML."""
        digest = hashlib.sha256(self.compiled.read_bytes()).hexdigest()[:8]
        return f"{git_revision() or program_version().replace(' ', '-')}-{digest}"


def git_revision() -> str | None:
    """The revision that these sources are checked out at, as 12 hex digits, or None for an installed package."""
    folder = Path(__file__).parent
    command = ["git", "-C", str(folder), "rev-parse", "--short=12", "HEAD"]
    tracked = ["git", "-C", str(folder), "ls-files", "--error-unmatch", Path(__file__).name]
    try:
        if subprocess.run(tracked, capture_output=True, check=False).returncode != 0:  # another project's repository
            return None
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def submit_pipeline(host: str, submission: Submission) -> str:
    """Upload the version where it is not there yet, start or schedule it; returns the address of its page.

    `host` is the server's address, for example http://localhost:8080 behind `kubectl port-forward`. Credentials are
    kfp's own (a token in the environment, in-cluster service account, or application default credentials).
    Raises SubmitError if the server does not answer or refuses.
    """
    with _explained(host):
        client = _connect(host, submission.namespace)
        pipeline_id, version_id = _upload(client, submission)
        experiment = client.create_experiment(submission.experiment, namespace=submission.namespace)
        common: dict[str, Any] = {
            "experiment_id": experiment.experiment_id,
            "job_name": submission.run_name or f"{submission.pipeline} {submission.version}",
            "pipeline_id": pipeline_id,
            "version_id": version_id,
            "params": dict(submission.arguments),
            "pipeline_root": submission.pipeline_root,
            "service_account": submission.service_account,
        }
        if submission.cron is None:
            return f"{host.rstrip('/')}/#/runs/details/{client.run_pipeline(**common).run_id}"
        # Seconds, minutes ...: a run that takes longer than the interval delays the next one.
        recurring = client.create_recurring_run(
            **common, cron_expression=submission.cron, max_concurrency=1, no_catchup=True
        )
        return f"{host.rstrip('/')}/#/recurringrun/details/{recurring.recurring_run_id}"


def _connect(host: str, namespace: str | None) -> Any:  # noqa: ANN401 - kfp is untyped
    import kfp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the client warns of servers older than 2.0 at every start
        return kfp.Client(host=host, namespace=namespace or "kubeflow")


def _upload(client: Any, submission: Submission) -> tuple[str, str]:  # noqa: ANN401
    """The identities of pipeline and version; what is there already is not sent again."""
    file, name, version = str(submission.compiled), submission.pipeline, submission.version
    pipeline_id = client.get_pipeline_id(name)
    if pipeline_id is None:
        pipeline_id = client.upload_pipeline(file, name, namespace=submission.namespace).pipeline_id
    predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": version}
    listed = client.list_pipeline_versions(pipeline_id, filter=json.dumps({"predicates": [predicate]}))
    for known in listed.pipeline_versions or []:
        return pipeline_id, known.pipeline_version_id
    uploaded = client.upload_pipeline_version(file, version, pipeline_id=pipeline_id)
    return pipeline_id, uploaded.pipeline_version_id


@contextlib.contextmanager
def _explained(host: str) -> Iterator[None]:
    """The client's errors as ours, and its advertisements off stdout."""
    from kfp_server_api.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123 - no path of ours
            yield
    except ApiException as error:
        raise SubmitError(f"{host}: refused: {error.status} {error.reason}: {error.body}") from error
    except (HTTPError, OSError) as error:
        raise SubmitError(f"{host}: no Kubeflow Pipelines server answers there: {error}") from error
    except ValueError as error:  # what the client itself finds wrong
        raise SubmitError(f"{host}: {error}") from error
