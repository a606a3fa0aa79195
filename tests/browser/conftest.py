"""The page in a real browser: Debian's Chromium, driven by Playwright, on a service with the real engine."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from socket_server import Served

from rag.engine import Engine
from rag.types import Document
from service.settings import Settings

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is absent: pip install playwright")
ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}

Serve = Callable[..., Served]
Visit = Callable[..., Any]


@pytest.fixture(scope="package")  # no longer: while Playwright is there, asyncio cannot run for other tests
def chromium() -> Iterator[Any]:
    if not CHROMIUM:
        pytest.skip("Chromium is absent: apt-get install chromium fonts-noto-cjk, or name it in CHROMIUM")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts services with the article of ``seeds/`` or the given documents, and ends them."""
    with ExitStack() as stack:

        def start(documents: list[Document] | None = None, *, port: int = 0, **settings: Any) -> Served:
            seeds, vectors = settings.pop("seeds_dir", ROOT / "seeds"), tmp_path / "vectors"
            engine = Engine.open(vectors)
            stack.callback(engine.close)
            if documents is None:
                engine.build(seeds)
            elif documents:
                engine.add(documents)
            return stack.enter_context(
                Served(engine, Settings(seeds_dir=seeds, vectors_dir=vectors, **settings), port=port)
            )

        yield start


@pytest.fixture
def visit(chromium: Any) -> Iterator[Visit]:
    """Opens pages; in the end nothing may have been asked of another origin and no script have failed."""
    with ExitStack() as stack:

        def page(url: str, viewport: dict[str, int] = WIDE, **options: Any) -> Any:
            context = chromium.new_context(viewport=viewport, accept_downloads=True, **options)
            stack.callback(context.close)
            context.set_default_timeout(15_000)
            opened = context.new_page()
            origin = "/".join(url.split("/")[:3])
            asked: list[str] = []
            failed: list[str] = []
            context.on("request", lambda request: asked.append(request.url))
            opened.on("pageerror", lambda error: failed.append(str(error)))

            def refuse(dialog: Any) -> None:
                failed.append(f"dialog {dialog.message}")
                dialog.dismiss()

            opened.on("dialog", refuse)

            def judge() -> None:
                foreign = [each for each in asked if not each.startswith((f"{origin}/", "data:", "blob:"))]
                assert (foreign, failed) == ([], [])

            stack.callback(judge)
            opened.goto(url)
            return opened

        yield page


def ask(page: Any, question: str) -> Any:
    """Types a question, sends it, gives the turn once it is answered."""
    before = page.locator(".turn").count()
    page.fill("#question", question)
    page.press("#question", "Enter")
    turn = page.locator(".turn").nth(before)
    turn.locator(".actions, .error").first.wait_for()
    return turn
