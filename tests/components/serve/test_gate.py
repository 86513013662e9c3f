"""The door of the server, around a small application that echoes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI, Request

from intclass.components.serve.config import ServeConfig
from intclass.components.serve.gate import Gate


def _echo() -> FastAPI:
    app = FastAPI()

    @app.post("/echo/{name}")
    async def echo(name: str, request: Request) -> dict[str, str | None]:
        return {"body": (await request.body()).decode(), "id": request.headers.get("x-request-id")}

    @app.get("/free")
    async def free() -> str:
        return "free"

    return app


def _ask(
    requests: Callable[[httpx.AsyncClient], Awaitable[httpx.Response]], config: ServeConfig | None = None
) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(Gate(_echo(), config or ServeConfig()))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await requests(client)

    return asyncio.run(asked())


async def _pieces(*pieces: bytes, pause: float = 0.0) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(pause)


def test_the_body_comes_through_whole() -> None:
    response = _ask(lambda client: client.post("/echo/a", content=_pieces(b"x*", b"exp", b"(x)")))
    assert response.json()["body"] == "x*exp(x)"


def test_a_plain_request_id_is_kept_and_comes_back() -> None:
    response = _ask(lambda client: client.post("/echo/a", headers={"x-request-id": "run-7:3"}))
    assert response.json()["id"] == response.headers["x-request-id"] == "run-7:3"


@pytest.mark.parametrize("given", ["", "two words", "new\tline", "x" * 129, "id=1,status=200"])
def test_any_other_request_id_is_replaced(given: str) -> None:
    response = _ask(lambda client: client.post("/echo/a", headers={"x-request-id": given}))
    assert response.json()["id"] == response.headers["x-request-id"] != given
    assert len(response.headers["x-request-id"]) == 32


def test_a_declared_length_over_the_limit_is_refused_unread() -> None:
    response = _ask(lambda client: client.post("/echo/a", content=b"x" * 11), ServeConfig(max_body_bytes=10))
    assert response.status_code == 413
    assert response.json() == {"error": "the body has 11 bytes, but at most 10 are taken"}
    assert response.headers["x-request-id"]


def test_a_body_without_a_length_is_refused_where_it_grows_too_long() -> None:
    config = ServeConfig(max_body_bytes=10)
    response = _ask(lambda client: client.post("/echo/a", content=_pieces(*[b"xxxx"] * 3)), config)
    assert (response.status_code, response.json()["error"]) == (413, "the body has more than 10 bytes")


def test_a_body_as_long_as_the_limit_is_taken() -> None:
    response = _ask(lambda client: client.post("/echo/a", content=b"x" * 10), ServeConfig(max_body_bytes=10))
    assert response.json()["body"] == "x" * 10


def test_a_slow_body_is_refused() -> None:
    config = ServeConfig(body_seconds=0.05)
    response = _ask(lambda client: client.post("/echo/a", content=_pieces(b"x", b"x", pause=5)), config)
    assert (response.status_code, response.json()["error"]) == (408, "the body did not come within 0.05 s")


def test_a_compressed_body_is_refused() -> None:
    response = _ask(lambda client: client.post("/echo/a", content=b"x", headers={"content-encoding": "gzip"}))
    assert (response.status_code, response.json()["error"]) == (415, "send the body uncompressed")


def test_more_requests_than_the_limit_are_turned_away_while_probes_pass() -> None:
    codes: dict[str, int] = {}

    async def scenario(client: httpx.AsyncClient) -> httpx.Response:
        slow = asyncio.create_task(client.post("/echo/a", content=_pieces(b"x", b"y", pause=0.1)))
        await asyncio.sleep(0.02)
        codes["probe"] = (await client.get("/free")).status_code
        refused = await client.post("/echo/b", content=b"z")
        codes["slow"] = (await slow).status_code
        return refused

    response = _ask(scenario, ServeConfig(max_concurrent=1))
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    assert codes == {"probe": 200, "slow": 200}


def test_the_log_names_the_route_and_the_id_but_no_input(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="intclass.components.serve.gate"):
        _ask(lambda client: client.post("/echo/secret?q=secret", content=b"secret", headers={"x-request-id": "id-1"}))
        _ask(lambda client: client.get("/secret"))
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("id=id-1 POST /echo/{name} 200 ")
    assert "GET (none) 404" in second
    assert "secret" not in caplog.text
