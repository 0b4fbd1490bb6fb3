"""Texts from users in a real browser: they are shown literally."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from fer_core.export.report import html_report
from tests.browser.conftest import WarmDashboard
from tests.conftest import SAMPLE
from tests.servers import running
from tests.sessions import HandMark, bump, session

TEXTS = [
    "**b** *i* __u__ `c` ~~s~~ snake_case_name.jpg",
    ":smile: :+1: :red[r] :material/home: :streamlit: :orange-badge[x] :small[y] :a:b:c:",
    "$x^2$ $$y$$ \\(z\\)",
    "https://evil.example WWW.evil.example a@b.example <https://x.y> mailto:a@b.c ftp://x",
    "![i](https://e.x/i.png) [l](http://e.x) [^1] [^1]: x [ ] todo",
    "<b>u</b> &lt;b&gt; &amp; &#65; <script>alert(1)</script> <!-- -->",
    "# h", "- item", "+ item", "1. one", "1) one", "> q", "    code", "---", "***", "===",
    "| a | b |", "a\n\n    code\n\n# h\n===", "| a | b |\n|---|---|\n| 1 | 2 |", "```\ncode\n```",
    "t\n---",
    "a -> b <- c -- d >= e <= f ~= g <-> h", "->", "\\", "a\\", "\\*", "1986\\. x", "end *",
    "2026. x", "1)", "-", "_x_ a_b _", "__init__.py", "=1+1", "+1 -2 @x",
    "'\"quotes\"' {x} #hash %20 12:30 C:\\new\\table", "שלום עולם", "**العائلة** (1)", "a\u202eb",
]  # fmt: skip

RIGHT_TO_LEFT = ["שלום", "العائلة", "שלום (2)", "a\u202eb"]

KINDS = ("stCaptionContainer", "stAlertContainer", "stMetricValue", "stHeading")


def script() -> None:
    """A page of its own, with every text in every kind of element that reads Markdown."""
    import streamlit as st

    from fer_core.ui.shared.widgets import plain
    from tests.browser.test_texts import RIGHT_TO_LEFT, TEXTS

    for number, text in enumerate(TEXTS):
        st.caption(f"S {plain(text)} E")
        st.error(plain(text))
        st.metric("number", plain(text))
        st.subheader(plain(text))
        st.radio("choice", [text], format_func=plain, key=f"radio_{number}")
    with st.container(key="beside"):
        for name in RIGHT_TO_LEFT:
            st.markdown(f"**{plain(name)}** · 30 frames")
    st.text("done")


class OnePage(WarmDashboard):
    """A server of that page alone."""

    def __init__(self, folder: Path) -> None:
        self.page = folder / "page.py"
        called = f"import sys\nsys.path.insert(0, {str(Path.cwd())!r})\n"
        self.page.write_text(f"{called}{inspect.getsource(script)}\nscript()\n")
        super().__init__(folder)

    def arguments(self) -> list[str]:
        _, _, *options = super().arguments()
        return ["run", str(self.page), *options]


@pytest.fixture
def page_of_texts(tmp_path: Path, chromium: Browser) -> Iterator[Page]:
    with running(OnePage(tmp_path)) as server:
        page = chromium.new_page()
        page.goto(server.url)
        expect(page.get_by_text("done", exact=True)).to_be_visible()
        yield page
        page.close()


def shown(element: Locator) -> str:
    """What a person reads, without what has no width."""
    return re.sub("[\u2060\u2068\u2069]", "", element.text_content() or "").strip()


def tags(element: Locator) -> set[str]:
    return set(re.findall(r"<(\w+)", element.inner_html())) - {
        "div",
        "p",
        "span",
        "h3",
        "svg",
        "path",
        "line",
    }


def test_no_text_is_markdown_wherever_it_stands(page_of_texts: Page):
    for kind in KINDS:
        elements = page_of_texts.locator(f'[data-testid="{kind}"]')
        expect(elements).to_have_count(len(TEXTS))
        for number, text in enumerate(TEXTS):
            wanted = " ".join(text.split())
            wanted = f"S {wanted} E" if kind == "stCaptionContainer" else wanted
            assert shown(elements.nth(number)) == wanted
            assert tags(elements.nth(number)) <= ({"button", "a"} if kind == "stHeading" else set())
    radios = page_of_texts.locator('[data-testid="stRadio"] [role="radiogroup"]')
    assert [shown(radios.nth(number)) for number in range(len(TEXTS))] == [
        " ".join(text.split()) for text in TEXTS
    ]
    assert (
        page_of_texts.locator("a[href^=http], a[href^=mailto], img[src*='e.x'], .katex").count()
        == 0
    )


LEFT_OF_WORDS = """line => {
  const range = document.createRange();
  const texts = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const at = text.data.indexOf("30");
    if (at < 0) continue;
    range.setStart(text, at);
    range.setEnd(text, at + 2);
    const number = range.getBoundingClientRect().left;
    range.setStart(text, text.data.indexOf("frames"));
    range.setEnd(text, text.data.length);
    const word = range.getBoundingClientRect().left;
    return [line.querySelector("strong").getBoundingClientRect().right, number, word];
  }
}"""


def test_what_follows_a_name_written_from_right_to_left_is_right_of_it(page_of_texts: Page):
    lines = page_of_texts.locator(".st-key-beside p")
    expect(lines).to_have_count(len(RIGHT_TO_LEFT))
    for line in lines.all():
        places = line.evaluate(LEFT_OF_WORDS)
        assert places == sorted(places), line.text_content()


def test_a_file_name_is_shown_as_it_is(open_page, tmp_path):
    name = "**b** :smile: $x$ [l](x) https:__evil.example <b>.jpg"
    (tmp_path / name).write_bytes(SAMPLE.read_bytes())
    page = open_page("/photo")
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(tmp_path / name)
    title = page.locator('[data-testid="stMarkdown"] strong', has_text="smile")
    expect(title).to_be_visible()
    assert shown(title) == name


def test_classes_and_marks_are_texts_in_charts(chromium: Browser, tmp_path: Path):
    labels = ("<b>x</b>", '<a href="https://evil.example">y</a>', "&lt;i&gt; $z$")
    table = session({1: bump(3.0)}, labels=labels)
    file = tmp_path / "report.html"
    marks = [HandMark(4.0, "<b>m</b>"), HandMark(6.0, "<i>n</i>", "<b>o</b>")]
    file.write_text(html_report(table, "<b>t</b>", {"Note": "<b>n</b>"}, {1: "<b>f</b>"}, marks))
    page = chromium.new_page()
    page.goto(file.as_uri())
    expect(page.locator(".chart .legendtext").first).to_be_visible()
    legend = [text or "" for text in page.locator(".chart .legendtext").all_text_contents()]
    assert set(labels) <= set(legend)
    assert page.locator(".chart svg a, .chart svg b, .chart svg i").count() == 0
    assert "<b>m</b>" in " ".join(page.locator(".annotation-text").all_text_contents())
    page.close()
