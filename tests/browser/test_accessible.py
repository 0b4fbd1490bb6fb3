"""WCAG 2.2 AA: axe-core finds no violation on any page, and all controls work by keyboard. In the
same states of the pages: every rule of the style sheet is for something."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urljoin

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from fer_core.server.auth.login_page import login_page
from tests.browser.states import STATES, drawn, wear
from tests.browser.test_live import until

LEVEL = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")

STREAMLITS: dict[str, dict[str, str]] = {}
"""What is Streamlit's own and cannot be mended here: by rule, the element and the reason."""


def violations(page: Page) -> list[str]:
    """What axe-core finds, a line each: the rule, the element, what is wrong."""
    options = {"runOnly": list(LEVEL), "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{rule['id']}: {target} {node['failureSummary'].splitlines()[-1].strip()} {node['html']}"
        for rule in found
        for node in rule["nodes"]
        if (target := " ".join(map(str, node["target"])))
        and not any(known in node["html"] for known in STREAMLITS.get(rule["id"], ()))
    ]


def selectors_without_a_match(page: Page) -> set[str]:
    """Those of the style sheet that match nothing on the page, hover and focus left aside."""
    found = page.evaluate(
        """() => {
          const rules = list => [...list].flatMap(rule => rule.selectorText
            ? [rule.selectorText] : rule.cssRules ? rules(rule.cssRules) : []);
          const ours = [...document.styleSheets]
            .filter(sheet => sheet.href?.endsWith('/assets/style.css'));
          if (ours.length !== 1) throw new Error(`${ours.length} style sheets of ours`);
          const plain = text => text.replace(/::?(before|after|hover)/g, '')
            .replace(/:focus-visible/g, ':enabled');
          return rules(ours[0].cssRules).filter(text => !document.querySelector(plain(text)));
        }"""
    )
    return set(found)


MOVED = "* { line-height: 1.5 !important; letter-spacing: 0.12em !important }"
"""What readers may ask of texts (WCAG 1.4.12); paragraphs move apart, too."""


def cut_texts(page: Page) -> list[str]:
    """Texts that are not seen as a whole, those left aside that end in an ellipsis."""
    found: list[str] = page.evaluate(
        """() => {
          const cut = (text, frame) => text.left < frame.left - 2 || text.right > frame.right + 2
            || text.top < frame.top - 2 || text.bottom > frame.bottom + 2;
          const hides = style => /hidden|clip/.test(style.overflow)
            && style.textOverflow !== 'ellipsis' && style.clipPath === 'none';
          const names = document.querySelectorAll('button, label, summary, h1, h2, h3, caption');
          const seen = {visibilityProperty: true, opacityProperty: true};
          return [...names].filter(each => {
            if (!each.checkVisibility(seen)) return false;
            const range = document.createRange();
            range.selectNodeContents(each.querySelector('p') ?? each);
            const text = range.getBoundingClientRect();
            for (let frame = each, up = 0; frame && up < 4; frame = frame.parentElement, up += 1) {
              if (hides(getComputedStyle(frame)) && cut(text, frame.getBoundingClientRect()))
                return true;
            }
            return false;
          }).map(each => each.outerHTML.slice(0, 300));
        }"""
    )
    return found


TARGETS = (
    "button, input[type=range], label:has(input[role=switch]), [data-testid=stRadioOption], summary"
)


def small_targets(page: Page) -> list[str]:
    """What is less than 24 pixels wide or high (WCAG 2.5.8), and not only for the keyboard."""
    found: list[str] = page.evaluate(
        """targets => [...document.querySelectorAll(targets)].filter(each => {
          const {width, height, left} = each.getBoundingClientRect();
          return each.checkVisibility({visibilityProperty: true, opacityProperty: true})
            && left > 0 && Math.min(width, height) > 2 && Math.min(width, height) < 23.5;
        }).map(each => each.outerHTML.slice(0, 300))""",
        TARGETS,
    )
    return found


