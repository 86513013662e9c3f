"""A program that stands in for `python` in an image: answers as `intclass serve` does, from a file beside the model.

Tests of rollouts start many servers; this one needs no torch. `answers.json` in the model folder maps integrands to
probabilities, `behaviour.json` may make it ill: `{"dies": "why"}`, or `{"errors_counted": 9}` for so many 5xx more in
its metrics at each look.
"""

from __future__ import annotations

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

OPTIONS = dict(word.removeprefix("--").split("=", 1) for word in sys.argv[1:] if word.startswith("--"))
FOLDER = Path(OPTIONS["model"])
ANSWERS = json.loads((FOLDER / "answers.json").read_text())
BEHAVIOUR = json.loads((FOLDER / "behaviour.json").read_text())
COUNTER = 'intclass_http_request_seconds_count{route="/v1/models/{model_name}:predict",status="%d"} %d\n'


class Handler(BaseHTTPRequestHandler):
    counted: ClassVar[dict[int, int]] = {200: 0, 500: 0}

    def do_GET(self) -> None:
        self.counted[500] += BEHAVIOUR.get("errors_counted", 0)
        self._send("".join(COUNTER % pair for pair in self.counted.items()) if self.path == "/metrics" else "{}")

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.counted[200] += 1
        self._send(json.dumps(_v1(asked) if "instances" in asked else _v2(asked)))

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, text: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(text.encode())


def _v1(asked: Any) -> Any:
    said = [{"integrand": text, "label": "?", "probability": ANSWERS[text]} for text in asked["instances"]]
    return {"predictions": said}


def _v2(asked: Any) -> Any:
    return {"outputs": [{"name": "probability", "data": [ANSWERS[text] for text in asked["inputs"][0]["data"]]}]}


if "dies" in BEHAVIOUR:
    sys.exit(BEHAVIOUR["dies"])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer((OPTIONS["host"], int(OPTIONS["port"])), Handler).serve_forever()
