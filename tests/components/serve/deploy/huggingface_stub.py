"""A program that stands in for `python` in the image of KServe's Hugging Face runtime, which is not on PyPI.

It does with a sequence classifier what `huggingfaceserver/encoder_model.py` of KServe 0.21 does over V1: the tokenizer
and the model as they lie in the folder, text in, `--return_probabilities` out with four digits.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

KNOWN = {"model_name", "model_dir", "host", "task", "backend", "return_probabilities", "dtype", "disable_log_requests"}
OPTIONS = dict((word.removeprefix("--") + "=").split("=")[:2] for word in sys.argv[1:] if word.startswith("--"))
assert OPTIONS.keys() <= KNOWN, OPTIONS
assert OPTIONS["task"] == "sequence_classification"
tokenizer = AutoTokenizer.from_pretrained(OPTIONS["model_dir"], do_lower_case=True)
model = AutoModelForSequenceClassification.from_pretrained(OPTIONS["model_dir"], dtype=torch.float32).eval()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._send("{}")

    def do_POST(self) -> None:
        assert self.path == f"/v1/models/{OPTIONS['model_name']}:predict"
        texts = json.loads(self.rfile.read(int(self.headers["content-length"])))["instances"]
        tokens = tokenizer(texts, return_tensors="pt", padding=True, truncation=True)
        with torch.no_grad():
            rows = torch.softmax(model(**tokens, return_dict=True).logits, dim=-1)
        said = [{place: float(f"{value:.4f}") for place, value in enumerate(row.tolist())} for row in rows]
        self._send(json.dumps({"predictions": said}))

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, text: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(text.encode())


HTTPServer((OPTIONS["host"], 8080), Handler).serve_forever()
