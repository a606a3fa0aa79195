"""Screenshots of the page's main states for docs/page/: ``make screens``."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import ViewportSize, sync_playwright
from socket_server import Served

from browser.conftest import ARGUMENTS, CHROMIUM, PHONE, ROOT, WIDE, ask
from rag.engine import Engine
from service.settings import Settings

FOLDER = ROOT / "docs" / "page"
QUESTION, FOLLOW_UP = "西部科学城引进了多少个科技创新基地?", "那新型研发机构呢?"
ABSENT = "青海湖的面积有多大?"


@contextmanager
def served() -> Iterator[str]:
    with TemporaryDirectory() as folder:
        engine = Engine.open(Path(folder))
        engine.build(ROOT / "seeds")
        with Served(engine, Settings(seeds_dir=ROOT / "seeds", vectors_dir=Path(folder))) as running:
            yield running.url
        engine.close()


def states(page: Any, url: str) -> Iterator[str]:
    """Brings the page into one state after the other; gives their names."""
    page.goto(url)
    page.wait_for_load_state("networkidle")
    yield "start"
    ask(page, QUESTION)
    turn = ask(page, FOLLOW_UP)
    yield "answer"
    turn.locator(".chip").first.click()
    page.locator("mark.lit").wait_for()
    yield "source"
    page.click("#source-close")
    ask(page, ABSENT)
    yield "refusal"
    page.click("#to-documents")
    page.locator("#list .document").first.wait_for()
    page.click("#update")
    page.get_by_text("索引已更新").wait_for()
    yield "documents"
    page.click("#add")
    yield "adding"


def main() -> None:
    """Take them all, light and dark, wide and on a phone."""
    if not CHROMIUM:
        sys.exit("Chromium is absent: install it (apt-get install chromium fonts-noto-cjk), or name it in CHROMIUM.")
    FOLDER.mkdir(exist_ok=True)
    with served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for width, viewport in (("wide", WIDE), ("phone", PHONE)):
            for scheme in ("light", "dark"):
                size = ViewportSize(width=viewport["width"], height=viewport["height"])
                context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
                page = context.new_page()
                for state in states(page, url):
                    page.wait_for_timeout(150)
                    page.screenshot(path=FOLDER / f"{state}-{width}-{scheme}.png")
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
