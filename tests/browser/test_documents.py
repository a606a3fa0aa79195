"""The documents on the page: in, corrected, out, rebuilt."""

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

from browser.conftest import Serve, Visit, ask
from browser.test_asking import lit, reply_of
from rag.types import Document

RIVER = "临江县志记载,青石桥于1932年动工,1935年建成,全长218米,由工程师林正清设计。"
BRIDGE = Document(id="bridge", title="青石桥", text=RIVER, source="临江县志", published="2020-05-01")


def listed(served: Any, path: str = "/documents") -> Any:
    return served.call("GET", path)[1]


def documents(page: Any, url: str) -> Any:
    page.goto(f"{url}/#documents")
    page.locator(".document, #none:visible").first.wait_for()
    return page.locator("#list .document")


def test_pasted_text_can_be_asked_about_at_once(serve: Serve, visit: Visit) -> None:
    served = serve([])
    page = visit(served.url)
    assert documents(page, served.url).count() == 0 and page.locator("#none").is_visible()
    page.click("#add")
    page.get_by_label("标题").fill("青石桥")
    page.get_by_role("button", name="添加", exact=True).click()
    assert page.locator("#paste-trouble").text_content() == "请写正文。"
    page.get_by_label("正文").fill(RIVER)
    page.get_by_label("来源").fill("临江县志")
    page.get_by_label("日期").fill("2020-05-01")
    page.get_by_role("button", name="添加", exact=True).click()
    row = page.locator("#list .document")
    row.wait_for()
    assert "临江县志 · 2020-05-01" in row.text_content()
    (found,) = listed(served)["documents"]
    assert (found["title"], found["source"], found["published"]) == ("青石桥", "临江县志", "2020-05-01")
    page.locator("#index-count", has_text="1 篇文档").wait_for()
    page.click("#to-ask")
    turn = ask(page, "青石桥是谁设计的?")
    assert "林正清" in turn.locator(".answer").text_content()
    turn.locator(".chip").first.click()
    assert "林正清" in lit(page)


def test_files_are_taken_in_one_after_the_other(serve: Serve, visit: Visit) -> None:
    served = serve([])
    page = visit(served.url)
    documents(page, served.url)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.txt", "石门水库总库容3200万立方米。")
        archive.writestr("two.exe", b"MZ\x00\x01")
    files = [
        {"name": "桥.txt", "mimeType": "text/plain", "buffer": RIVER.encode("gbk")},
        {"name": "same.txt", "mimeType": "text/plain", "buffer": RIVER.encode()},
        {"name": "several.zip", "mimeType": "application/zip", "buffer": packed.getvalue()},
        {"name": "no.exe", "mimeType": "application/octet-stream", "buffer": b"MZ\x00\x01"},
    ]
    page.click("#add")
    page.set_input_files("#file", files)
    for number in range(len(files)):
        page.locator("#uploads .upload").nth(number).locator("progress").wait_for(state="detached")
    rows = page.locator("#uploads .upload").all_text_contents()
    assert rows[0].endswith("已添加") and "添加 1 篇" in rows[2] and "拒收 1" in rows[2] and "known are .txt" in rows[3]
    texts = {listed(served, f"/documents/{each['id']}")["text"] for each in listed(served)["documents"]}
    assert texts == {RIVER, "石门水库总库容3200万立方米。"}


def test_a_file_dropped_anywhere_is_taken_in(serve: Serve, visit: Visit) -> None:
    served = serve([])
    page = visit(served.url)
    transfer = page.evaluate_handle(
        "text => { const all = new DataTransfer(); all.items.add(new File([text], '桥.txt')); return all; }", RIVER
    )
    page.dispatch_event("#ask", "dragover", {"dataTransfer": transfer})
    page.dispatch_event("#ask", "drop", {"dataTransfer": transfer})
    page.locator("#uploads .upload.done").wait_for()
    assert listed(served)["documents"][0]["chunks"] == 1


def test_title_and_date_are_corrected(serve: Serve, visit: Visit) -> None:
    served = serve([BRIDGE])
    page = visit(served.url)
    documents(page, served.url)
    page.get_by_role("button", name="改正《青石桥》的标题和日期").click()
    page.get_by_label("标题").last.fill("青石桥的来历")
    page.get_by_label("日期").last.fill("")
    page.get_by_role("button", name="保存", exact=True).click()
    page.get_by_role("button", name="打开《青石桥的来历》").wait_for()
    found = listed(served, "/documents/bridge")
    assert (found["title"], found["published"], found["source"]) == ("青石桥的来历", None, "临江县志")


