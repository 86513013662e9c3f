"""A GCS emulator on a free loopback port: prints its URL, serves the bucket `intclass`, ends when its input closes.

Writes and deletions that require a generation (`ifGenerationMatch`) are refused with 412 at another one, which the
emulator itself does not do. With --flaky every second request, beginning with the first, is answered 503, as an
overloaded service would.
"""

from __future__ import annotations

import functools
import itertools
import sys
import threading
from http import HTTPStatus
from http.server import HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gcp_storage_emulator.exceptions import NotFound
from gcp_storage_emulator.handlers.buckets import create_bucket
from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage

BUCKET = "intclass"


class PreconditionFailedError(Exception):
    pass


class ConditionalStorage(Storage):  # type: ignore[misc] # the emulator has no types
    """Refuses what the request's precondition forbids. The server handles one request at a time."""

    required: str | None = None

    def create_file(self, bucket: str, name: str, *arguments: Any, **options: Any) -> None:
        self._check(bucket, name)
        super().create_file(bucket, name, *arguments, **options)

    def delete_file(self, bucket: str, name: str) -> None:
        self._check(bucket, name)
        super().delete_file(bucket, name)

    def _check(self, bucket: str, name: str) -> None:
        try:
            present = self.get_file_obj(bucket, name)["generation"]
        except NotFound:
            present = "0"
        if self.required not in (None, present):
            raise PreconditionFailedError


class ConditionalHandler(RequestHandler):  # type: ignore[misc]
    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except PreconditionFailedError:
            self._refuse(HTTPStatus.PRECONDITION_FAILED)

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        [self.storage.required] = parse_qs(urlsplit(self.path).query).get("ifGenerationMatch", [None])
        return True

    def _refuse(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


class FlakyHandler(ConditionalHandler):
    requests = itertools.count()

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        if next(self.requests) % 2 == 0:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
            return False
        return True


def main() -> None:
    storage = ConditionalStorage(use_memory_fs=True)
    create_bucket(BUCKET, storage)
    handler = FlakyHandler if "--flaky" in sys.argv else ConditionalHandler
    server = HTTPServer(("127.0.0.1", 0), functools.partial(handler, storage))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
