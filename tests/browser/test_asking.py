"""Asking on the page: the answer, its sources, the thread."""

import json
from pathlib import Path
from typing import Any

import pytest
from scripted_model import ScriptedModel

from browser.conftest import PHONE, Serve, Visit, ask
from rag.types import Document

QUESTION = "川渝联合实施了多少项攻关核心技术项目?"
FOLLOW_UP = "那新型研发机构呢?"
ABSENT = "青海湖的面积有多大?"


def reply_of(served: Any, question: str, **more: Any) -> dict[str, Any]:
    """What the service answers to the same question."""
    status, reply, *_ = served.call(
        "POST", "/ask", json.dumps({"question": question, **more}), {"Content-Type": "application/json"}
    )
    assert status == 200
    return dict(reply)


def lit(page: Any) -> str:
    """The text that is lit in the source."""
    page.locator("mark.lit").wait_for()
    return str(page.locator("mark.lit").evaluate("mark => mark.textContent"))


def in_sight(page: Any) -> bool:
    """Whether what is lit can be seen: in the window, and in the part of the pane that shows the text."""
    box = page.locator("mark.lit").bounding_box()
    frames = [{"y": 0, "height": page.viewport_size["height"]}]
    if page.locator("#source").count():
        frames.append(page.locator("#source-body").bounding_box())
    return all(f["y"] <= box["y"] and box["y"] + box["height"] <= f["y"] + f["height"] for f in frames)


def test_a_citation_opens_its_source_at_exactly_what_it_quotes(serve: Serve, visit: Visit) -> None:
    served = serve()
    page = visit(served.url)
    turn = ask(page, QUESTION)
    reply = reply_of(served, QUESTION)
    assert turn.locator(".answer").text_content() == reply["answer"]
    assert turn.locator(".chip").count() == len(reply["citations"]) > 0
    turn.locator(".chip").first.click()
    assert lit(page) == reply["citations"][0]["quote"]
    assert in_sight(page)
    assert page.locator("#source-title").text_content() == reply["citations"][0]["title"]
    assert reply["citations"][0]["source"] in page.locator("#source-about").text_content()
    # The chip is a link to the same place on a page of its own.
    page.goto(served.url + turn.locator(".chip").first.get_attribute("href"))
    assert lit(page) == reply["citations"][0]["quote"] and in_sight(page)


def test_characters_beyond_the_basic_plane_do_not_shift_the_span(serve: Serve, visit: Visit) -> None:
    text = "𠮷林镇的水库😀𠀀建于1958年,由李大江设计。\n\n水库的面积是31.5平方公里,坝高𠀀𠀀42米。"
    served = serve([Document(id="a", title="𠮷林镇水库", text=text)])
    page = visit(served.url)
    turn = ask(page, "水库的面积是多少平方公里?")
    quote = reply_of(served, "水库的面积是多少平方公里?")["citations"][0]["quote"]
    turn.locator(".chip").first.click()
    assert lit(page) == quote and "31.5" in quote


def test_what_the_documents_do_not_say_looks_like_it_and_offers_the_nearest(serve: Serve, visit: Visit) -> None:
    served = serve()
    page = visit(served.url)
    turn = ask(page, ABSENT)
    assert turn.locator(".verdict").is_visible() and turn.locator(".chip").count() == 0
    nearest = turn.locator(".sources a").first
    nearest.click()
    assert lit(page) == turn.locator(".sources blockquote").first.text_content()


def test_a_follow_up_says_what_was_understood(serve: Serve, visit: Visit) -> None:
    served = serve()
    page = visit(served.url)
    first = ask(page, "西部科学城引进了多少个科技创新基地?")
    turn = ask(page, FOLLOW_UP)
    history = [
        {"role": "user", "content": "西部科学城引进了多少个科技创新基地?"},
        {"role": "assistant", "content": first.locator(".answer").text_content()},
    ]
    resolved = reply_of(served, FOLLOW_UP, history=history)["question_resolved"]
    assert resolved != FOLLOW_UP and resolved in turn.locator(".notes").text_content()


