"""Open WebUI itself, typed into and clicked at in Chromium. Skipped where it is not installed:

    make open-webui

installs it into an environment of its own (some gigabytes, several minutes), runs this and makes docs/open-webui.png.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from socket_server import Served

from service.settings import Settings

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "open-webui.png"
WEBUI = os.environ.get("OPEN_WEBUI")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.skipif(WEBUI is None, reason="OPEN_WEBUI names no command open-webui: make open-webui"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here; install the package chromium"),
]

# So that it fetches nothing, not even an embedding model of its own, and nobody logs in. What it is told besides is
# what docs/integrations.md shows.
OFFLINE = {"OFFLINE_MODE": "true", "HF_HUB_OFFLINE": "1", "RAG_EMBEDDING_ENGINE": "openai", "WEBUI_AUTH": "False"}
SHOWN = re.findall(r"^(ENABLE_\w+)=(\w+)$", (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8"), re.M)

WHEN = "重庆代表团是什么时候提交这份建议的?"
TWICE = "川渝联合实施了多少项攻关核心技术项目?西部科学城引进了多少个科技创新基地?"
NOWHERE = "火星上有多少人?"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    vectors = tmp_path_factory.mktemp("vectors")
    with Served(None, Settings(seeds_dir=ROOT / "seeds", vectors_dir=vectors)) as running:
        wait(f"{running.url}/readyz")
        yield running


@pytest.fixture(scope="module", params=[True, False], ids=["with its own requests", "without"])
def chatty(request: pytest.FixtureRequest) -> bool:
    """Whether it asks the model for titles, tags and so on, as it does unless it is told otherwise."""
    return bool(request.param)


@pytest.fixture(scope="module")
def webui(served: Served, chatty: bool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("open-webui")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ours = {"OPENAI_API_BASE_URL": f"{served.url}/v1", "OPENAI_API_KEY": "any", "DATA_DIR": str(folder)}
    command = [str(WEBUI), "serve", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        environment = os.environ | OFFLINE | ({} if chatty else dict(SHOWN)) | ours
        running = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            wait(f"http://127.0.0.1:{port}/health")
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(20)


@pytest.fixture(scope="module")
def page(webui: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        opened = browser.new_page(locale="zh-CN", viewport={"width": 1100, "height": 800})
        opened.goto(webui)
        news = opened.get_by_role("dialog")  # of its version, at the first visit
        news.get_by_role("button").last.click()
        news.wait_for(state="hidden")
        yield opened
        browser.close()


def wait(url: str) -> None:
    until = time.monotonic() + 300
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            assert time.monotonic() < until, f"{url} does not answer"
            time.sleep(0.5)


def ask(page: Any, question: str) -> Any:
    """Types it; gives the reply once it is whole, when its buttons appear."""
    replies = page.locator(".chat-assistant")
    count = replies.count()
    page.click("#chat-input")
    page.keyboard.type(question)
    page.keyboard.press("Enter")
    page.locator(".copy-response-button").nth(count).wait_for()
    return replies.nth(count)


def chips(reply: Any, count: int) -> list[str]:
    """What its chips say, once there are as many."""
    from playwright.sync_api import expect

    expect(reply.locator("p button")).to_have_count(count)
    return [str(each) for each in reply.locator("p button").all_inner_texts()]


def counted(served: Served, of: str) -> float:
    with urlopen(f"{served.url}/metrics") as metrics:
        return sum(map(float, re.findall(rf"^{re.escape(of)}\S* ([0-9.]+)$", metrics.read().decode(), re.M)))


def test_answers_have_chips_that_survive_a_reload(page: Any, served: Served, chatty: bool) -> None:
    from playwright.sync_api import expect

    posts = 'rag_requests_total{method="POST",route="/v1/chat/completions"'
    requests, answers = counted(served, posts), counted(served, "rag_answers_total")
    when = ask(page, WHEN)
    assert "3月5日" in when.inner_text() and "参考来源" in when.inner_text()
    assert chips(when, 1) == ["全团建议 | 增强成渝地区双城经济圈协同创新能力"]
    twice = ask(page, TWICE)
    assert len(set(chips(twice, 3))) == twice.locator("li a").count() == 3  # each can be told from the others
    nowhere = ask(page, NOWHERE)
    assert "文档中没有" in nowhere.inner_text() and not chips(nowhere, 0)
    if not chatty:
        page.screenshot(path=PICTURE)

    seen = [each.inner_text() for each in (when, twice, nowhere)]
    page.reload()
    expect(page.locator(".chat-assistant")).to_have_text(seen, use_inner_text=True)
    assert len(chips(page.locator(".chat-assistant").nth(1), 3)) == 3

    assert counted(served, "rag_answers_total") - answers == 3  # nothing is searched for on its own account
    assert (counted(served, posts) - requests > 3) is chatty


def test_a_chip_leads_to_the_sentence(page: Any, webui: str, served: Served) -> None:
    page.goto(webui)
    ask(page, WHEN).locator("p button").click()
    links = page.locator(f"[role=dialog] a[href^='{served.url}']")
    links.first.wait_for()
    assert links.count() == 2  # the title, and the word for content, whose url Open WebUI adds something to
    for link in links.all():
        with page.expect_popup() as opening:
            link.click()
        assert "重庆代表团向大会提交" in opening.value.locator("mark").inner_text()
