"""One shard among many: tried again after errors that may pass, and given up rather than taking the others along."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Final

from intclass.components.integrate._functions import fingerprint_input
from intclass.components.integrate.config import IntegrateConfig
from intclass.components.integrate.labelling import STAGE, integrate
from intclass.components.shared.errors import ConfigError, EngineUnavailableError, RecordsError
from intclass.components.shared.failure import Failure, write_failure

ATTEMPTS: Final = 3
PAUSE_SECONDS: Final = 10.0

_EVERY_SHARDS = (ConfigError, EngineUnavailableError, RecordsError)  # these would meet every shard, and every attempt

_log = logging.getLogger(__name__)


def integrate_shard(
    functions: str | Path, out: str | Path, config: IntegrateConfig, *, may_fail: bool = False
) -> dict[str, int]:
    """`integrate` in ATTEMPTS attempts, each going on where the one before it stopped; returns the manifest's counts.

    Kubeflow fails a loop with its first failing iteration, and what collects the loop's outputs does not run
    (kubeflow/pipelines, issue 7330). So a shard that `may_fail` ends well in any case: after the last attempt it
    leaves `failed.json` in the folder `out` and returns `{"failed_shards": 1}`. Who reads the shards decides whether
    there are enough of them.

    Raises the last attempt's error if the shard must not fail; at once ConfigError, EngineUnavailableError and
    RecordsError, which are no single shard's.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return dict(integrate(functions, out, config).counts)
        except _EVERY_SHARDS:
            raise
        except Exception as error:  # whatever it is, other shards go on
            if attempt < ATTEMPTS:
                _log.warning("attempt %d of %d failed", attempt, ATTEMPTS, exc_info=True)
                time.sleep(PAUSE_SECONDS)
                continue
            if not may_fail:
                raise
            _give_up(functions, out, config, error)
    return {"failed_shards": 1}


def _give_up(functions: str | Path, out: str | Path, config: IntegrateConfig, error: Exception) -> None:
    _log.error("%s is given up after %d attempts", config.shard_name, ATTEMPTS, exc_info=error)
    failure = Failure(
        stage=STAGE,
        config=config.record(),
        inputs={"functions": fingerprint_input(functions)},
        error=f"{type(error).__name__}: {error}",
        attempts=ATTEMPTS,
    )
    write_failure(out, failure)
