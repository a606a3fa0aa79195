"""How fast the page is in a real browser: first paint, weight, first words of an answer, opening a source.

    make page
    python -m benchmarks.page --documents 200

Starts a service with that many documents of 50,000 characters each and Debian's Chromium. Prints a table and puts it
between the marks of docs/benchmarks.md. Exits with 1 where a bound of the table is not held.
"""

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks import section
from benchmarks.moving import question, text
from benchmarks.service import RAG, ROOT, first_answer, service, timed

LENGTH = 50_000  # characters of a document
TIMES = 15
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]

# Milliseconds from a deed of the reader until what it was for has been laid out and painted.
UNTIL = """([deed, selector]) => new Promise((resolve) => {
  const began = performance.now();
  const look = () => {
    const found = document.querySelector(selector);
    if (found && found.textContent) requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
    else requestAnimationFrame(look);
  };
  deed === "ask" ? document.getElementById("form").requestSubmit() : document.querySelector(deed).click();
  look();
})"""
PAINT = "performance.getEntriesByType('paint').find((e) => e.name === 'first-contentful-paint').startTime"
SHOWN = """new Promise((resolve) => {
  const look = () => document.querySelector("mark.lit")
    ? requestAnimationFrame(() => setTimeout(() => resolve(performance.now())))
    : requestAnimationFrame(look);
  look();
})"""
WEIGHT = """performance.getEntriesByType("resource").filter((e) => e.name.includes("/assets/"))
  .reduce((sum, e) => sum + e.decodedBodySize, performance.getEntriesByType("navigation")[0].decodedBodySize)"""


def article(number: int) -> str:
    """One whose facts stand somewhere in the midst of 50,000 characters."""
    choice = random.Random(number)
    parts = [text(10_000 + choice.randrange(10_000)).split("\n\n", 1)[1] for _ in range(LENGTH // 500)]
    parts.insert(choice.randrange(len(parts)), text(number))
    return "\n".join(parts)[:LENGTH]


def measure(documents: int, chromium: str) -> dict[str, list[float]]:
    """Milliseconds of each kind, and kilobytes of the page."""
    from playwright.sync_api import sync_playwright

    found: dict[str, list[float]] = {name: [] for name in ("paint", "weight", "delta", "pane", "view")}
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder, "seeds")
        seeds.mkdir()
        for number in range(documents):
            (seeds / f"n{number}.txt").write_text(article(number), encoding="utf-8")
        vectors = Path(folder, "vectors")
        timed([str(RAG), "build", "--seeds", str(seeds), "--vectors", str(vectors)])
        with service(vectors, seeds) as (process, port, _), sync_playwright() as playwright:
            first_answer(process, port, b'{"question": "?"}').close()
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            url = f"http://127.0.0.1:{port}"
            for number in range(TIMES + 1):
                context = browser.new_context(viewport={"width": 1280, "height": 800})
                taken = once(context.new_page(), url, number)
                context.close()
                for name, value in taken.items() if number else ():  # the first one warms both sides
                    found[name].append(value)
            browser.close()
    return found


def once(page: Any, url: str, number: int) -> dict[str, float]:
    """What a reader who comes with nothing in the cache waits for."""
    page.goto(url)
    page.locator("#hero").wait_for()
    page.wait_for_load_state("networkidle")
    taken = {"paint": page.evaluate(PAINT), "weight": page.evaluate(WEIGHT) / 1024}
    page.fill("#question", question(number))
    taken["delta"] = page.evaluate(UNTIL, ["ask", ".answer"])
    page.locator(".actions").wait_for()
    taken["pane"] = page.evaluate(UNTIL, [".chip", "mark.lit"])
    link = page.locator(".chip").first.get_attribute("href")
    page.goto("about:blank")
    page.goto(url + link, wait_until="commit")
    taken["view"] = page.evaluate(SHOWN)
    return taken


def main() -> None:
    """Measure, print, write, judge."""
    parser = argparse.ArgumentParser(description="How fast the page is in a real browser.")
    parser.add_argument("--documents", type=int, default=200, help="of 50,000 characters each")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md", help="file with the marks")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        sys.exit("Chromium is absent: install it (apt-get install chromium fonts-noto-cjk), or name it in CHROMIUM.")
    found = measure(options.documents, chromium)
    middle = {name: statistics.median(values) for name, values in found.items()}
    rows = [
        ("first paint of `/`, nothing cached", "paint", 200, "ms"),
        ("everything that `/` loads", "weight", 100, "KiB"),
        ("question sent to first words painted", "delta", 100, "ms"),
        ("citation clicked to its span lit and painted beside the answer", "pane", 300, "ms"),
        ("link to a span opened, to the span lit and painted", "view", 300, "ms"),
    ]
    lines = ["| what | median | slowest | wanted |", "|---|--:|--:|--:|"]
    for what, name, wanted, unit in rows:
        lines.append(f"| {what} | {middle[name]:.0f} {unit} | {max(found[name]):.0f} {unit} | ≤ {wanted} {unit} |")
    said = (
        f"`python -m benchmarks.page --documents {options.documents}`, {section.machine()}, {date.today()}; "
        f"{options.documents} documents of {LENGTH:,} characters, {TIMES} visits, each question new.\n\n"
        + "\n".join(lines)
    )
    print(said)
    if not options.dry:
        section.write(options.out, "page", said)
    sys.exit(any(middle[name] > wanted for _, name, wanted, _ in rows))


if __name__ == "__main__":
    main()
