"""A Kubernetes cluster for tests: the API on a loopback port, small controllers, pods as processes or containers.

    with Cluster(folder) as cluster:
        kubernetes.config.load_kube_config(str(cluster.kubeconfig))

What it does as the real thing: create, get, list, watch (from a resourceVersion, 410 when that has been forgotten),
update, the three kinds of patch, delete with propagation and grace, garbage collection by owner references, status as
a subresource, label and field selectors, pod logs with follow; bearer tokens, resource quotas, the error texts of the
API server. Custom objects are checked against the CRDs in tests/data/crds, built-in ones against the official client's
own models; unknown fields are refused, where a real server without `fieldValidation=Strict` drops or ignores them.
Controllers: PyTorchJob v1 (training operator 1.9), TrainJob (Trainer 2, with the runtime `torch-distributed`), Job
(batch/v1, indexed too), InferenceService (KServe 0.21, Standard and Knative), Experiment and Trial (Katib 0.19; every
algorithm draws at random). A pod's containers run as processes with
the manifest's own command, arguments and environment, or with `containers=True` as real containers of the manifest's
image with its user, rights and empty folders, by podman (tests/cluster/podman.py).

What it does not imitate:

- probes other than HTTP, init containers (but for the model that KServe's storage initializer fetches), resource limits
  (no container is ever out of memory), volumes other than emptyDir; where pods are processes, images (a test may give
  the containers of one another PATH), all volumes and security contexts, and a command must be a program of this
  machine
- DNS and pod networks: all pods share the loopback interface, on which those that say they listen have an address
  each, which `0.0.0.0` among their arguments becomes. An environment variable that is the name of a Service, with or
  without a port, becomes 127.0.0.1, and every job has a rendezvous port of its own instead of 23456 or 29400
- scheduling, but for GPUs, which a cluster has a number of; no priorities, preemption or node affinity
- rights (every valid token may do everything; what access reviews say is set by the test), admission webhooks, CEL
  rules and immutable fields
- strategic merge patch beyond what merge patch does, server-side apply, paging, the table format of kubectl, protobuf
- back-off between restarts: a container or pod is restarted at once
- of the controllers: gang scheduling, elastic scaling after the start (a job keeps its `replicas`), success policies,
  runtimePatches, JobSets (a TrainJob makes its pods itself), Deployments and Knative's own objects (an
  InferenceService makes its pods itself), autoscaling, KServe's own canaries of Standard mode
- Katib's algorithms, early stopping, resuming, collectors other than of stdout
- A new controller is a `Controller` with a `resource` and a `step`, listed in `Cluster`.
"""

from tests.cluster.cluster import Cluster
from tests.cluster.faults import Faults

__all__ = ["Cluster", "Faults"]
