"""The page below a path of its host, behind a proxy that takes the path off, and the page of the interface."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
from prefix_proxy import PrefixProxy

from browser.conftest import Serve, Visit, ask
from rag.types import Document

QUESTION = "川渝联合实施了多少项攻关核心技术项目?"


@pytest.fixture(params=[True, False], ids=["told", "not told"])
def proxy(serve: Serve, request: pytest.FixtureRequest) -> Iterator[PrefixProxy]:
    """What the pages load must not depend on the service knowing where it is."""
    with PrefixProxy(serve().port, "/kb", tell=request.param) as running:
        yield running


def test_a_question_its_source_and_the_whole_document(proxy: PrefixProxy, visit: Visit) -> None:
    page = visit(proxy.url)
    page.locator("#suggestions li").first.wait_for()
    turn = ask(page, QUESTION)
    assert "115" in turn.inner_text()
    link = turn.locator("a[href*='/documents/']").first.get_attribute("href")
    assert link.startswith("/kb/documents/")
    page.goto(urljoin(proxy.url, link))
    page.locator("#text mark").first.wait_for()
    assert "115" in page.locator("#text mark").first.inner_text()
    page.click(".bar .name")
    page.wait_for_url(proxy.url)
    assert proxy.astray == []


def test_documents_are_listed_added_and_removed(proxy: PrefixProxy, visit: Visit) -> None:
    page = visit(f"{proxy.url}#documents")
    page.locator("#list li").first.wait_for()
    page.click("#add")
    page.set_input_files(
        "#file", {"name": "bridge.txt", "mimeType": "text/plain", "buffer": "大桥全长1234米。".encode()}
    )
    page.locator("#list li").nth(1).wait_for()
    page.click("#add-close")
    page.click("#update")
    page.locator("#job").wait_for()
    assert proxy.astray == []


def test_the_page_of_the_interface(proxy: PrefixProxy, visit: Visit) -> None:
    page = visit(proxy.url)
    page.click("a[data-say=api]")
    page.wait_for_url(f"{proxy.url}docs")
    page.locator("#operations details").first.wait_for()
    assert page.locator("#operations details").count() > 10
    assert proxy.astray == []


def test_nothing_on_the_page_of_the_interface_is_styled_as_a_part_of_another(serve: Serve, visit: Visit) -> None:
    page = visit(f"{serve([Document(id='a', text='x')]).url}/docs")
    page.locator("#operations details").first.wait_for()
    heights: list[float] = page.evaluate("[...document.querySelectorAll('details')].map(each => each.offsetHeight)")
    assert len(heights) > 20 and max(heights) < 60
    styled: Any = page.evaluate(
        """[...document.styleSheets].flatMap(sheet => [...sheet.cssRules]).flatMap(rule =>
             (rule.selectorText ?? "").match(/#[\\w-]+/g) ?? [])
           .filter(id => document.querySelector(`details${id}`))"""
    )
    assert styled == []
