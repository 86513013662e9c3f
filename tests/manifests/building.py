"""Building kustomizations, and the schemas that what comes out is checked against."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.cluster import schemas
from tests.cluster.resources import Resource

MANIFESTS = Path(__file__).parents[2] / "manifests"
KUBERNETES = "1.33"
# Custom resources without a schema in a PyPI package or in this repository: their structure is tested by hand.
UNSCHEMED = {"PodMonitoring", "ComputeClass", "ResourceFlavor", "ClusterQueue", "LocalQueue"}
# More CustomResourceDefinitions, such as Katib's, where a folder with them is named.
CRDS_VARIABLE = "INTCLASS_CRDS"

Object = dict[str, Any]


@cache
def build(folder: Path) -> tuple[Object, ...]:
    """The objects of a kustomization; skips the test where there is nothing to build it with."""
    if shutil.which("kubectl"):
        command = ["kubectl", "kustomize"]
    elif shutil.which("kustomize"):
        command = ["kustomize", "build"]
    else:
        pytest.skip("neither kubectl nor kustomize is installed: manifests are not built (apt-get install kubectl)")
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def check(thing: Object) -> None:
    """Raises or fails if the object does not follow its schema, strictly: an unknown field is an error."""
    group, _, version = thing["apiVersion"].rpartition("/")
    if re.fullmatch(r"(apps|batch|policy|)|.*\.k8s\.io", group) and not group.startswith("kueue"):
        kubernetes_validate.validate(thing, KUBERNETES, strict=True)
        return
    resource = Resource(group, version, f"{thing['kind'].lower()}s", thing["kind"])
    schema = schemas.crd_schema(resource) or _further_schema(resource)
    if schema is not None:
        causes = schemas.schema_causes(thing, schema)
        assert not causes, causes
        return
    assert thing["kind"] in UNSCHEMED | {"Experiment"}, f"no schema for {thing['apiVersion']} {thing['kind']}"


def _further_schema(resource: Resource) -> Any:
    folder = os.environ.get(CRDS_VARIABLE)
    path = Path(folder or ".", f"{resource.group}_{resource.plural}.yaml")
    if not folder or not path.exists():
        return None
    crd = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    [version] = [version for version in crd["spec"]["versions"] if version["name"] == resource.version]
    return schemas._strict(version["schema"]["openAPIV3Schema"])


def pod_specs(thing: Any) -> list[Object]:
    """All pod specifications in an object, at any depth."""
    if isinstance(thing, list):
        return [spec for item in thing for spec in pod_specs(item)]
    if not isinstance(thing, dict):
        return []
    own = [thing] if isinstance(thing.get("containers"), list) else []
    return [*own, *(spec for value in thing.values() for spec in pod_specs(value))]
