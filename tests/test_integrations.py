"""docs/integrations.md is true: what it shows runs against the service, and prints what it says."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from socket_server import Served

from service.settings import Settings

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")
HERE = "http://127.0.0.1:8000"
MODULES = ROOT / "tests" / "js" / "node_modules"
# A piece of code and what it prints.
SHOWN = re.findall(r"^```(sh|python|js)\n(.*?)^```\n\n```text\n(.*?)^```", TEXT, re.M | re.S)
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
        needed = re.findall(r"^(?:from|import) (\w+)", code, re.M)
        if missing := [name for name in needed if find_spec(name) is None]:
            pytest.skip(f"{', '.join(missing)} is not installed")
        command = [sys.executable, "-c", code]
    else:
        if not (shutil.which("node") and MODULES.is_dir()):
            pytest.skip("node is absent, or its packages are: run npm ci in tests/js")
        (tmp_path / "node_modules").symlink_to(MODULES)
        (tmp_path / "shown.mjs").write_text(code, encoding="utf-8")
        command = ["node", "shown.mjs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    assert lasting(done.stdout.replace(served.url, HERE)) == lasting(printed)


def test_much_of_it_is_run() -> None:
    assert {language for language, _, _ in SHOWN} == {"sh", "python", "js"} and len(SHOWN) >= 7


def test_what_is_to_be_copied_as_json_is_json() -> None:
    for block in re.findall(r"^```json\n(.*?)^```", TEXT, re.M | re.S):
        json.loads(block)


def test_files_that_it_names_exist() -> None:
    links = {link for link in re.findall(r"\]\(([^)#]+)\)", re.sub(r"`.*?`", "", TEXT)) if "://" not in link}
    assert links and {link for link in links if not (ROOT / "docs" / link).exists()} == set()
