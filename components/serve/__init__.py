"""Serve: a KServe model server over a fine-tuned classifier, and a client that tries it."""

from intclass.components.serve.client import answers_table, ask_v1, ask_v2, compare, running_server, smoke_test
from intclass.components.serve.config import ServeConfig
from intclass.components.serve.launching import launch
from intclass.components.serve.server import serve

__all__ = [
    "ServeConfig",
    "answers_table",
    "ask_v1",
    "ask_v2",
    "compare",
    "launch",
    "running_server",
    "serve",
    "smoke_test",
]