def edges(page: Page) -> list[float]:
    """The contrast with the page of the edges of switches that are off, of radio buttons that are
    not chosen, and of fields."""
    found: list[float] = page.evaluate(
        """() => {
          const pen = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
          const luminance = colors => {
            pen.reset();
            for (const each of colors) { pen.fillStyle = each; pen.fillRect(0, 0, 1, 1); }
            const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).map(each =>
              each <= 10.31475 ? each / 255 / 12.92 : ((each / 255 + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
          };
          const app = document.querySelector('[data-testid=stApp]');
          const paper = getComputedStyle(app).backgroundColor;
          const color = style => style.boxShadow === 'none' ? style.borderTopColor
            : style.boxShadow.match(/^.*?\\)/)[0];
          const drawn = document.querySelectorAll(
            'label:has(input[role=switch]:not(:checked)) > div:first-of-type,'
            + '[data-testid=stRadioOption]:not([data-selected]) > div > div:first-child,'
            + '[data-testid=stTextInputRootElement], [data-testid=stNumberInputContainer]');
          return [...drawn].map(each => luminance([paper, color(getComputedStyle(each))]))
            .map(edge => [edge, luminance([paper])].sort((a, b) => b - a))
            .map(([lighter, darker]) => lighter / darker);
        }"""
    )
    return found


_unmatched: dict[str, set[str]] = {}
"""What ``selectors_without_a_match`` finds in the states that were brought about."""


def bring_about(page: Page, state: str, folder: Path) -> None:
    """Let the page be in this state."""
    path, act = STATES[state]
    page.goto(urljoin(page.url, path))
    act(page, folder)
    _unmatched[state] = selectors_without_a_match(page)


BY_KEYBOARD = ("overview", "photo, faces and an error", "models")


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_and_the_keyboard_everything(open_page, tmp_path: Path, state: str):
    page = open_page("/healthz", camera="none")
    bring_about(page, state, tmp_path)
    if state in BY_KEYBOARD:
        assert_the_keyboard_reaches_every_control_and_shows_where_it_is(page)
    found: list[str] = []
    themes: tuple[tuple[Literal["light", "dark"], int, int], ...]
    themes = (("light", 1280, 900), ("dark", 390, 844))
    for scheme, width, height in themes:
        wear(page, scheme)
        page.set_viewport_size({"width": width, "height": height})
        drawn(page)
        found += [f"{scheme}, {width} pixels: {each}" for each in violations(page)]
        found += [f"{width} pixels: too small: {each}" for each in small_targets(page)]
        assert all(contrast >= 3.0 for contrast in edges(page)), edges(page)
    for field in page.get_by_test_id("stPopoverBody").locator("input[type=number]").all():
        field.focus()
        assert focused(page)["ring"]
    page.add_style_tag(content=MOVED + "p { margin-bottom: 2em !important }")
    found += [f"cut: {each}" for each in cut_texts(page)]
    assert not found, "\n".join(found)


ELSEWHERE = {
    '[data-testid="stHtml"] .fer-button',  # test_auth.py
    '[data-testid="stElementContainer"][class*="_course"]',  # test_video.py
    '[class*="st-key-video_row_"]',  # test_video.py
}
"""Rules that match something on pages that other tests open, and check there."""


def test_every_rule_of_the_style_sheet_matches_something(open_page, tmp_path: Path):
    """An upgrade of Streamlit may rename what they hang on."""
    page = open_page("/healthz", camera="none")
    for state in STATES.keys() - _unmatched.keys():
        bring_about(page, state, tmp_path)
    # One of the states has saved a session.
    page.goto(urljoin(page.url, "/"))
    expect(page.locator(".fer-session").first).to_be_visible()
    assert_names_of_saved_sessions_are_read_on_a_tablet(page)
    assert selectors_without_a_match(page).intersection(*_unmatched.values()) == ELSEWHERE
    # One rule names the font of Streamlit's icons.
    families = page.evaluate("[...document.fonts].map(each => each.family).join()")
    assert "Material Symbols Rounded" in families


