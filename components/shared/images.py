"""The container images, by role: one folder each under `images/`.

The word python in each name keeps kfp.local from warning that a task's image may hold no Python.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

REGISTRY: Final = "ghcr.io/intclass"
TAG: Final = version("intclass")

CPU: Final = f"{REGISTRY}/intclass-python-cpu:{TAG}"  # generate, integrate, dataset: SymPy, FriCAS, no torch
TRAIN: Final = f"{REGISTRY}/intclass-python-train:{TAG}"  # finetune, tune, evaluate, a training's pods
LAUNCH: Final = f"{REGISTRY}/intclass-python-launch:{TAG}"  # distribute, reap: Kubernetes' clients, no torch
SERVE: Final = f"{REGISTRY}/intclass-python-serve:{TAG}"  # serve
