"""What the page is made of, as the server sends it; how it behaves in a browser is in test_page_in_browser.py."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

ASSETS = {
    "page.css": "text/css; charset=utf-8",
    "main.js": "text/javascript; charset=utf-8",
    "tree.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def _ask(server: Any, integrand: str) -> dict[str, Any]:
    response = server.client.post("/page/answer", json={"integrand": integrand})
    assert response.status_code == 200, response.text
    content: dict[str, Any] = response.json()
    return content


def test_a_browser_gets_the_page_and_a_probe_gets_its_liveness(server: Any) -> None:
    page = server.client.get("/", headers=BROWSER)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>Will it integrate?</title>" in page.text
    for accept in ("*/*", "application/json"):
        probe = server.client.get("/", headers={"accept": accept})
        assert (probe.json(), probe.headers["vary"]) == ({"status": "alive"}, "accept")


def test_the_page_asks_for_nothing_from_elsewhere(server: Any) -> None:
    page = server.client.get("/", headers=BROWSER)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in policy
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert links
    assert all(link.startswith(("/page/", "#")) for link in links)
    for link in links:
        assert link.startswith("#") or server.client.get(link).status_code == 200
    assert not re.search(r"<style|<script>| style=| on[a-z]+=", page.text)  # the policy would stop them


@pytest.mark.parametrize(("name", "media_type"), ASSETS.items())
def test_files_have_their_type_and_come_once(server: Any, name: str, media_type: str) -> None:
    first = server.client.get(f"/page/{name}")
    assert (first.status_code, first.headers["content-type"]) == (200, media_type)
    again = server.client.get(f"/page/{name}", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    changed = server.client.get(f"/page/{name}", headers={"if-none-match": '"other"'})
    assert changed.content == first.content
    head = server.client.head(f"/page/{name}")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])


@pytest.mark.parametrize("name", ["routes.py", "__init__.py", "..%2fapp.py", "%2e%2e/%2e%2e/pyproject.toml", "nowhere"])
def test_nothing_else_is_sent(server: Any, name: str) -> None:
    assert server.client.get(f"/page/{name}").status_code == 404


def test_it_says_what_is_served(server: Any) -> None:
    about = server.client.get("/page/about").json()
    assert (about["model"], about["target"], about["positive"]) == ("intclass", "elementary", "elementary")
    assert about["solver"]["available"]
    assert about["solver"]["engines"] == ["sympy"]
    assert "Without FriCAS" in about["solver"]["note"]
    for pair in about["pairs"]:
        for member in pair["members"]:
            assert ElementTree.fromstring(member["mathml"]).tag == "math"


def test_an_answer_holds_all_that_is_shown(server: Any) -> None:
    answer = _ask(server, "2x*exp(x^2)/12")
    assert answer["latex"] == r"\frac{2 x e^{x^{2}}}{12}"
    assert answer["sympy"] == "2*x*exp(x**2)/12"
    assert answer["canonical"] == "x*exp(x**2)/6"
    assert ElementTree.fromstring(answer["integral"]).tag == "math"
    assert answer["tree"]["size"] == len(answer["tree"]["nodes"])
    assert answer["tree"]["nodes"][0] == ["div", 2]
    assert "solution" not in answer


def test_an_answer_says_what_v1_says(server: Any) -> None:
    [expected] = server.client.post("/v1/models/intclass:predict", json={"instances": ["sin(x)/x"]}).json()[
        "predictions"
    ]
    answer = _ask(server, "sin(x)/x")
    assert answer["probability"] == pytest.approx(expected["probability"], abs=1e-5)
    assert answer["label"] == expected["label"]


def test_an_integer_of_several_digits_is_one_node(server: Any) -> None:
    assert ["12", 0] in _ask(server, "x^12")["tree"]["nodes"]


def test_a_huge_tree_is_counted_but_not_drawn(server: Any) -> None:
    tree = _ask(server, "+".join(f"x^{power}" for power in range(2, 60)))["tree"]
    assert tree["size"] > 150
    assert tree["nodes"] == []


def test_the_record_counts_what_the_model_said_on_validation_functions(server: Any) -> None:
    record = _ask(server, "x^3*log(x)")["record"]
    assert re.match(
        r"Of the 12 functions rated most like this, \d+ had an elementary antiderivative\.", record["sentence"]
    )
    assert 0 <= record["low"] <= record["share"] <= record["high"] <= 1


@pytest.mark.parametrize(
    ("body", "error", "position"),
    [
        ({"integrand": "x*sin(y)"}, "unknown variable 'y'", 6),
        ({"integrand": ""}, "the expression is empty", None),
        ({"integrand": "9^9^9"}, "over the limit", None),
    ],
)
def test_what_is_no_expression_is_refused_with_its_place(
    server: Any, body: dict[str, Any], error: str, position: int | None
) -> None:
    response = server.client.post("/page/answer", json=body)
    assert response.status_code == 400
    assert error in response.json()["error"]
    if position is not None:
        assert response.json()["position"] == position


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"integrand": 1}',
        b'{"integrand": "x", "solve": 1}',
        b'{"integrand": "x", "also": 1}',
        b'{"integrand": ["x"]}',
    ],
)
def test_a_malformed_question_is_refused(server: Any, body: bytes) -> None:
    response = server.client.post("/page/answer", content=body)
    assert response.status_code == 400
    assert response.json()["error"]


@pytest.mark.parametrize(
    "text", ["__import__('os')", "<script>alert(1)</script>", "(" * 9_000, "x" * 50_000, "x\x00", "\u222b x"]
)
def test_hostile_text_is_refused(server: Any, text: str) -> None:
    response = server.client.post("/page/answer", json={"integrand": text})
    assert response.status_code == 400
    assert len(response.text) < 400
