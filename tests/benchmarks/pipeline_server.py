"""The rival of the serving benchmark: the first author's inference behind this project's own HTTP server.

Everything but the model's call is the server's own: the door, the parser with its limits, the protocols, the workers.
The model is called as the first author calls it: one `transformers.pipeline`, asked for each request when it comes.

    python tests/benchmarks/pipeline_server.py MODEL_FOLDER [WORKERS]
"""

from __future__ import annotations

import sys
from typing import Any

from starlette.types import ASGIApp
from transformers import pipeline

from intclass.components.serve.app import load_app
from intclass.components.serve.config import ServeConfig
from intclass.components.serve.predictor import Predictor
from intclass.components.serve.server import announce, bind, run_app


class PipelinePredictor(Predictor):
    """Answers with `transformers.pipeline`, one request after the other."""

    def load(self) -> bool:
        """Load the pipeline, and with the classifier what says which text the model reads."""
        super().load()
        self._pipeline = pipeline("text-classification", model=self._folder, tokenizer=self._folder, device="cpu")
        return bool(self.ready)

    def probabilities(self, prefixes: list[str]) -> list[float]:
        """One call of the pipeline."""
        found: list[dict[str, Any]] = self._pipeline(list(self.classifier.texts(prefixes)))
        positive = self.classifier.labels[1]
        return [one["score"] if one["label"] == positive else 1 - one["score"] for one in found]


def load(folder: str, config: ServeConfig) -> ASGIApp:
    """What a worker serves."""
    return load_app(PipelinePredictor(folder, config), config)


def main() -> None:
    """Serve the folder on a free port, whose address is the first line of the output."""
    folder, workers = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    config = ServeConfig(port=0, solvers=0, workers=workers, batch_size=1)
    with bind(config.host, config.port) as listener:
        announce("serving", listener)
        run_app(load, folder, config, listener)


if __name__ == "__main__":
    main()
