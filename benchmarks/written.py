"""Questions put to the service with a language model behind it, and without.

    make written                                                # SmolLM2 behind llama.cpp
    python -m benchmarks.written --server URL --model NAME      # another one, its key in RAG_LLM_API_KEY
    python -m benchmarks.written --scripted                     # none: sentences of passages

Every question of a file, the project's own or with ``--shared`` those of proposal-dev, is asked of the documents in
seeds/ over HTTP, streamed, one at a time, all with ``mode`` extractive and all with auto, each of a service just
started: they are new to it. Replies are judged as ``rag eval`` judges them, and each quote is compared with its
document. Between the service and the model stands a relay that takes the time (``benchmarks.relay``); with
``--scripted`` it speaks itself, at once and in one more round after 100 ms. What became of calls and of sentences is
what ``/metrics`` says. Prints a table and puts it between the marks in ``--out``.
"""

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks import section, small_model
from benchmarks.relay import Relay
from benchmarks.service import QUESTIONS, ROOT, first_answer, rag, service
from rag.evaluate import Item, judge, read
from rag.types import Answer, Citation

MODES = ("extractive", "auto")
WARM = "协同创新能力怎样增强?"
THINKS = 0.1  # seconds
COLUMNS = {"extractive": "extractive", "auto": "with the model", "thinks": "with one that thinks 100 ms first"}


@dataclass
class Asked:
    """One reply, judged. Times are milliseconds: to the first part of the answer, to the end, and of that the
    model's."""

    item: Item
    reply: Mapping[str, Any]
    right: bool
    verbatim: bool
    first: float
    total: float
    model: float

    @property
    def ours(self) -> float:
        return self.total - self.model