def test_a_suggested_question_is_asked_with_one_click_and_answered(serve: Serve, visit: Visit) -> None:
    page = visit(serve().url)
    suggestion = page.locator(".suggestion").first
    suggestion.wait_for()
    question = suggestion.text_content()
    suggestion.click()
    turn = page.locator(".turn").first
    turn.locator(".chip").first.wait_for()
    assert turn.locator(".asked").text_content() == question
    assert page.locator("#try").is_hidden()
    page.click("#again")
    suggestion.wait_for()


def test_a_thread_outlives_a_reload_and_can_be_cleared(serve: Serve, visit: Visit) -> None:
    page = visit(serve().url)
    said = ask(page, QUESTION).locator(".answer").text_content()
    ask(page, ABSENT)
    page.reload()
    assert page.locator(".turn").count() == 2
    assert page.locator(".turn .answer").first.text_content() == said
    page.locator(".turn .chip").first.click()
    assert lit(page)
    page.click("#source-close")
    page.click("#again")
    assert page.locator(".turn").count() == 0 and page.locator("#hero").is_visible()
    page.reload()
    page.locator("#hero").wait_for()
    assert page.locator(".turn").count() == 0


def test_an_answer_is_copied_and_saved_with_its_sources(serve: Serve, visit: Visit) -> None:
    served = serve()
    page = visit(served.url, permissions=["clipboard-read", "clipboard-write"])
    turn = ask(page, QUESTION)
    citation = reply_of(served, QUESTION)["citations"][0]
    turn.get_by_role("button", name="复制").click()
    turn.get_by_role("button", name="已复制").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    with page.expect_download() as download:
        turn.get_by_role("button", name="保存").click()
    saved = Path(download.value.path()).read_text(encoding="utf-8")
    assert copied == saved and download.value.suggested_filename.endswith(".md")
    url = f"{served.url}/documents/{citation['document_id']}/view#{citation['start']}-{citation['end']}"
    assert f"]({url})" in saved and f"> {citation['quote']}" in saved and QUESTION in saved


def test_what_is_saved_holds_no_markup_of_a_document(serve: Serve, visit: Visit) -> None:
    text = "石门水库的总库容是3200万立方米![图](http://evil.example/x.png)<img src=x>[1]。"
    page = visit(serve([Document(id="a", title="石门水库<b>", text=text)]).url)
    turn = ask(page, "石门水库的总库容是多少?")
    with page.expect_download() as download:
        turn.get_by_role("button", name="保存").click()
    saved = Path(download.value.path()).read_text(encoding="utf-8")
    assert r"\!\[图\](http://evil.example/x.png)\<img src=x\>\[1\]" in saved and "3200" in saved
    assert "<img" not in saved.replace(r"\<", "") and "石门水库\\<b\\>" in saved


def test_the_page_does_not_jump_and_the_place_is_kept(serve: Serve, visit: Visit) -> None:
    page = visit(serve().url)
    for question in (QUESTION, FOLLOW_UP, "川渝签订了什么协议?", QUESTION):
        turn = ask(page, question)
    chip = turn.locator(".chip").first
    before = chip.bounding_box()["y"]
    chip.click()
    lit(page)
    assert abs(chip.bounding_box()["y"] - before) < 2
    page.locator("#source-title").click()  # selecting text must not close it
    page.mouse.move(900, 400)
    page.mouse.down()
    page.mouse.move(900, 130)
    page.mouse.up()
    assert page.locator("#source").is_visible()
    page.keyboard.press("Escape")
    page.locator("body:not(.reading)").wait_for()
    assert abs(chip.bounding_box()["y"] - before) < 2
    at = page.evaluate("scrollY")
    page.dispatch_event("#to-documents", "click")  # a click of Playwright's would scroll the page by itself
    page.locator(".document").first.wait_for()
    page.dispatch_event("#to-ask", "click")
    page.locator("#turns").wait_for()
    assert at > 100 and abs(page.evaluate("scrollY") - at) < 2


