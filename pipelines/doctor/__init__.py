"""Whether a cluster is ready for the first run, and what to do where it is not."""

from intclass.pipelines.doctor.finding import Finding

__all__ = ["Finding"]