def main() -> None:
    """Ask, judge, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, help="folder whose eval/proposal-dev.jsonl is asked")
    parser.add_argument("--server", help="address of another model's server, http://…/v1")
    parser.add_argument("--model", default=small_model.NAME, help="its name there")
    parser.add_argument("--scripted", action="store_true", help="no model: what the service itself takes")
    parser.add_argument("--prompts", type=Path, default=small_model.PROMPTS, help="folder of its prompts")
    parser.add_argument("--characters", type=int, default=500, help="of passages that the model is given")
    parser.add_argument("--timeout", type=int, default=60, help="seconds that it may take")
    parser.add_argument("--show", action="store_true", help="print what it wrote")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md", help="file with the marks")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args()
    if not (options.server or options.scripted or small_model.weights()):
        raise SystemExit("There is no model: make real-llm installs one, --server names another.")
    questions = options.shared / "eval" / "proposal-dev.jsonl" if options.shared else QUESTIONS
    load, items = section.load(), read(questions)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = options.server
        if not (server or options.scripted):
            server = stack.enter_context(small_model.serving(folder / "log"))
        relay = stack.enter_context(Relay(None if options.scripted else server))
        settings = {"RAG_LLM_BASE_URL": relay.url, "RAG_LLM_MODEL": options.model}
        settings |= {"RAG_LLM_TIMEOUT": str(options.timeout), "RAG_LLM_CONTEXT_CHARS": str(options.characters)}
        settings |= {name: value for name, value in os.environ.items() if name == "RAG_LLM_API_KEY"}
        settings |= {} if options.scripted else {"RAG_LLM_PROMPTS_DIR": str(options.prompts)}
        rag("build", folder / "vectors")
        rows: dict[str, list[Asked]] = {}
        for mode in MODES:
            rows[mode], counted = measure(folder / "vectors", settings, relay, items, mode)
        if options.scripted:
            relay.thinks = THINKS
            rows["thinks"], _ = measure(folder / "vectors", settings, relay, items, "auto")
    if options.show:
        for row in rows["auto"]:
            print(
                row.item["question"], row.reply["mode"], row.right, row.reply["answer"], sep="\n    ", file=sys.stderr
            )
    command = "python -m benchmarks.written" + (" --shared ../shared" if options.shared else "")
    given = f" --model {options.model} --characters {options.characters} --timeout {options.timeout}"
    command += " --scripted" if options.scripted else given
    text = f"`{command}`, {section.machine()}, load {load:.1f} before, {date.today().isoformat()}\n\n"
    text += table(rows, judged=not options.scripted)
    if not options.scripted:
        text += outcomes(counted)
    print(text)
    if not options.dry:
        section.write(options.out, "written-scripted" if options.scripted else "written", text)


def measure(
    vectors: Path, settings: Mapping[str, str], relay: Relay, items: Sequence[Item], mode: str
) -> tuple[list[Asked], dict[str, Counter[str]]]:
    """All questions, of a service started for them; and what became of calls and sentences."""
    with service(vectors, settings=dict(settings)) as (process, port, _):
        first_answer(process, port, json.dumps({"question": "什么?", "mode": "extractive"}).encode()).close()
        connection = HTTPConnection("127.0.0.1", port, timeout=60 + float(settings["RAG_LLM_TIMEOUT"]))
        ask(connection, relay, {**items[0], "question": WARM}, "auto")  # what is loaded on first use
        before = metrics(connection)
        rows = [ask(connection, relay, item, mode) for item in items]
        counted = {what: some - before[what] for what, some in metrics(connection).items()}
        connection.close()
    return rows, counted


def ask(connection: HTTPConnection, relay: Relay, item: Item, mode: str) -> Asked:
    """One question, streamed."""
    body = {"question": item["question"], "history": item.get("history", []), "mode": mode, "stream": True}
    began, first, reply = time.perf_counter(), 0.0, None
    connection.request("POST", "/ask", json.dumps(body).encode(), {"Content-Type": "application/json"})
    response = connection.getresponse()
    while line := response.readline():
        if line == b"event: delta\n" and not first:
            first = time.perf_counter() - began
        if line.startswith(b'data: {"answer":'):
            total = time.perf_counter() - began
            reply = json.loads(line.removeprefix(b"data: "))
    if reply is None:
        raise SystemExit(f"{item['id']}: the reply has no end.")
    times = (1e3 * first, 1e3 * total, 1e3 * relay.taken())
    connection.close()  # which the service did, where the model's server went on for long; the next request opens it
    return Asked(item, reply, right(reply, item), verbatim(connection, reply), *times)


def right(reply: Mapping[str, Any], item: Item) -> bool:
    """Whether a reply is what is wanted: of a question without an answer, that it is refused."""
    if not item["answerable"]:
        return not reply["answerable"] and not reply["citations"]
    cited = tuple(Citation(**each) for each in reply["citations"])
    names = ("answerable", "confidence", "reason", "question_resolved", "mode", "timings_ms")
    given = {name: reply[name] for name in names}
    return bool(judge(Answer(text=reply["answer"], pieces=(), citations=cited, passages=(), **given), item)["right"])


def verbatim(connection: HTTPConnection, reply: Mapping[str, Any]) -> bool:
    """Whether every quote is the span of its document that it says it is."""
    for each in reply["citations"]:
        text = json.loads(get(connection, f"/documents/{quote(each['document_id'], safe='')}"))["text"]
        if text[each["start"] : each["end"]] != each["quote"]:
            return False
    return True


def get(connection: HTTPConnection, path: str) -> bytes:
    """What the service has at a path."""
    connection.request("GET", path)
    return connection.getresponse().read()


def metrics(connection: HTTPConnection) -> dict[str, Counter[str]]:
    """What became of calls and of sentences."""
    text = get(connection, "/metrics").decode()
    return {
        what: Counter({m[1]: int(float(m[2])) for m in re.finditer(rf'^{name}{{\w+="([^"]*)"}} (\S+)$', text, re.M)})
        for what, name in (("calls", "rag_model_total"), ("sentences", "rag_model_sentences_total"))
    }


def table(rows: Mapping[str, Sequence[Asked]], *, judged: bool) -> str:
    """The figures."""
    modes = list(rows)
    lines = ["| | " + " | ".join(COLUMNS[mode] for mode in modes) + " |", "|---|" + "--:|" * len(modes)]

    def row(what: str, count: Callable[[Sequence[Asked]], object], among: Sequence[str] = modes) -> None:
        lines.append(f"| {what} | " + " | ".join(str(count(rows[m])) if m in among else "" for m in modes) + " |")

    asked = [sum(bool(r.item["answerable"]) is side for r in rows["auto"]) for side in (True, False)]
    if judged:
        row(f"right, of {sum(asked)}", lambda some: sum(r.right for r in some))
        row(f"refused, of {asked[1]} without an answer", lambda some: refusals(some, False))
        row(f"refused, of {asked[0]} that have one", lambda some: refusals(some, True))
        row("answered, and not right", lambda some: sum(bool(r.reply["answerable"]) and not r.right for r in some))
        row("replies with a quote that is not in its document", lambda some: sum(not r.verbatim for r in some))
    row("ms to the first part, median", lambda some: middle(r.first for r in some))
    row("ms to the end, median", lambda some: middle(r.total for r in some))
    written = modes[1:]
    row("times that the model was asked", lambda some: sum(r.model > 0 for r in some), written)
    row("… ms then to the end, median", lambda some: middle(r.total for r in of_model(some)), written)
    row("… of that the model's own", lambda some: middle(r.model for r in of_model(some)), written)
    row("… of that ours, median / most", lambda some: spread(r.ours for r in of_model(some)), written)
    if not judged:
        row(
            "… ours before the first part, median / most",
            lambda some: spread(r.first - r.model for r in of_model(some)),
            written,
        )
    return "\n".join(lines)


def of_model(some: Sequence[Asked]) -> Sequence[Asked]:
    """Those of which the model was asked; all where it never was."""
    return [r for r in some if r.model] or some


def outcomes(counted: Mapping[str, Mapping[str, int]]) -> str:
    """What became of questions and of sentences, in words."""
    calls, sentences = counted["calls"], counted["sentences"]
    total = sum(sentences.values())
    said = ", ".join(f"{name} {n}" for name, n in _ordered(calls))
    shares = ", ".join(f"{name} {n / total:.0%}" for name, n in _ordered(sentences))
    return f"\n\nWhat became of the questions: {said}. Of the model's {total} sentences: {shares or 'none'}."


def _ordered(found: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(((name, n) for name, n in found.items() if n), key=lambda each: -each[1])


def refusals(some: Sequence[Asked], answerable: bool) -> int:
    """How many were refused, of those that have an answer, or of those that have none."""
    return sum(not r.reply["answerable"] for r in some if bool(r.item["answerable"]) is answerable)


def spread(values: Iterable[float]) -> str:
    """The median and the greatest."""
    all = list(values)
    return f"{middle(all)} / {max(all):.0f}"


def middle(values: Iterable[float]) -> str:
    """The median."""
    return f"{statistics.median(values):.0f}"


if __name__ == "__main__":
    main()
