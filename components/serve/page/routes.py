"""The page's routes, and the headers under which its files travel."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from intclass.components.serve.page.answers import Answers
from intclass.components.serve.protocol import decode_v1

_INDEX: Final = "index.html"
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_METHODS: Final = ["GET", "HEAD"]
# Nothing from elsewhere, nothing inline, in no one's frame; an integrand in the address is told to no other site.
_HEADERS: Final = {
    "cache-control": "no-cache",  # that is: ask each time, which the ETag makes cheap
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True)
class Asset:
    """A file of the page, held in memory."""

    content: bytes
    media_type: str

    @property
    def etag(self) -> str:
        """Changes with the content."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'


def add_page(app: FastAPI, answers: Answers, live: Callable[[], Awaitable[dict[str, str]]]) -> None:
    """Add the page's routes; `live` is what `/` answers to those who ask for no page."""
    assets = _load_assets()

    async def root(request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return _sent(assets[_INDEX], request)
        return JSONResponse(await live(), headers={"vary": "accept"})

    async def asset(name: str, request: Request) -> Response:
        if name not in assets:
            raise HTTPException(404, "Not Found")
        return _sent(assets[name], request)

    async def about() -> Response:
        return JSONResponse(answers.about, headers=_HEADERS)

    async def answer(request: Request) -> Response:
        status, content = await answers.answer(decode_v1(await request.body()), dict(request.headers))
        return JSONResponse(content, status, _HEADERS | {"cache-control": "no-store"})

    app.api_route("/", methods=_METHODS)(root)
    app.get("/page/about")(about)
    app.post("/page/answer")(answer)
    app.api_route("/page/{name}", methods=_METHODS)(asset)


def _load_assets() -> dict[str, Asset]:
    folder = files(__package__)
    return {
        file.name: Asset(file.read_bytes(), _TYPES[kind])
        for file in folder.iterdir()
        if (kind := file.name.rpartition(".")[2]) in _TYPES
    }


def _sent(asset: Asset, request: Request) -> Response:
    headers = _HEADERS | {"etag": asset.etag, "vary": "accept"}
    known = request.headers.get("if-none-match", "")
    if asset.etag in (tag.strip().removeprefix("W/") for tag in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)
