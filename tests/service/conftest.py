"""Fixtures for the tests of the HTTP service; the engine behind it is a scripted one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from scripted_engine import ScriptedEngine
from starlette.testclient import TestClient

from service.app import create_app
from service.settings import Settings

if TYPE_CHECKING:
    from rag.engine import Engine

ClientMaker = Callable[..., TestClient]


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def make_client(tmp_path: Path, engine: ScriptedEngine) -> Iterator[ClientMaker]:
    """Makes clients of services with the given settings, on the scripted engine unless ``opener`` is given."""
    with ExitStack() as stack:

        def make(*, opener: Any = None, **settings: Any) -> TestClient:
            chosen = Settings(**{"allowed_hosts": ("testserver",), "vectors_dir": tmp_path / "vectors", **settings})
            app = (
                create_app(chosen, opener=opener) if opener is not None else create_app(chosen, cast("Engine", engine))
            )
            return stack.enter_context(TestClient(app))

        yield make


@pytest.fixture
def client(make_client: ClientMaker) -> TestClient:
    return make_client()
