"""The READMEs are true: their commands run, the reply shown is the reply, every setting is in the table."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.en.md")
ELSEWHERE = ("git clone ", "cd ", "docker ")  # need a network, or an engine for containers
LONG = ("test", "benchmark", "retrieval", "train")  # targets of make that are only looked up
RAG = Path(sys.prefix) / "bin" / "rag"

needs_tools = pytest.mark.skipif(
    not (shutil.which("make") and shutil.which("curl") and RAG.exists()),
    reason="make, curl or the command rag is absent",
)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text(name), re.M | re.S)


def commands(name: str = READMES[0]) -> list[str]:
    return [line for block in blocks(name, "sh") for line in block.splitlines() if line]


def run_here() -> list[str]:
    """Commands that are executed against the running service; the service itself is started by ``make serve``."""
    return [
        command
        for command in commands()
        if not command.startswith(ELSEWHERE)
        and "make serve" not in command
        and command not in [f"make {target}" for target in LONG]
    ]


@dataclass
class Home:
    """A clone as the README leaves it, with the service running in it."""

    folder: Path
    port: int
    environment: dict[str, str]

    def run(self, command: str) -> str:
        """Output of one command of the README; fails where the command does."""
        for given, here in {
            "http://127.0.0.1:8000": f"http://127.0.0.1:{self.port}",
            "curl -s": "curl -S --fail-with-body --max-time 60 -s",
            ".venv/bin/": f"{RAG.parent}/",
        }.items():
            command = command.replace(given, here)
        if command.startswith("make "):
            command = f"{MAKE} {command.removeprefix('make ')}"
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


# The environment that runs the tests is taken as it is (-o), so that nothing is installed in the middle of them.
MAKE = f"make --no-print-directory -o {sys.prefix}/.run VENV={sys.prefix}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("clone")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    for name in ("seeds", "benchmarks", "examples"):
        shutil.copytree(ROOT / name, folder / name)

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "MAKE", "MFLAGS"))}
    here = Home(folder, port, environment | {"PYTHONUTF8": "1"})
    log = folder / "service.log"
    with log.open("w", encoding="utf-8") as out:
        serve = ["bash", "-c", f"RAG_PORT={port} {MAKE} serve"]
        service = subprocess.Popen(serve, cwd=folder, env=here.environment, stderr=out, start_new_session=True)
    try:
        wait_until_ready(port, service, log)
        yield here
    finally:
        os.killpg(service.pid, signal.SIGINT)
        service.wait(20)


def wait_until_ready(port: int, service: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and service.poll() is None and "ERROR" not in log.read_text(encoding="utf-8"):
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))


@needs_tools
def test_the_commands_run(home: Home) -> None:
    outputs = {command: home.run(command) for command in run_here()}
    assert len(outputs) >= 10
    for command, output in outputs.items():
        assert output.strip() or command.startswith("cp ") or "DELETE" in command, command
    asked = next(output for command, output in outputs.items() if command.startswith("make ask"))
    assert "137个" in asked and "[1]" in asked


@needs_tools
def test_what_the_commands_added_is_answered_by_the_running_service(home: Home) -> None:
    for command in run_here():
        if command.startswith(("cp ", "make build")) or "/documents" in command:
            home.run(command)  # once more: adding the same again changes nothing
    reply = json.loads(home.run(question().replace("川渝联合实施了多少项攻关核心技术项目?", "青江大桥全长多少米?")))
    assert "2386米" in reply["answer"]
    cited = reply["citations"][0]
    assert "bridge.txt" in {cited["document_id"], *cited["also"]}  # it was sent as a file besides
    assert reply["index"]["documents"] == 6


def question() -> str:
    return next(command for command in commands() if "/ask " in command)


@needs_tools
@pytest.mark.parametrize("name", READMES)
def test_the_reply_shown_is_the_reply(home: Home, name: str) -> None:
    shown = json.loads(blocks(name, "json")[0])
    assert lasting(json.loads(home.run(question()))) == lasting(shown)


def lasting(reply: Any, key: str = "") -> Any:
    """The reply without what differs from run to run or with the weights."""
    if key in ("confidence", "score", "timings_ms", "index"):
        return sorted(reply) if isinstance(reply, dict) else None
    if isinstance(reply, dict):
        return {name: lasting(value, name) for name, value in reply.items()}
    return [lasting(each) for each in reply] if isinstance(reply, list) else reply


@needs_tools
def test_a_question_reaches_the_command_as_it_was_typed(home: Home) -> None:
    typed = """-x $HOME $(touch harm) $(shell touch harm) `touch harm` "a" 'b' \\ # ; touch harm 100%"""
    given = subprocess.run(
        [*MAKE.split(), "search", f"Q={typed}", f"BIN={home.folder}/bin"],
        cwd=fake_rag(home.folder), env=home.environment, capture_output=True, encoding="utf-8", timeout=30,
    )  # fmt: skip
    assert given.stdout == f"search\n--\n{typed}\n", given.stderr
    assert not (home.folder / "harm").exists()


def fake_rag(folder: Path) -> Path:
    """A command ``rag`` that prints its arguments."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "rag").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    (folder / "bin" / "rag").chmod(0o755)
    return folder


def test_both_languages_hold_the_same_commands_and_replies() -> None:
    assert commands(READMES[0]) == commands(READMES[1])
    assert blocks(READMES[0], "json") == blocks(READMES[1], "json")


@pytest.mark.parametrize("name", READMES)
def test_targets_files_and_links_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.M))
    assert {command.split("make ")[1].split()[0] for command in commands(name) if "make " in command} <= targets
    links = {link for link in re.findall(r"\]\(([^)]+)\)", text(name)) if "://" not in link}
    assert {link for link in links if not (ROOT / link).exists()} == set()
    assert {
        folder for folder in re.findall(r"^\| `([a-z]+)/`", text(name), re.M) if not (ROOT / folder).is_dir()
    } == set()


@pytest.mark.parametrize("name", READMES)
def test_every_setting_is_in_the_table_with_its_default(name: str) -> None:
    rows = dict(re.findall(r"^\| `(RAG_[A-Z_]+)` \| (\S+) \|", text(name), re.M))
    assert rows == {f"{PREFIX}{field.upper()}": default(info.default) for field, info in Settings.model_fields.items()}


def test_the_english_table_says_what_the_code_says() -> None:
    for field, info in Settings.model_fields.items():
        assert f"| `{PREFIX}{field.upper()}` | {default(info.default)} | {info.description} |" in text("README.en.md")


def default(value: Any) -> str:
    if value is None or value == ():
        return "—"
    return f"`{int(value) if isinstance(value, bool) else value}`"
