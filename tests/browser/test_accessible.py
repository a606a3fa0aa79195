"""axe-core finds nothing serious in any state, light or dark, wide or on a phone."""

from pathlib import Path
from typing import Any

import pytest

from browser.conftest import PHONE, WIDE, Serve, Visit, ask
from browser.test_documents import BRIDGE

AXE = Path(__file__).parents[1] / "js" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is absent: npm ci --prefix tests/js")
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found(serve: Serve, visit: Visit, scheme: str, viewport: dict[str, int]) -> None:
    served = serve([BRIDGE])
    page = visit(served.url, viewport, color_scheme=scheme, bypass_csp=True)
    page.add_script_tag(path=AXE)
    page.locator("#hero").wait_for()
    check(page)
    turn = ask(page, "青石桥是谁设计的?")
    check(page)
    turn.locator(".chip").first.click()
    page.locator("mark.lit").wait_for()
    check(page)
    page.click("#source-close")
    ask(page, "月球离地球有多远?")
    check(page)
    page.click("#to-documents")
    page.locator("#list .document").wait_for()
    check(page)
    page.get_by_role("button", name="删除《青石桥》").click()
    check(page)
    page.get_by_role("button", name="撤销").click()
    page.get_by_role("button", name="改正《青石桥》的标题和日期").click()
    check(page)
    page.get_by_role("button", name="取消").last.click()
    page.click("#add")
    check(page)
    page.goto(f"{served.url}/documents/bridge/view#0-4")
    page.locator("mark.lit").wait_for()
    page.add_script_tag(path=AXE)
    check(page)


def check(page: Any) -> None:
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in serious] == []
