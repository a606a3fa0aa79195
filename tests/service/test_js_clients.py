"""The JavaScript packages that many front ends are built on, run by node against the service.

Skipped unless ``npm ci`` was run in ``tests/js``, which make does where there is npm; nothing else needs node.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from scripted_engine import ScriptedEngine
from socket_server import Served

from service.chat.writing import HEADING
from service.settings import Settings

SCRIPTS = Path(__file__).parents[1] / "js"
QUESTION = "代表团什么时候提交建议?"


@pytest.mark.skipif(
    not (shutil.which("node") and (SCRIPTS / "node_modules" / "ai").is_dir()),
    reason="node is absent, or its packages are: run npm ci in tests/js",
)
def test_the_ai_sdk_and_the_openai_package(engine: ScriptedEngine) -> None:
    with Served(engine, Settings(search_threads=2, api_keys=("js:read:the-key-of-js-clients",))) as served:
        done = subprocess.run(
            ["node", "ask.mjs", served.url, "the-key-of-js-clients", QUESTION],
            cwd=SCRIPTS, capture_output=True, encoding="utf-8", timeout=120,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    text = found["openaiPlain"]["text"]
    assert HEADING in text and f"]({served.url}/documents/seed-1/view#2-15)" in text
    assert {found[name]["text"] for name in ("aiPlain", "aiStreamed", "openaiStreamed")} == {text}
    assert found["aiPlain"]["finish"] == found["aiStreamed"]["finish"] == "stop"
    usage = {found["aiPlain"]["usage"], found["aiStreamed"]["usage"], found["openaiStreamed"]["usage"]}
    assert usage == {len(QUESTION) + len(text)}
    assert [each["type"] for each in found["openaiPlain"]["annotations"]] == ["url_citation"]
    assert found["aiError"]["status"] == 404 and "chengyu-rag" in found["aiError"]["message"]
    assert found["openaiError"] == {"status": 404, "code": "model_not_found"}
    assert found["models"] == ["chengyu-rag"]
