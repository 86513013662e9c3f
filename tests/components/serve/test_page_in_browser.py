"""The page as people meet it: in headless Chromium, against a running server, with nothing else on the network.

Needs the program `chromium` (Debian: `apt-get install chromium`); without it these tests are skipped, and say so.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from intclass.components.serve import ServeConfig, running_server

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PHONE: dict[str, Any] = {"viewport": {"width": 375, "height": 700}, "has_touch": True, "is_mobile": True}
SOLVE_MS = 60_000  # solvers stand back for everyone else on a busy machine
REFUSED = re.compile("Failed to load resource: the server responded with a status of 4(00|29)")  # Chromium notes each

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("NO BROWSER: the page is untested; `apt-get install chromium` brings one")
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=as_root)
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Browser, server: Any) -> Iterator[Open]:
    """Opens the page in a fresh profile; at the end, no error may have been raised and no other host asked."""
    origin = str(server.client.base_url).rstrip("/")
    faults: list[str] = []
    contexts = []

    def open_(path: str = "/", **options: Any) -> Page:
        context = browser.new_context(base_url=origin, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(origin) else faults.append(request.url))
        page.goto(path)
        page.wait_for_selector("body[data-ready]")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert [fault for fault in faults if not REFUSED.match(fault)] == []


def _field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Integrand")


def _status(page: Page) -> Any:
    return expect(page.get_by_role("status"))


def test_typing_sets_the_mathematics_the_tree_and_the_rating(open_page: Open) -> None:
    page = open_page()
    _field(page).press_sequentially("x*exp(x^2)/2")
    expect(page.locator("#integral mfrac msup").first).to_be_visible()
    expect(page.locator("#integral")).to_contain_text("∫")
    expect(page.get_by_role("img", name="nodes: div(mul(x, exp(pow(x, 2))), 2)")).to_be_visible()
    expect(page.get_by_role("meter")).to_have_attribute("aria-valuetext", re.compile(r"\d+ %"))
    expect(page.locator("#record")).to_contain_text("had an elementary antiderivative")
    page.get_by_text("How is this known?").click()
    expect(page.locator("#detail")).to_contain_text("validation functions")


def test_an_open_bracket_is_shown_closed_and_not_scolded_at_once(open_page: Open) -> None:
    page = open_page()
    _field(page).press_sequentially("sin(x^2")
    expect(page.locator("#integral")).to_contain_text("sin")
    expect(page.locator("#prediction")).to_be_hidden()
    expect(page.locator("#error")).to_contain_text("'(' is never closed")  # after a while
    _field(page).press(")")
    expect(page.locator("#error")).to_be_hidden()
    expect(page.locator("#prediction")).to_be_visible()


def test_enter_keeps_the_answer_in_the_address_and_the_history(open_page: Open) -> None:
    page = open_page()
    _field(page).fill("x + 1")
    page.keyboard.press("Enter")
    _status(page).to_contain_text("Of the 12 functions rated most like this")
    expect(page).to_have_url(re.compile(r"\?q=x\+%2B\+1$"))
    expect(page).to_have_title(re.compile("^x \\+ 1"))
    page.reload()
    page.wait_for_selector("body[data-ready]")
    expect(_field(page)).to_have_value("x + 1")
    expect(page.locator("#prediction")).to_be_visible()
    expect(page.locator("#history button")).to_have_count(1)


def test_it_integrates_and_shows_the_check(open_page: Open) -> None:
    page = open_page("/?q=x*exp(x%5E2)")
    _field(page).press("Control+Enter")
    expect(page.locator("#headline")).to_have_text("Integrated, and checked.", timeout=SOLVE_MS)
    expect(page.locator("#antiderivative math")).to_contain_text("C")
    expect(page.locator("#how")).to_contain_text("derivative equal at")
    expect(page.locator("#history small").first).to_have_text("elementary")
    _status(page).to_contain_text("exp(x**2)/2")
    _field(page).press_sequentially("+1")
    expect(page.locator("#finding")).to_be_hidden()  # it spoke of another integrand


def test_it_shows_the_proof_that_there_is_none_with_its_source(open_page: Open) -> None:
    page = open_page()
    page.locator("#pairs").get_by_role("button", name="exp(x^2)", exact=True).click()
    expect(_field(page)).to_have_value("exp(x^2)")
    page.get_by_role("button", name="Integrate").click()
    expect(page.locator("#headline")).to_have_text("It has no elementary antiderivative.", timeout=SOLVE_MS)
    expect(page.locator("#how")).to_contain_text("has no rational solution")
    expect(page.locator("#source")).to_contain_text("Rosenlicht")
    expect(page.locator("#antiderivative")).to_be_hidden()


def test_an_error_says_what_is_wrong_and_where(open_page: Open) -> None:
    page = open_page()
    _field(page).fill("  x*sin(y)")
    page.keyboard.press("Enter")
    expect(page.locator("#error")).to_contain_text("Unknown variable 'y'")
    expect(page.locator("#error mark")).to_have_text("y")
    expect(_field(page)).to_have_attribute("aria-invalid", "true")
    _status(page).to_contain_text("unknown variable 'y'")
    _field(page).fill("")
    page.keyboard.press("Enter")
    expect(page.locator("#error")).to_have_text("Type an integrand first.")


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "x'\"><script>alert(1)</script>"])
def test_text_from_the_address_stays_text(open_page: Open, text: str) -> None:
    page = open_page()
    page.goto(f"/?q={text}")
    expect(page.locator("#error code")).to_have_text(text)
    assert page.locator("#error img, #error script").count() == 0


def test_a_late_answer_does_not_overtake(open_page: Open) -> None:
    page = open_page()
    held: list[Route] = []
    page.route(
        "**/page/answer",
        lambda route: held.append(route) if "sin" in str(route.request.post_data) else route.continue_(),
    )
    _field(page).fill("sin(x)")
    page.wait_for_function("() => document.querySelector('#stage').classList.contains('stale')")
    page.wait_for_timeout(300)
    _field(page).fill("log(x)")
    expect(page.locator("#integral")).to_contain_text("ln")
    assert len(held) == 1
    assert held[0].request.failure is not None  # the page let go of it


def test_a_server_that_is_gone_is_named(open_page: Open) -> None:
    page = open_page()
    page.route("**/page/answer", lambda route: route.fulfill(status=429, json={"error": "the solvers are busy"}))
    _field(page).fill("x")
    page.keyboard.press("Enter")
    expect(page.locator("#error")).to_have_text("The solvers are busy")


def test_the_history_brings_integrands_back(open_page: Open) -> None:
    page = open_page()
    for text in ("x^2", "sin(x)"):
        _field(page).fill(text)
        page.keyboard.press("Enter")
        expect(page.locator("#history code").first).to_have_text(text)
    page.locator("#history").get_by_role("button", name="x^2").click()
    expect(_field(page)).to_have_value("x^2")
    expect(page.locator("#history code")).to_have_text(["x^2", "sin(x)"])
    _field(page).press("ArrowUp")
    _field(page).press("ArrowUp")
    expect(_field(page)).to_have_value("sin(x)")
    page.get_by_role("button", name="Clear history").click()
    expect(page.locator("#past")).to_be_hidden()
    page.reload()
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("#prediction")).to_be_visible()
    expect(page.locator("#past")).to_be_hidden()


def test_it_copies_latex_sympy_and_a_link(open_page: Open, server: Any) -> None:
    page = open_page("/?q=2x%5E2", permissions=["clipboard-read", "clipboard-write"])
    expected = {"Copy LaTeX": "2 x^{2}", "Copy SymPy": "2*x**2", "Copy link": f"{server.client.base_url}/?q=2x%5E2"}
    for name, text in expected.items():
        page.locator(".below").get_by_role("button", name=name).click()
        _status(page).to_have_text("Copied.")
        assert page.evaluate("navigator.clipboard.readText()") == text


def test_it_copies_where_the_page_did_not_come_over_https(open_page: Open) -> None:
    page = open_page("/?q=x%5E2", permissions=["clipboard-read", "clipboard-write"])
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.get_by_role("button", name="Copy SymPy").first.click()
    _status(page).to_have_text("Copied.")
    _field(page).fill("")
    page.keyboard.press("Control+V")
    expect(_field(page)).to_have_value("x**2")


def test_the_keyboard_reaches_everything_and_focus_is_seen(open_page: Open) -> None:
    page = open_page()
    page.locator("#theme").focus()
    page.keyboard.press("/")
    expect(_field(page)).to_be_focused()
    page.keyboard.type("cos(x)")
    page.keyboard.press("Enter")
    expect(page.locator("#prediction")).to_be_visible()
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert [name.split(" ")[0] for name in reached][:5] == ["predict", "Copy", "Copy", "Copy", "How"]
    assert "solve" in reached


@pytest.mark.parametrize(("scheme", "other"), [("light", "dark"), ("dark", "light")])
def test_it_follows_the_systems_colours_and_the_switch_stays(open_page: Open, scheme: Any, other: str) -> None:
    page = open_page(color_scheme=scheme)
    luminance = "parseInt(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]) > 127 ? 'light' : 'dark'"
    assert page.evaluate(luminance) == scheme
    page.get_by_role("button", name=f"Use {other} colours").click()
    assert page.evaluate(luminance) == other
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.evaluate(luminance) == other


def test_a_phone_needs_no_sideways_scrolling(open_page: Open) -> None:
    page = open_page(**PHONE)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) == 0
    expect(page.get_by_role("toolbar", name="Symbols")).to_be_visible()
    page.get_by_role("button", name="sin(", exact=True).tap()
    expect(_field(page)).to_have_value("sin(")
    long = "+".join(f"sin({number}*x)*exp(x^{number})" for number in range(1, 12))
    _field(page).fill(long)
    page.get_by_role("button", name="Predict").tap()
    expect(page.locator("#history code")).to_have_text(long)
    assert page.evaluate(overflow) == 0
    _field(page).fill(long + "+" + "y" * 80)
    page.get_by_role("button", name="Predict").tap()
    expect(page.locator("#error")).to_be_visible()
    assert page.evaluate(overflow) == 0
    small = page.evaluate(
        "[...document.querySelectorAll('button')].filter((b) => b.offsetParent && b.offsetHeight < 44).map((b) => b.id)"
    )
    assert small == []  # of the size of a fingertip


CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgb = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (parts) => {
    const [r, g, b] = parts.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest(".unseen, .stale, svg, :disabled")) continue;
    const behind = [];
    for (let at = element; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const style = getComputedStyle(element);
    const [a, b] = [light(rgb(behind)), light(rgb([...behind, style.color]))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${element.tagName} ${element.id} ${element.textContent.slice(0, 20)}: ${ratio}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(open_page: Open, scheme: Any) -> None:
    page = open_page("/?q=x%5E2", color_scheme=scheme)
    expect(page.locator("#prediction")).to_be_visible()
    page.evaluate("import('/page/view.js').then((view) => view.showError('Wrong', 'x+y', 2))")
    expect(page.locator("#error")).to_be_visible()
    assert page.evaluate(CONTRASTS) == []


def test_everything_has_a_name_and_a_place_for_those_who_listen(open_page: Open) -> None:
    page = open_page("/?q=x%5E2")
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, input, a, [role=img], [role=group], [role=meter], section')].filter("
        "(e) => !(e.ariaLabel || e.getAttribute('aria-labelledby') || e.labels?.length || e.textContent.trim()))"
        ".map((e) => e.outerHTML)"
    )
    assert nameless == []
    references = page.evaluate(
        "[...document.querySelectorAll('[aria-labelledby], [aria-describedby], label[for]')].flatMap((e) =>"
        " (e.getAttribute('aria-labelledby') ?? e.getAttribute('aria-describedby') ?? e.htmlFor).split(' '))"
        ".filter((id) => !document.getElementById(id))"
    )
    assert references == []
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((h) => h.tagName)")
    assert levels[0] == "H1"
    assert set(levels[1:]) == {"H2"}
    assert page.evaluate("document.documentElement.lang") == "en"
    expect(page.get_by_role("status")).to_have_attribute("aria-live", "polite")
    for role in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)


@pytest.mark.slow
def test_a_server_without_solvers_says_so_and_still_predicts(browser: Browser, model: Path) -> None:
    with running_server(model, ServeConfig(port=0, solvers=0)) as url:
        page = browser.new_page(base_url=url)
        page.goto("/?q=x")
        expect(page.locator("#prediction")).to_be_visible()
        expect(page.get_by_role("button", name="Integrate")).to_be_disabled()
        expect(page.locator("#solver")).to_contain_text("predicts only")
        page.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"), [("desktop", {"viewport": {"width": 1280, "height": 900}}), ("phone", PHONE)]
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_screenshots(open_page: Open, tmp_path: Path, name: str, options: dict[str, Any], scheme: Any) -> None:
    """For eyes: the folder is PAGE_SCREENSHOTS, if that is set."""
    page = open_page("/?q=x*exp(x%5E2)", color_scheme=scheme, **options)
    page.get_by_role("button", name="Integrate").click()
    expect(page.locator("#headline")).to_be_visible(timeout=SOLVE_MS)
    folder = Path(os.environ.get("PAGE_SCREENSHOTS", tmp_path))
    picture = page.screenshot(path=folder / f"{name}-{scheme}.png", full_page=True)
    assert len(picture) > 20_000  # something is drawn
