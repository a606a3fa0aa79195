"""Run as a process by ``test_linear``: measures patterns and parsers on the pathological kinds.

``python linear_child.py patterns|parsers START EVERY`` takes up the work at number START, does
one job in EVERY and writes one JSON line before
each measurement, ``{"at": number, "what": name}``, and one for each that grows too fast, ``{"slow": name, ...}``.
One measurement that takes more processor time than ``GUARD`` seconds ends the process (SIGPROF).
"""

import contextlib
import dataclasses
import importlib
import inspect
import json
import pkgutil
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

from pathological import KINDS

import rag
import service
from rag.errors import InvalidInput
from rag.types import Document

SMALL, MIDDLE, LARGE = 12_500, 50_000, 200_000  # characters
GUARD = 3.0  # seconds of processor time for one call
COUNTS, GROWTH = (
    0.05,
    7.0,
)  # seconds from which a time counts; growth allowed for four times the input: five, and room for a busy machine
TRIVIAL = 0.0002  # a quadratic call that takes so little on SMALL takes no more than COUNTS on LARGE
LITTLE, LINEAR = 0.0006, 8.0  # nor one that takes so little, and so much more than on a quarter of SMALL

# What the code passes to these is never longer (characters), whatever a document or a client sends.
BOUNDS = {
    "rag.answering": 500,  # a chunk, or a sentence of one
    "rag.analyze": 2_000,  # a chunk with its title and headings, or a question
    "rag.verify": 20_000,  # an answer that is checked (check.LONGEST)
    "rag.followup": 2_000,  # a question, or a turn of the history
    "rag.question": 2_000,
    "rag.gloss": 2_000,
    "rag.suggest": 500,  # a chunk
    "service.chat": 4_000,  # a message as it is analysed
    "service.access": 8_000,  # a header or a path
    "rag.ingest.lines:_CRUMB": 120,  # is_crumbs
    "rag.ingest.lines:_PLACE": 120,
    "rag.ingest.lines:_CAPTION": 120,  # is_caption
    "rag.ingest.lines:_META": 120,  # is_metadata
    "rag.ingest.lines:_TERMINAL": 40,  # is_terminated
    "rag.ingest.fields:_": 200,  # lines longer than that are not looked at
    "rag.ingest.web_fields:_MARK": 300,  # without_site
    "rag.ingest.web_fields:_SITE_NAMES": 60,
    "rag.ingest.pdf_lines:_NUMBER": 60,
    "rag.text:_LIST_NUMBER": 500,
}
_OF_ENTRIES = frozenset({"rag.gloss:gloss", "rag.verify.figures:value"})  # take words that are in a table
_EXTRA = ("rag.ingest.pdf_child",)  # bound their process themselves


def measure(call: Callable[[str], Any], text: str) -> float:
    """Return the processor time of ``call(text)`` in seconds; refusing bad input is an answer."""
    signal.setitimer(signal.ITIMER_PROF, GUARD)
    began = time.process_time()
    try:
        with contextlib.suppress(InvalidInput):
            call(text)
    finally:
        took = time.process_time() - began
        signal.setitimer(signal.ITIMER_PROF, 0)
    return took


