"""docs/integrations.md is true: what it shows runs against the service, and prints what it says.

What needs packages that are not there is skipped; ``make integrations`` installs them in an environment of their own,
whose Python INTEGRATIONS_PYTHON names, and skips no Python.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from socket_server import Served

from service.settings import Settings

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")
HERE = "http://127.0.0.1:8000"
MODULES = ROOT / "tests" / "js" / "node_modules"
GIVEN = os.environ.get("INTEGRATIONS_PYTHON")
PYTHON = GIVEN or sys.executable
# A piece of code and what it prints.
SHOWN = re.findall(r"^```(sh|python|js)\n((?:(?!```).*\n)*)```\n\n```text\n((?:(?!```).*\n)*)```", TEXT, re.M)
CHANGING = re.compile(r'chatcmpl-[0-9a-f]+|"(?:created|confidence|score|\w+_tokens)": ?[0-9.]+')


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    vectors = tmp_path_factory.mktemp("vectors")
    with Served(None, Settings(seeds_dir=ROOT / "seeds", vectors_dir=vectors)) as running:
        until = time.monotonic() + 60
        while not ready(running.url):
            assert time.monotonic() < until
            time.sleep(0.1)
        yield running


def ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/readyz", timeout=5):
            return True
    except HTTPError:
        return False


def need(code: str) -> None:
    """Skips the test where what the code imports is not there, unless it should be."""
    names = re.findall(r"^(?:from|import) (\w+)", code, re.M)
    looking = "import sys; from importlib.util import find_spec; print(*(n for n in sys.argv[1:] if not find_spec(n)))"
    missing = subprocess.run([PYTHON, "-c", looking, *names], capture_output=True, encoding="utf-8", check=True).stdout
    if missing.strip() and not GIVEN:
        pytest.skip(f"{missing.strip()} is not installed: make integrations")


def lasting(output: str) -> str:
    """Without what differs from run to run."""
    return CHANGING.sub("", output).strip()


@pytest.mark.parametrize(("language", "code", "printed"), SHOWN, ids=[code.split("\n")[0][:40] for _, code, _ in SHOWN])
def test_it_prints_what_is_shown(served: Served, tmp_path: Path, language: str, code: str, printed: str) -> None:
    code = code.replace(HERE, served.url)
    if language == "sh":
        if not shutil.which("curl"):
            pytest.skip("curl is absent")
        command = ["bash", "-c", code]
    elif language == "python":
        need(code)
        command = [PYTHON, "-c", code]
    else:
        if not (shutil.which("node") and MODULES.is_dir()):
            pytest.skip("node is absent, or its packages are: run npm ci in tests/js")
        (tmp_path / "node_modules").symlink_to(MODULES)
        (tmp_path / "shown.mjs").write_text(code, encoding="utf-8")
        command = ["node", "shown.mjs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    assert lasting(done.stdout.replace(served.url, HERE)) == lasting(printed)


def test_the_page_that_gradio_makes_answers(served: Served, tmp_path: Path) -> None:
    (code,) = re.findall(r"^```python\n(import gradio(?:(?!```).*\n)*)```", TEXT, re.M)
    need(code)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    page = subprocess.Popen([PYTHON, "-c", code.replace(HERE, served.url)], cwd=tmp_path, env=environment)
    try:
        until = time.monotonic() + 120
        while not answers(f"http://127.0.0.1:{port}/"):
            assert page.poll() is None and time.monotonic() < until
            time.sleep(0.2)
        message = {"text": "川渝联合实施了多少项攻关核心技术项目?", "files": []}
        asking = f"from gradio_client import Client; print(Client('http://127.0.0.1:{port}/').predict({message}))"
        command = [PYTHON, "-c", asking]
        done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=120)
    finally:
        page.terminate()
        page.wait(20)
    assert done.returncode == 0, done.stderr
    (shown,) = {printed for _, code, printed in SHOWN if "ChatOpenAI" in code}
    assert lasting(shown) in done.stdout.replace(served.url, HERE)


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):
            return True
    except URLError:
        return False


def test_much_of_it_is_run() -> None:
    assert {language for language, _, _ in SHOWN} == {"sh", "python", "js"} and len(SHOWN) >= 7


def test_what_is_to_be_copied_as_json_is_json() -> None:
    for block in re.findall(r"^```json\n(.*?)^```", TEXT, re.M | re.S):
        json.loads(block)


def test_compose_tells_open_webui_what_is_shown() -> None:
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    shown = set(re.findall(r"^(ENABLE_\w+)=(\w+)$", TEXT, re.M))
    assert shown and shown == set(re.findall(r'^ +(ENABLE_\w+): "(\w+)"$', compose, re.M))


def test_files_that_it_names_exist() -> None:
    links = {link for link in re.findall(r"\]\(([^)#]+)\)", re.sub(r"`.*?`", "", TEXT)) if "://" not in link}
    assert links and {link for link in links if not (ROOT / "docs" / link).exists()} == set()