def test_everything_is_done_with_the_keyboard(serve: Serve, visit: Visit) -> None:
    page = visit(serve().url)
    page.keyboard.type(QUESTION)  # the field has the focus
    page.keyboard.press("Enter")
    page.locator(".actions").wait_for()
    page.locator("body").press("Home")
    focus_on(page, ".chip")
    page.keyboard.press("Enter")
    assert lit(page)
    page.keyboard.press("Escape")
    page.locator("#source").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.className") == "chip"
    page.keyboard.press("Control+k")
    assert page.evaluate("document.activeElement.id") == "question"
    focus_on(page, "#to-documents", "Shift+Tab")
    page.keyboard.press("Enter")
    page.locator(".document").first.wait_for()
    focus_on(page, ".document button")
    page.keyboard.press("Enter")
    page.locator("#source-text", has_text="成渝").wait_for()


def focus_on(page: Any, selector: str, key: str = "Tab") -> None:
    """Presses until what is wanted has the focus."""
    for _ in range(60):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{selector} cannot be reached with {key}")


def test_a_closed_source_never_takes_the_focus_from_who_types_on(serve: Serve, visit: Visit) -> None:
    page = visit(serve().url)
    ask(page, QUESTION).locator(".chip").first.click()
    lit(page)
    focused = page.evaluate(
        """async () => {
          const found = [];
          document.getElementById("source-close").click();
          found.push(document.activeElement.className);
          document.getElementById("question").focus();
          await new Promise((then) => setTimeout(then, 500));  // the browser's event of closing comes late
          return [...found, document.activeElement.id];
        }"""
    )
    assert focused == ["chip", "question"]


def test_while_an_input_method_composes_enter_sends_nothing(serve: Serve, visit: Visit) -> None:
    page = visit(serve().url)
    page.fill("#question", "川渝")
    event = "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true})"
    assert page.evaluate(f"document.getElementById('question').dispatchEvent({event})")
    assert page.locator(".turn").count() == 0


def test_on_a_phone_the_source_is_a_sheet_and_nothing_is_cut_off(serve: Serve, visit: Visit) -> None:
    page = visit(serve().url, PHONE)
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) <= 360
    turn = ask(page, QUESTION)
    assert page.evaluate(width) <= 360
    turn.locator(".chip").first.click()
    assert lit(page) and in_sight(page)
    box = page.locator("#source").bounding_box()
    assert box["width"] == 360 and box["y"] > 100 and box["y"] + box["height"] == 740
    page.mouse.click(180, 30)  # beside the sheet
    page.locator("#source").wait_for(state="hidden")
    page.click("#to-documents")
    page.locator(".document").first.wait_for()
    assert page.evaluate(width) <= 360
    page.click("#add")
    assert page.locator("#paste-form").is_visible() and page.evaluate(width) <= 360


