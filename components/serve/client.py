"""A served model, tried: starts `intclass serve` as a process of its own, asks it over HTTP, and stops it.

httpx is imported where it is used, so that the command line need not load it to print its help.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from intclass.components.serve.command import MODULE, serve_arguments
from intclass.components.serve.config import ServeConfig
from intclass.components.shared.errors import ServingError

if TYPE_CHECKING:
    import httpx

READY_SECONDS: Final = 180.0
TOLERANCE: Final = 0.01  # the server may compute in bfloat16
_LOG_LINES = 5
_EXIT_SECONDS = 10  # for the process to end once its requests are done


@contextlib.contextmanager
def running_server(
    model: str | Path, config: ServeConfig | None = None, *, log_path: str | Path | None = None
) -> Iterator[str]:
    """The base URL of a ready server in a process of its own (without `config`: on a free loopback port).

    On leaving the server gets SIGTERM. Its log is gone with it, unless `log_path` says where to keep it. Raises
    ServingError if the server does not get ready, or does not stop with exit code 0.
    """
    config = config or ServeConfig(port=0)
    with tempfile.TemporaryDirectory(prefix="intclass-serve-") as scratch:
        log = Path(log_path or f"{scratch}/log")
        with start_server([sys.executable, "-m", MODULE, *serve_arguments(str(model), config)], log) as (process, url):
            wait_until_ready(process, url, log)
            yield url
            _stop(process, log, seconds=config.grace_seconds + config.drain_seconds + _EXIT_SECONDS)


def smoke_test(model: str | Path, integrands: Sequence[str]) -> list[dict[str, Any]]:
    """Serve the model on this machine for as long as it takes to `compare` its answers; returns them."""
    with running_server(model) as url:
        return compare(url, model, integrands)


def compare(url: str, model: str | Path, integrands: Sequence[str]) -> list[dict[str, Any]]:
    """A server's answers, for each integrand `integrand`, `canonical`, `label` and `probability`.

    Each is asked over V1 and V2 and held against the model itself, loaded here. Raises ServingError if they differ, or
    if the server refuses one.
    """
    from httpx import Client

    from intclass.components.finetune import Classifier

    def expected() -> list[float]:
        return [float(probability) for probability in Classifier.load(model).predict(list(integrands))]

    with Client(base_url=url, timeout=60, trust_env=False) as client:
        return hold_against(client, integrands, expected)


def hold_against(
    client: httpx.Client,
    integrands: Sequence[str],
    expected: Callable[[], Sequence[float]],
    *,
    model_name: str = "intclass",
) -> list[dict[str, Any]]:
    """A server's answers over V1 as `compare` returns them, if they and those over V2 are the expected probabilities.

    What is expected is asked for last: the server's reason for refusing an integrand comes before anybody else's.
    Raises ServingError if they differ, or if the server refuses an integrand.
    """
    answers = ask_v1(client, integrands, model_name=model_name)
    over_v2 = ask_v2(client, integrands, model_name=model_name)
    for answer, other, probability in zip(answers, over_v2, expected(), strict=True):
        said = (answer["probability"], other["probability"])
        if any(abs(value - probability) > TOLERANCE for value in said):
            over = f"{said[0]:.6f} over V1, {said[1]:.6f} over V2"
            raise ServingError(f"{answer['integrand']}: {over}, but the model says {probability:.6f}")
    return answers


def ask_v1(client: httpx.Client, integrands: Sequence[str], *, model_name: str = "intclass") -> list[dict[str, Any]]:
    """One dict for each integrand, over V1; raises ServingError with the server's reason."""
    return predict_v1(client, integrands, model_name=model_name)


def predict_v1(client: httpx.Client, texts: Sequence[str], *, model_name: str) -> list[dict[str, Any]]:
    """Any V1 server's predictions for texts; raises ServingError with its reason."""
    predictions: list[dict[str, Any]] = _post(client, f"/v1/models/{model_name}:predict", {"instances": list(texts)})[
        "predictions"
    ]
    return predictions


def ask_v2(client: httpx.Client, integrands: Sequence[str], *, model_name: str = "intclass") -> list[dict[str, Any]]:
    """One dict for each integrand, over V2 REST; raises ServingError with the server's reason."""
    texts = list(integrands)
    tensor = {"name": "integrand", "shape": [len(texts)], "datatype": "BYTES", "data": texts}
    outputs = _post(client, f"/v2/models/{model_name}/infer", {"inputs": [tensor]})["outputs"]
    columns = {"integrand": texts} | {output["name"]: output["data"] for output in outputs}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def answers_table(answers: Sequence[Mapping[str, Any]]) -> str:
    """The answers of `smoke_test` as a Markdown table."""
    rows = [f"| `{_cell(one['integrand'])}` | {one['label']} | {one['probability']:.3f} |" for one in answers]
    return "\n".join(["| integrand | label | probability |", "|---|---|---:|", *rows]) + "\n"


@contextlib.contextmanager
def start_server(command: list[str], log: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server's process and the address that its first line of output ends with; killed on leaving if it still runs.

    Its log, all that it writes to stderr, goes to a file. Raises ServingError if it ends without a word.
    """
    with (
        log.open("w") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()  # comes before the model is loaded, or never
            if not line:
                raise ServingError(f"the server did not start: {_last_lines(log)}")
            yield process, line.split()[-1]
        finally:
            process.kill()


def wait_until_ready(process: subprocess.Popen[str], url: str, log: Path) -> None:
    """Wait until the server predicts; raises ServingError, with the end of its log, if it does not get there."""
    import httpx

    deadline = time.monotonic() + READY_SECONDS
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise ServingError(f"the server did not get ready: {_last_lines(log)}")
            with contextlib.suppress(httpx.TransportError):  # nobody listens before the model is warm
                if client.get(f"{url}/v2/health/ready").is_success:
                    return
            time.sleep(0.05)
    raise ServingError(f"the server was not ready after {READY_SECONDS:g} s: {_last_lines(log)}")


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _stop(process: subprocess.Popen[str], log: Path, *, seconds: float) -> None:
    process.terminate()
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise ServingError(f"the server did not stop within {seconds:g} s: {_last_lines(log)}") from error
    if code != 0:
        raise ServingError(f"the server stopped with exit code {code}: {_last_lines(log)}")


def _post(client: httpx.Client, path: str, body: object) -> dict[str, Any]:
    response = client.post(path, json=body)
    if not response.is_success:
        raise ServingError(f"{path} answered {response.status_code}: {response.text[:500]}")
    content: dict[str, Any] = response.json()
    return content


def _last_lines(log: Path) -> str:
    lines = [line.strip() for line in log.read_text().splitlines() if line.strip()]
    return " / ".join(lines[-_LOG_LINES:]) or "nothing in its log"