def assert_names_of_saved_sessions_are_read_on_a_tablet(page: Page) -> None:
    """Their column is narrow there, and what stands beside a name is longer than most names."""
    page.set_viewport_size({"width": 768, "height": 1024})
    name = page.locator(".fer-session").first
    name.evaluate("name => { name.textContent = 'Interview with Ada' }")
    assert name.evaluate("name => name.scrollWidth <= name.clientWidth")
    ribbon = page.locator(".fer-sessions .fer-ribbon").first.bounding_box()
    assert ribbon is not None
    assert ribbon["x"] + ribbon["width"] <= 768
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_page_with_the_password(chromium: Browser, scheme):
    page = chromium.new_page(color_scheme=scheme)
    shown = login_page(401, "This is not the password. Try again.")
    page.set_content(bytes(shown.body).decode())
    expect(page.get_by_label("Access password")).to_be_visible()
    assert violations(page) == []


def focused(page: Page) -> dict[str, object]:
    """What has the focus, and whether that can be seen: on itself, or on its label where the
    control itself is hidden."""
    found: dict[str, object] = page.evaluate(
        """() => {
          const element = document.activeElement, box = element.getBoundingClientRect();
          const hidden = Math.min(box.width, box.height) < 4
            || element.closest('[style*="clip"]') || getComputedStyle(element).opacity === '0';
          const style = getComputedStyle((hidden && element.closest('label')) || element);
          return {
            html: element.outerHTML.slice(0, 300),
            ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
            page: element === document.body,
          };
        }"""
    )
    return found


CONTROLS = "a[href], button, input, [role=switch], [role=tab], summary"


def assert_the_keyboard_reaches_every_control_and_shows_where_it_is(page: Page) -> None:
    until(page, lambda: controls_stayed_and_were_reached(page), "a page whose controls stay")


def controls_stayed_and_were_reached(page: Page) -> bool:
    """Walks through the page. False where it changed meanwhile: what came was not looked for."""
    first = page.get_by_text("Skip to main content")
    first.focus()
    wanted = page.evaluate(
        """controls => {
          document.querySelectorAll('[data-wanted]').forEach(each => delete each.dataset.wanted);
          const there = [...document.querySelectorAll(controls)].filter(each =>
            each.checkVisibility({visibilityProperty: true}) && !each.disabled
            && each.tabIndex >= 0);
          const radios = there.filter(each => each.type === 'radio');
          return there.filter(each => !radios.includes(each) || each.checked)
            .map((each, number) => { each.dataset.wanted = number; return number; });
        }""",
        CONTROLS,
    )
    assert len(wanted) > 8
    reached = {str(first.evaluate("element => element.dataset.wanted"))}
    for _ in range(len(wanted) + 40):
        page.keyboard.press("Tab")
        here = focused(page)
        if here["page"]:
            break
        assert here["ring"], here
        reached.add(str(page.evaluate("document.activeElement.dataset.wanted")))
    if page.locator("[data-wanted]").count() < len(wanted):
        return False
    missed = [each for each in wanted if str(each) not in reached]
    assert not missed, page.evaluate(
        "them => them.map(n => document.querySelector(`[data-wanted='${n}']`).outerHTML)", missed
    )
    return True


def test_who_wants_less_motion_gets_none(open_page):
    page = open_page("/live")
    page.get_by_role("button", name="Options").click()
    expect(page.get_by_test_id("stPopoverBody")).to_be_visible()
    drawn(page)
    # All that is on the page inherits this.
    page.evaluate("document.body.style.setProperty('letter-spacing', '3px')")
    assert page.evaluate("document.getAnimations().length") == 0


def test_the_first_tab_skips_the_navigation(open_page):
    page = open_page("/about", camera="none")
    expect(page.get_by_role("heading", name="About", exact=True)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stMain")).to_be_focused()


def test_each_page_is_told_apart_by_its_title(open_page):
    page = open_page("/about", camera="none")
    expect(page).to_have_title("About · FER Dashboard")
    for name in ("Overview", "Photo", "Live", "Video", "History", "Models"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page).to_have_title(f"{name} · FER Dashboard")
    page.go_back()
    expect(page).to_have_title("History · FER Dashboard")
