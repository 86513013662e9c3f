"""The KFP face of the reaper: the step at the end of every run."""

from kfp import dsl

from intclass.components.shared.images import LAUNCH


@dsl.component(base_image=LAUNCH, install_kfp_package=False)
def reap(launcher: str, run: str) -> None:
    """Delete the jobs on the cluster that this run has left unfinished, however it has ended."""
    from intclass.components.shared import kube

    if launcher == "kubernetes":
        print("\n".join(f"deleted {job}" for job in kube.reap_own(run)) or "nothing was left")  # noqa: T201
