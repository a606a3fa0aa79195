"""Screenshots of the page's main states for docs/page/: ``make screens``."""

import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
def served(seeds: Path = ROOT / "seeds", pause: float = 0.0, **settings: Any) -> Iterator[str]:
    """A service; long work in it takes ``pause`` seconds longer for each document."""
    with TemporaryDirectory() as folder:
        engine = Engine.open(Path(folder))
        engine.build(seeds)
        engine.polite(lambda: time.sleep(pause))
        with Served(engine, Settings(seeds_dir=seeds, vectors_dir=Path(folder), **settings)) as running:
            yield running.url
        engine.close()


@contextmanager
def notices() -> Iterator[Path]:
    """The article and so many made-up texts that a rebuild takes a while."""
    with TemporaryDirectory() as folder:
        seeds = Path(folder)
        shutil.copytree(ROOT / "seeds", seeds, dirs_exist_ok=True)
        for number in range(1, 300):
            text = f"关于第{number}号工地复工的通知\n\n第{number}号工地自下月{1 + number % 28}日起复工。\n"
            (seeds / f"通知{number:03}.txt").write_text(text, encoding="utf-8")
        yield seeds


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
    page.keyboard.press("Escape")
    page.click("#to-ask")
    page.context.set_offline(True)
    ask(page, QUESTION)
    page.locator(".turn").last.scroll_into_view_if_needed()
    yield "offline"


def rebuilding(page: Any, url: str) -> Iterator[str]:
    """The bar in the middle of its work."""
    page.goto(f"{url}/#documents")
    page.click("#full")
    page.locator("#job-detail", has_text=re.compile(r"1\d\d / 300 篇")).wait_for()
    yield "rebuilding"
    page.click("#job-cancel")
    page.get_by_text("已取消").wait_for()


def key(page: Any, url: str) -> Iterator[str]:
    """A service that wants a key, asked once with a wrong one."""
    page.goto(url)
    page.fill("#key", "wrong-key")
    page.press("#key", "Enter")
    page.get_by_text("这个密钥不对").wait_for()
    yield "key"


def main() -> None:
    """Take them all, light and dark, wide and on a phone."""
    if not CHROMIUM:
        sys.exit("Chromium is absent: install it (apt-get install chromium fonts-noto-cjk), or name it in CHROMIUM.")
    FOLDER.mkdir(exist_ok=True)
    with ExitStack() as stack:
        begin = stack.enter_context
        shown = [
            (states, begin(served())),
            (rebuilding, begin(served(begin(notices()), pause=0.02))),
            (key, begin(served(api_keys=("reader:read:the-key-of-a-reader",)))),
        ]
        browser = begin(sync_playwright()).chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for width, viewport in (("wide", WIDE), ("phone", PHONE)):
            for scheme in ("light", "dark"):
                for play, url in shown:
                    size = ViewportSize(width=viewport["width"], height=viewport["height"])
                    context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
                    page = context.new_page()
                    for state in play(page, url):
                        page.wait_for_timeout(150)
                        page.screenshot(path=FOLDER / f"{state}-{width}-{scheme}.png")
                    context.close()
        browser.close()


if __name__ == "__main__":
    main()
