"""The stage: a model folder becomes a service that answers as the model does."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TextIO

import yaml

from intclass.components.serve.config import ServeConfig
from intclass.components.serve.deploy.config import DeployConfig
from intclass.components.serve.deploy.golden import INTEGRANDS, Golden
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.kube import connect
from intclass.components.shared.manifest import is_complete, read_manifest
from intclass.components.shared.storage import is_remote, join, read_text

if TYPE_CHECKING:
    from intclass.components.serve.deploy.rollout import Site

TASK: Final = "deploy"
# A pod that is taken away answers on until load balancers have noticed.
GRACE: Final = ("--grace-seconds", "10")
OWN_MODEL_TYPES: Final = "intclass-"  # how the names of architectures begin that this project defines
DEPLOYED: Final = ServeConfig(grace_seconds=10.0)


def deploy(
    model: str,
    config: DeployConfig,
    *,
    serving: ServeConfig = DEPLOYED,
    questions: Sequence[str] = INTEGRANDS,
    run: str = "",
    stream: TextIO | None = None,
    poll_seconds: float = 2.0,
) -> list[dict[str, Any]]:
    """Serve the model below gs:// on the cluster, and return the service's answers to the questions.

    The right answers are computed here, from the model itself. A model that is served already is replaced step by step,
    and put back if the new one does not get ready, answers wrongly or fails too often. `run` is the run whose label the
    objects carry; empty takes the Workflow that this pod is a step of, if it is one. The service outlives its run.

    Raises ConfigError for what makes no sense, ClusterError if the service does not get ready or the cluster refuses
    it, ServingError if it answers wrongly. Exits with 143 after SIGTERM.
    """
    _check_model(model, config)
    with contextlib.closing(connect(config.namespace or None)) as connection:  # says so if there is no client
        from kubernetes.client.rest import ApiException

        from intclass.components.serve.deploy.rollout import Site, roll_out
        from intclass.components.shared.kube import own_run
        from intclass.components.shared.kube.objects import explain
        from intclass.components.shared.kube.termination import TerminatedError, sigterm_raised
        from intclass.components.shared.kube.workflow import find_workflow
        from intclass.components.shared.signals import EXIT_TERMINATED

        run = run or own_run(connection) or ""
        site = Site(
            connection=connection,
            golden=Golden.of(model, questions, config),
            stream=stream or sys.stdout,
            poll_seconds=poll_seconds,
            workflow=find_workflow(connection, run) if run else None,
        )
        wanted, budget = objects(model, config, serving=serving, run=run)
        try:
            with sigterm_raised():
                answers = roll_out(wanted, site)
                _put_budget(budget, site)
        except TerminatedError:
            raise SystemExit(EXIT_TERMINATED) from None
        except ApiException as error:
            raise explain(error, f"InferenceService {config.name}", connection.namespace) from error
        return answers


def objects(
    model: str, config: DeployConfig, *, serving: ServeConfig = DEPLOYED, run: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The InferenceService and the PodDisruptionBudget that `deploy` makes."""
    from intclass.components.serve.deploy.manifests import disruption_budget, inference_service
    from intclass.components.shared.kube.identity import MANAGED_LABELS, TASK_LABEL, Identity

    labels = Identity(run, TASK).labels if run else {**MANAGED_LABELS, TASK_LABEL: TASK}
    fingerprint = read_manifest(model).fingerprint
    service = inference_service(config, model, serving, fingerprint=fingerprint, labels=labels)
    return service, disruption_budget(config, labels)


def dry_run(model: str, config: DeployConfig, *, serving: ServeConfig = DEPLOYED, run: str = "") -> str:
    """What `deploy` makes, as YAML for `kubectl apply`; of the model only what says which one it is is read."""
    _check_model(model, config)
    return yaml.safe_dump_all(objects(model, config, serving=serving, run=run), sort_keys=False, width=110)


def _check_model(model: str, config: DeployConfig) -> None:
    if not is_remote(model):
        raise ConfigError(f"{model}: the pods fetch their model from gs://; copy the folder there first")
    if not is_complete(model):
        raise ConfigError(f"{model}: no model here: make one with `intclass finetune DATASET --out {model}`")
    if config.runtime == "huggingface":
        kind = json.loads(read_text(join(model, "config.json"))).get("model_type", "")
        if kind.startswith(OWN_MODEL_TYPES):
            raise ConfigError(
                f"{model}: KServe's Hugging Face runtime has the architectures of the transformers library, not "
                f"'{kind}': deploy it with the runtime intclass, or train with `--positions sequence`"
            )


def _put_budget(body: dict[str, Any], site: Site) -> None:
    from intclass.components.shared.kube.kinds import POD_DISRUPTION_BUDGET
    from intclass.components.shared.kube.objects import Jobs
    from intclass.components.shared.kube.workflow import owner_reference

    service = site.service(site.config.name).find()
    assert service is not None
    owners = [site.connection.client.sanitize_for_serialization(owner_reference(service))]
    budgets = Jobs(site.connection, POD_DISRUPTION_BUDGET)
    if budgets.create({**body, "metadata": {**body["metadata"], "ownerReferences": owners}}) is None:
        budgets.update(site.config.name, lambda found: {**found, "spec": body["spec"]})