def test_a_deletion_can_be_undone_for_eight_seconds(serve: Serve, visit: Visit) -> None:
    served = serve([BRIDGE, Document(id="dam", title="石门水库", text="石门水库总库容3200万立方米。")])
    page = visit(served.url)
    documents(page, served.url)
    page.get_by_role("button", name="删除《青石桥》").click()
    page.locator("#list .removed").wait_for()
    assert len(listed(served)["documents"]) == 2
    page.get_by_role("button", name="撤销").click()
    page.get_by_role("button", name="打开《青石桥》").wait_for()
    began = time.monotonic()
    page.get_by_role("button", name="删除《青石桥》").click()
    page.locator("#list .removed").wait_for()
    page.locator("#list .removed").wait_for(state="detached")
    assert 7.5 < time.monotonic() - began < 12
    assert [each["id"] for each in listed(served)["documents"]] == ["dam"]
    page.locator("#index-count", has_text="1 篇文档").wait_for()
    # Who leaves meanwhile has deleted it all the same.
    page.get_by_role("button", name="删除《石门水库》").click()
    page.locator("#list .removed").wait_for()
    page.goto("about:blank")
    until = time.monotonic() + 5
    while listed(served)["documents"] and time.monotonic() < until:
        time.sleep(0.1)
    assert listed(served)["documents"] == []


def test_undo_and_corrections_outlive_what_draws_the_list_anew(serve: Serve, visit: Visit) -> None:
    many = [Document(id=f"n{n}", title=f"第{n}号", text=f"第{n}号桥长{n}米。") for n in range(80)]
    served = serve(many)
    page = visit(served.url)
    documents(page, served.url)
    page.click("#more")
    page.get_by_role("button", name="删除《第70号》").click()
    page.click("#to-ask")
    page.click("#to-documents")
    page.get_by_role("button", name="撤销").click()
    page.get_by_role("button", name="打开《第70号》").wait_for()
    # The text of a deletion that waits is added again, under the same id.
    page.get_by_role("button", name="删除《第71号》").click()
    body = json.dumps({"title": "第71号", "text": "第71号桥长71米。"})
    served.call("PUT", "/documents/n71", body.encode(), {"Content-Type": "application/json"})
    page.fill("#find", "第60号桥")
    page.press("#find", "Enter")
    page.locator("#found .snippet").first.wait_for()
    page.locator("#found").get_by_role("button", name="改正《第60号》的标题和日期").click()
    page.get_by_label("标题").last.fill("六十号桥")
    page.get_by_role("button", name="保存", exact=True).click()
    page.locator("#found").get_by_role("button", name="打开《六十号桥》").wait_for()
    assert page.locator("#found .snippet").count()
    page.click("#find-clear")
    page.locator("#list").get_by_role("button", name="打开《六十号桥》").wait_for()


def test_a_document_added_again_is_not_deleted_by_what_waits(serve: Serve, visit: Visit) -> None:
    served = serve([])
    page = visit(served.url)
    documents(page, served.url)
    for again in (False, True):
        page.click("#add")
        page.get_by_label("正文").fill(RIVER)
        page.get_by_role("button", name="添加", exact=True).click()
        page.locator("#list .document:not(.removed)").wait_for()
        if not again:
            page.locator("#list").get_by_role("button", name="删除").click()
    page.wait_for_timeout(9000)
    assert len(listed(served)["documents"]) == 1 and page.locator("#list .document").count() == 1


def test_a_source_that_was_changed_since_is_not_lit_in_the_wrong_place(serve: Serve, visit: Visit) -> None:
    served = serve([BRIDGE])
    page = visit(served.url)
    turn = ask(page, "青石桥是谁设计的?")
    quote = reply_of(served, "青石桥是谁设计的?")["citations"][0]["quote"]
    body = json.dumps({"title": "青石桥", "text": "新的开头。" + RIVER})
    served.call("PUT", "/documents/bridge", body.encode(), {"Content-Type": "application/json"})
    turn.locator(".chip").first.click()
    page.get_by_text("已不在原处").wait_for()
    assert page.locator("#source-about blockquote").text_content() == quote
    assert page.locator("mark.lit").count() == 0
    served.call("DELETE", "/documents/bridge")
    page.click("#source-close")
    turn.locator(".chip").first.click()
    page.get_by_text("这篇文档已经不在了。").wait_for()


