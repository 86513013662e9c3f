"""A GCS emulator on a free loopback port: prints its URL, serves the bucket `intclass`, ends when its input closes.

With --flaky every second request, beginning with the first, is answered 503, as an overloaded service would.
"""

from __future__ import annotations

import functools
import itertools
import sys
import threading
from http import HTTPStatus
from http.server import HTTPServer

from gcp_storage_emulator.handlers.buckets import create_bucket
from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage

BUCKET = "intclass"


class FlakyHandler(RequestHandler):  # type: ignore[misc] # the emulator has no types
    requests = itertools.count()

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        if next(self.requests) % 2 == 0:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(HTTPStatus.SERVICE_UNAVAILABLE)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False
        return True


def main() -> None:
    storage = Storage(use_memory_fs=True)
    create_bucket(BUCKET, storage)
    handler = FlakyHandler if "--flaky" in sys.argv else RequestHandler
    server = HTTPServer(("127.0.0.1", 0), functools.partial(handler, storage))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
