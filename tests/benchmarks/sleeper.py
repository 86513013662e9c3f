"""What the replayed steps of speedup.py do. It imports nothing, so that its processes are there at once."""

import time
from typing import Any


class Sleeper:
    """Sleeps for as many seconds as it is told."""

    def perform(self, payload: dict[str, Any]) -> dict[str, Any]:
        time.sleep(payload["seconds"])
        return {}