def test_a_rebuild_shows_how_far_it_is_and_can_be_cancelled(serve: Serve, visit: Visit, tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for number in range(4000):
        text = f"第{number}号水库建成于{1900 + number % 100}年。" * 20
        (seeds / f"{number}.txt").write_text(text, encoding="utf-8")
    served = serve([BRIDGE], seeds_dir=seeds)
    page = visit(served.url)
    documents(page, served.url)
    page.click("#update")
    page.locator("#job-bar:visible").wait_for()
    page.locator("#job-detail", has_text="/ 4000 篇").wait_for()
    assert page.locator("#update").get_attribute("aria-disabled") == "true"
    page.reload()  # it is found again
    page.locator("#job-bar:visible").wait_for()
    page.click("#job-cancel")
    page.get_by_text("已取消").wait_for()
    page.locator("#job-bar").wait_for(state="hidden")
    assert [each["id"] for each in listed(served)["documents"]] == ["bridge"]
    for path in sorted(seeds.iterdir())[20:]:
        path.unlink()
    page.click("#update")
    page.get_by_text("索引已更新").wait_for()
    assert "新增或改动 20" in page.locator("#job-detail").text_content()
    page.locator("#list .document").nth(20).wait_for()
    page.locator("#index-count", has_text="21 篇文档").wait_for()


def test_a_stream_that_breaks_off_is_taken_up_again(serve: Serve, visit: Visit, tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "a.txt").write_text(RIVER, encoding="utf-8")
    served = serve([], seeds_dir=seeds)
    page = visit(served.url)
    documents(page, served.url)
    page.route("**/events", lambda route: route.abort(), times=2)
    page.click("#update")
    page.locator("#job-detail", has_text="连不上服务").wait_for()
    page.dispatch_event("#update", "click")  # does nothing: it is followed still
    page.get_by_text("索引已更新").wait_for()
    assert len(listed(served, "/jobs")["jobs"]) == 1
    assert page.locator("#update").get_attribute("aria-disabled") == "false"


def test_texts_are_searched_and_opened_where_it_stands(serve: Serve, visit: Visit) -> None:
    served = serve([BRIDGE, Document(id="dam", title="石门水库", text="石门水库总库容3200万立方米。")])
    page = visit(served.url)
    documents(page, served.url)
    page.fill("#find", "总库容")
    page.press("#find", "Enter")
    page.locator("#found .snippet").first.wait_for()
    assert page.locator("#listed").is_hidden()
    page.locator("#found .snippet").first.click()
    assert "总库容3200万" in lit(page)
    page.keyboard.press("Escape")
    page.click("#find-clear")
    assert page.locator("#listed").is_visible()


def test_long_lists_come_in_pages(serve: Serve, visit: Visit) -> None:
    many = [Document(id=f"n{n}", title=f"第{n}号", text=f"第{n}号桥长{n}米。") for n in range(120)]
    served = serve(many)
    page = visit(served.url)
    assert documents(page, served.url).count() == 50
    page.click("#more")
    page.locator("#list .document").nth(99).wait_for()
    page.click("#more")
    page.locator("#list .document").nth(119).wait_for()
    assert page.locator("#more").is_hidden()


def test_a_reader_s_key_changes_nothing_and_says_why(serve: Serve, visit: Visit) -> None:
    served = serve([BRIDGE], api_keys=("a:read:reading-key-0123456789",))
    page = visit(served.url)
    page.fill("#key", "reading-key-0123456789")
    page.press("#key", "Enter")
    documents(page, served.url)
    page.get_by_role("button", name="删除《青石桥》").click()
    page.locator("#list .document .error").wait_for(timeout=15_000)
    assert "没有删掉" in page.locator("#list .document .error").text_content()
    page.click("#update")
    page.locator("#job").wait_for()
    assert page.locator("#job-detail").text_content().startswith("没有权限")