def test_language_and_theme_are_switched_and_kept(serve: Serve, visit: Visit) -> None:
    page = visit(serve().url, color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    ask(page, QUESTION)
    page.click("#theme")
    dark = page.evaluate(paper)
    page.click("#language")
    assert page.locator("#send").text_content() == "Ask" and page.title() == "Chengyu Q&A"
    assert page.locator(".turn .notes").text_content().endswith("% sure")
    page.reload()
    assert page.evaluate(paper) == dark != light
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("#send").text_content() == "Ask"
    page.click("#theme")
    assert page.evaluate(paper) == light


def test_the_system_s_dark_is_followed(serve: Serve, visit: Visit) -> None:
    page = visit(serve().url, color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)"
    assert page.locator("#theme").text_content() == "浅色"


def test_a_service_that_is_down_is_said_and_tried_again(serve: Serve, visit: Visit) -> None:
    served = serve()
    page = visit(served.url)
    page.locator("#hero").wait_for()
    served.__exit__()
    turn = ask(page, QUESTION)
    assert turn.locator(".error").text_content() == "连不上服务。"
    serve(port=served.port)
    turn.get_by_role("button", name="重试").click()
    page.locator(".turn .chip").first.wait_for()
    assert page.locator(".turn").count() == 1


def test_what_a_model_writes_appears_sentence_by_sentence_and_can_be_stopped(serve: Serve, visit: Visit) -> None:
    said = "川渝联合实施攻关核心技术项目115项。[1]累计引进建设新型研发机构22个、科技创新基地137个。[1]"
    with ScriptedModel(lambda _: said, manner="slow", piece=6) as model:
        page = visit(serve(llm_base_url=model.url, llm_model="scripted").url)
        page.fill("#question", QUESTION)
        page.press("#question", "Enter")
        page.locator(".answer.coming", has_text="115项").wait_for()
        assert "137个" not in page.locator(".answer.coming").text_content()
        assert page.locator("#send").text_content() == "停止"
        turn = page.locator(".turn").first
        turn.locator(".actions").wait_for()
        assert turn.locator(".answer").text_content() == said[:-3] + "[2]"  # another place of the same passage
        assert "由大模型写成" in turn.locator(".notes").text_content()
        turn.locator(".chip").first.click()
        assert "115项" in lit(page)
        page.click("#source-close")
        page.fill("#question", QUESTION)
        page.press("#question", "Enter")
        page.locator(".answer.coming", has_text="115项").wait_for()
        page.click("#send")
        turn = page.locator(".turn").nth(1)
        turn.locator(".error", has_text="已停止。").wait_for()
        assert "115项" in turn.locator(".answer").text_content()  # what was read stays
        assert page.locator("#send").text_content() == "提问"
        page.reload()
        assert page.locator(".turn").count() == 2
        turn.get_by_role("button", name="重试").click()
        turn.locator(".actions").wait_for()
        assert page.evaluate("document.activeElement.id") == "question"
        page.fill("#question", QUESTION)
        page.press("#question", "Enter")
        page.locator(".answer.coming").wait_for()
        page.click("#again")  # a thread begun anew is not ended by what the former one still hears
        page.wait_for_timeout(1500)
        assert page.locator(".turn").count() == 0 and page.locator("#hero").is_visible()
        assert page.locator("#tools").is_hidden()


def test_a_key_is_asked_for_and_kept_in_the_tab_only(serve: Serve, visit: Visit) -> None:
    served = serve(api_keys=("a:write:correct-key-0123456789",))
    page = visit(served.url)
    page.locator("#key").wait_for()
    page.fill("#key", "wrong-key-0123456789")
    page.press("#key", "Enter")
    page.get_by_text("这个密钥不对").wait_for()
    page.fill("#key", "correct-key-0123456789")
    page.press("#key", "Enter")
    page.locator("#key").wait_for(state="detached")
    assert ask(page, QUESTION).locator(".chip").count()
    assert page.evaluate("JSON.stringify(localStorage)").count("correct-key") == 0
    assert page.evaluate("sessionStorage.getItem('key')") == "correct-key-0123456789"
    page.reload()
    assert ask(page, FOLLOW_UP).locator(".answer").count()


@pytest.mark.parametrize("hash", ["#5-2", "#99999-100000", "#abc"])
def test_a_link_to_no_place_shows_the_document(serve: Serve, visit: Visit, hash: str) -> None:
    served = serve([Document(id="a b/c".replace("/", "-"), title="标题", text="第一句。第二句。")])
    page = visit(f"{served.url}/documents/a%20b-c/view{hash}")
    page.locator("#text", has_text="第一句。第二句。").wait_for()
    assert page.locator("mark.lit").count() == 0
