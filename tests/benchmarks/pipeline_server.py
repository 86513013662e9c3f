"""The rival of the serving benchmark: the first author's inference behind this project's own HTTP server.

Everything but the model's call is the server's own: the door, the parser with its limits, the protocols. The model is
called as the first author calls it: one `transformers.pipeline`, asked for each request when it comes.

    python tests/benchmarks/pipeline_server.py MODEL_FOLDER
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn
from transformers import pipeline

from intclass.components.serve.app import build_app
from intclass.components.serve.config import ServeConfig
from intclass.components.serve.predictor import Predictor, Question, Reply
from intclass.components.serve.protocol import Answer
from intclass.components.serve.server import _bind, _url


class PipelinePredictor(Predictor):
    """Answers with `transformers.pipeline`, one request after the other."""

    def load(self) -> bool:
        """Load the pipeline, and with the classifier what says which text the model reads."""
        super().load()
        self._pipeline = pipeline("text-classification", model=self._folder, tokenizer=self._folder, device="cpu")
        self._thread = ThreadPoolExecutor(1)
        return bool(self.ready)

    async def predict(self, question: Question, headers: Mapping[str, str] | None = None) -> Reply:
        """One call of the pipeline for the request's texts."""
        texts = list(self._classifier._texts([reading.prefix for reading in question.readings]))
        found: list[dict[str, Any]] = await asyncio.get_running_loop().run_in_executor(
            self._thread, self._pipeline, texts
        )
        positive = self._classifier.labels[1]
        return Reply(
            question,
            [
                Answer(
                    integrand,
                    reading.canonical,
                    one["label"],
                    one["score"] if one["label"] == positive else 1 - one["score"],
                )
                for integrand, reading, one in zip(question.asked.integrands, question.readings, found, strict=True)
            ],
        )


def main() -> None:
    """Serve the folder on a free port, whose address is the first line of the output."""
    config = ServeConfig(port=0, solvers=0)
    predictor = PipelinePredictor(sys.argv[1], config)
    listener = _bind(config.host, config.port)
    sys.stdout.write(f"serving on {_url(listener)}\n")
    sys.stdout.flush()
    predictor.load()
    uvicorn.Server(uvicorn.Config(build_app(predictor, config), access_log=False)).run([listener])


if __name__ == "__main__":
    main()