def grows_too_fast(call: Callable[[str], Any], kind: str, longest: int) -> tuple[float, float] | None:
    """Return the times for a quarter and for all of the longest input where they grow too fast, else None."""
    large = min(LARGE, longest)
    if large <= 2_000:  # nothing to grow: what counts is that the bounded input is quick
        took = measure(call, _text(kind, large))
        return (0.0, took) if took > 10 * COUNTS else None
    first = min(SMALL, large // 4)
    small = measure(call, _text(kind, first))
    if small < TRIVIAL * (large == LARGE):
        return None
    if small < LITTLE and large == LARGE and small < LINEAR * measure(call, _text(kind, first // 4)):
        return None
    took = measure(call, _text(kind, large))
    if took < COUNTS:
        return None
    for _ in range(3):  # a loaded machine: what grows too fast does so each time
        quarter = measure(call, _text(kind, large // 4))
        if took <= GROWTH * quarter or took < COUNTS:
            return None
        took = min(took, measure(call, _text(kind, large)))
    return quarter, took


@lru_cache(maxsize=1_000)
def _text(kind: str, length: int) -> str:
    return KINDS[kind](length)


def modules() -> Iterator[ModuleType]:
    """Yield every module of the project that can be imported here."""
    for package in (rag, service):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name not in _EXTRA and not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def bound(name: str) -> int:
    """Return how long the input of a pattern or parser can be; names are ``module:attribute``."""
    return min((size for prefix, size in BOUNDS.items() if name.startswith(prefix)), default=LARGE)


def patterns() -> dict[str, Callable[[str], Any]]:
    """Return every compiled pattern of the project with each method that its own module, or any, calls it by."""
    found: dict[tuple[str, int], tuple[str, re.Pattern[str], str]] = {}
    for module in modules():
        source = Path(module.__file__ or "").read_text(encoding="utf-8")
        for attribute, value in vars(module).items():
            for path, pattern in _inside(value, attribute, 4):
                if isinstance(pattern.pattern, str):
                    entry = (f"{module.__name__}:{path}", pattern, source)
                    found.setdefault((pattern.pattern, pattern.flags), entry)
    out: dict[str, Callable[[str], Any]] = {}
    for name, pattern, source in found.values():
        attribute = re.split(r"[\[.]", name.partition(":")[2])[0]
        used = set(re.findall(rf"\b{re.escape(attribute)}\.(search|match|fullmatch|sub|split|find)", source))
        for method in sorted(used or {"search"}):
            out[f"{name}.{method}"] = partial(_apply, pattern, method)
    return out


def _apply(pattern: re.Pattern[str], method: str, text: str) -> None:
    if method == "find":
        for _ in pattern.finditer(text):
            pass
    elif method == "sub":
        pattern.sub("", text)
    else:
        getattr(pattern, method)(text)


def _inside(value: Any, path: str, depth: int) -> Iterator[tuple[str, re.Pattern[Any]]]:
    if isinstance(value, re.Pattern):
        yield path, value
    elif depth and isinstance(value, Mapping) and len(value) < 500:
        for key, inner in value.items():
            yield from _inside(inner, f"{path}[{key}]", depth - 1)
    elif depth and isinstance(value, (list, tuple, set, frozenset)) and len(value) < 500:
        for number, inner in enumerate(value):
            yield from _inside(inner, f"{path}[{number}]", depth - 1)
    elif depth and dataclasses.is_dataclass(value) and not isinstance(value, type):
        for one in dataclasses.fields(value):
            yield from _inside(getattr(value, one.name, None), f"{path}.{one.name}", depth - 1)


_PARSED = (
    *(
        "rag.ingest",
        "rag.text",
        "rag.outline",
        "rag.chunk",
        "rag.question",
        "rag.followup",
        "rag.reprints",
        "rag.names",
    ),
    *("rag.relative_years", "rag.verify", "rag.suggest", "rag.answering", "rag.gloss", "rag.analyze", "service.chat"),
)


def parsers() -> dict[str, Callable[[str], Any]]:
    """Return every public function that takes nothing but texts, a file's bytes or a document, and whole files.

    New functions of these packages are found by their annotations.
    """
    out: dict[str, Callable[[str], Any]] = {}
    for module in modules():
        if not module.__name__.startswith(_PARSED):
            continue
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", "") != module.__name__ or isinstance(value, type):
                continue
            call = _caller(value)
            if call is not None and f"{module.__name__}:{name}" not in _OF_ENTRIES:
                out[f"{module.__name__}:{name}"] = call
    return out | {f"file {ending}": partial(_read_file, ending) for ending in (".txt", ".md", ".html", ".mhtml")}


def _caller(function: Any) -> Callable[[str], Any] | None:
    try:
        signature = inspect.signature(function, eval_str=True)
        required = [each for each in signature.parameters.values()
                    if each.default is each.empty]  # fmt: skip
    except (TypeError, ValueError, NameError):
        return None
    if any(each.kind is not each.POSITIONAL_OR_KEYWORD for each in required):
        return None
    makers: dict[Any, Callable[[str], Any]] = {str: str, bytes: _encode, Document: _document}
    if not required or len(required) > 3 or any(each.annotation not in makers for each in required):
        return None
    make = [makers[each.annotation] for each in required]

    def call(text: str) -> Any:
        done = function(*(one(text) for one in make))
        return list(done) if isinstance(done, Iterator) else done

    return call


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _document(text: str) -> Document:
    return Document(id="a", text=text, title="标题")


def _read_file(ending: str, text: str) -> None:
    from rag.chunk import chunk
    from rag.ingest import parse

    head = "Content-Type: text/html; charset=utf-8\n\n" if ending == ".mhtml" else ""
    chunk(parse(_encode(head + text), f"a{ending}"))


def main() -> None:
    """Measure from the number given on the command line on."""
    work = patterns() if sys.argv[1] == "patterns" else parsers()
    for call in work.values() if sys.argv[1] == "parsers" else ():
        measure(call, "重庆市在哪里？")  # tables and models are read at the first call
    jobs = [(name, kind) for name in work for kind in KINDS]
    every = int(sys.argv[3])
    for number in range(int(sys.argv[2]), len(jobs)):
        if number % every:
            continue
        name, kind = jobs[number]
        print(json.dumps({"at": number, "what": f"{name} on {kind}"}), flush=True)
        try:
            times = grows_too_fast(work[name], kind, bound(name))
        except Exception as error:
            print(json.dumps({"slow": f"{name} on {kind}", "raised": repr(error)}), flush=True)
            continue
        if times:
            print(json.dumps({"slow": f"{name} on {kind}", "quarter": times[0], "whole": times[1]}), flush=True)
    print(json.dumps({"done": len(work), "jobs": len(jobs)}), flush=True)


if __name__ == "__main__":
    main()
