"""Whatever a document holds, it is shown as text: no script of it runs, nothing is asked of another origin."""

from typing import Any

from scripted_model import ScriptedModel

from browser.conftest import PHONE, Serve, Visit, ask
from rag.types import Document

SCRIPTS = [
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "<svg onload=window.hit=1>",
    "<iframe srcdoc='<script>parent.hit=1</script>'></iframe>",
    "<a href='javascript:window.hit=1'>点</a>",
    '"><script src=http://evil.example/x.js></script>',
    "'onmouseover='window.hit=1",
    "<body onload=window.hit=1>",
    "<details open ontoggle=window.hit=1>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=hit=1>",
    "<style>@import 'http://evil.example/x.css';</style>",
    "<link rel=stylesheet href=http://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=http://evil.example/'>",
    "<base href=http://evil.example/>",
    "<object data=http://evil.example/x></object>",
    "<embed src=http://evil.example/x>",
    "<template><img src=x onerror=hit=1>",
    "<video src=http://evil.example/x autoplay onerror=window.hit=1>",
    "<form action=http://evil.example/><input name=a>",
    "![图](http://evil.example/x.png)",
    "[点我](javascript:window.hit=1)",
    "[1]: http://evil.example/x",
    "</textarea><script>hit=1</script>",
    "</title><script>window.hit=1</script>",
    "<!--><img src=x onerror=window.hit=1>-->",
    "&lt;script&gt;window.hit=1&lt;/script&gt;",
    "${window.hit=1}",
    "{{constructor.constructor('window.hit=1')()}}",
    "`;window.hit=1;`",
    "\\u003cscript\\u003ewindow.hit=1",
    "<xss id=x tabindex=1 onfocus=window.hit=1 autofocus>",
    "<input autofocus onfocus=window.hit=1>",
]
ODD = [
    "\u202e右到左的文字\u202c",
    "\u2066隔离\u2069\u2067反向\u2069",
    "\u200b零\u200b宽\u200b",
    "שלום עולם 中文",
    "مرحبا 中文",
    "宽" * 3000,
    "a" * 3000,
    "http://evil.example/" + "x" * 2000,
    "Z̷̢̨̛͖̗" * 200,
    "😀" * 500,
    "𠀀" * 500,
    "[1][2][99]【3】[^4]",
    "\ufeff开头",
    "行\u2028段\u2029",
    "—" * 500,
    "。" * 500,
    "\ufffc\ufffd",
    "()[]<>#*_`~|" * 40,
]
HOSTILE = SCRIPTS + ODD


def corpus() -> list[Document]:
    return [
        Document(
            id=f"h{number}",
            title=each[:400],
            text=f"第{number}号水库的管理员是{each},水库建于{1900 + number}年。\n\n{each}",
            source=each[:400],
            url=["javascript:window.hit=1", "data:text/html,<script>hit=1</script>", "//evil.example", None][
                number % 4
            ],
        )
        for number, each in enumerate(HOSTILE)
    ]


def test_nothing_of_fifty_hostile_texts_is_run_or_fetched(serve: Serve, visit: Visit) -> None:
    assert len(HOSTILE) == 50
    served = serve(corpus())
    page = visit(served.url)  # its end judges requests, dialogs and errors
    elements = page.locator("*").count()
    for number in range(50):
        turn = ask(page, f"第{number}号水库建于哪一年?")
        if turn.locator(".chip").count():
            turn.locator(".chip").first.click()
            page.locator("mark.lit").wait_for()
            page.click("#source-close")
    assert elements < page.locator("*").count()
    assert forbidden(page) == []
    page.reload()
    page.goto(f"{served.url}/#documents")
    page.locator("#list .document").nth(49).wait_for()
    for number in range(50):
        page.locator("#list .document .title").nth(number).click()
        page.locator("#source-text", has_text=f"第{number}号水库").wait_for()
    page.fill("#find", "管理员 script")
    page.press("#find", "Enter")
    page.locator("#found .snippet").first.wait_for()
    assert forbidden(page) == []
    for number in range(50):
        page.goto(f"{served.url}/documents/h{number}/view#0-9")
        page.locator("mark.lit").wait_for()
        assert forbidden(page) == []


def test_neither_a_model_nor_the_name_of_a_file_becomes_markup(serve: Serve, visit: Visit) -> None:
    fact = "第8号水库的管理员是<img src=x onerror=window.hit=1>,水库建于1908年"
    with ScriptedModel(lambda _: f"{fact}。[1]![图](http://evil.example/x.png)<script>window.hit=1</script>") as model:
        served = serve([Document(id="a", title="水库", text=f"{fact}。")], llm_base_url=model.url, llm_model="scripted")
        page = visit(served.url)
        turn = ask(page, "第8号水库建于哪一年?")
        assert "1908" in turn.locator(".answer").text_content()
        assert model.asked and forbidden(page) == []
        page.click("#to-documents")
        page.click("#add")
        name = "<img src=x onerror=window.hit=1>.exe"
        page.set_input_files("#file", [{"name": name, "mimeType": "text/plain", "buffer": b"MZ"}])
        page.locator("#uploads .error").wait_for()
        assert page.locator("#uploads .file").text_content() == name
        assert forbidden(page) == []


def test_no_text_makes_the_page_wider_than_a_phone(serve: Serve, visit: Visit) -> None:
    served = serve(corpus())
    page = visit(f"{served.url}/#documents", PHONE)
    page.locator("#list .document").nth(49).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for number in (20, 37, 38, 39):  # of some the title alone would fill the sheet
        page.locator("#list .document .title").nth(number).click()
        page.locator("#source-text", has_text=f"第{number}号水库").wait_for()
        assert page.locator("#source-close").bounding_box()["y"] > 0
        assert page.locator("#source-body").bounding_box()["height"] > 200
        page.click("#source-close")
    page.goto(served.url)
    for number in range(len(SCRIPTS), 50):
        ask(page, f"第{number}号水库建于哪一年?")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def forbidden(page: Any) -> list[str]:
    """What of the hostile texts has become more than text."""
    return list(
        page.evaluate(
            """() => {
              const never = "img, iframe, object, embed, video, base, math, xss, style, svg";
              const found = [...document.querySelectorAll(never)];
              const links = [...document.querySelectorAll("a")].filter((a) => !/^(https?:|blob:)/.test(a.protocol));
              const foreign = [...document.querySelectorAll("a, link, script")].filter((a) => {
                const url = a.href || a.src;
                return url && new URL(url).origin !== location.origin;
              });
              const handlers = [...document.querySelectorAll("*")].filter((node) =>
                [...node.attributes].some((attribute) => attribute.name.startsWith("on")));
              return [...found, ...links, ...foreign, ...handlers].map((n) => n.outerHTML.slice(0, 200))
                .concat(window.hit ? ["hit"] : []);
            }"""
        )
    )
