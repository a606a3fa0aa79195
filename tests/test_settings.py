"""Settings: the environment, its defaults, and errors an operator can read."""

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rag.embed import Options
from service.settings import Settings, explain


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("RAG_"):
            monkeypatch.delenv(name)


def complaint(**given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Settings(**given)
    return explain(caught.value)


def test_defaults_listen_on_loopback_only() -> None:
    settings = Settings()
    assert (settings.host, settings.port, settings.loopback) == ("127.0.0.1", 8000, True)
    assert settings.threshold is None and settings.embedding_model is None
    assert settings.threads >= 2


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_SEEDS_DIR", "/srv/texts")
    monkeypatch.setenv("RAG_PORT", "8123")
    monkeypatch.setenv("RAG_ALLOWED_HOSTS", "a.example, *.b.example,")
    monkeypatch.setenv("RAG_LOG_LEVEL", "WARNING")
    settings = Settings()
    assert settings.seeds_dir == Path("/srv/texts")
    assert settings.port == 8123
    assert settings.hosts == ("a.example", "*.b.example")
    assert settings.log_level == "warning"


def test_how_to_embed_reaches_the_model_to_the_last_space(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().embedding == Options()
    given = {"QUERY_PROMPT": "query: ", "PASSAGE_PROMPT": " 文\n", "MAX_TOKENS": "512", "TRUNCATE_DIM": "256"}
    for name, value in (given | {"BATCH_SIZE": "8", "DEVICE": "cuda:1"}).items():
        monkeypatch.setenv(f"RAG_EMBEDDING_{name}", value)
    assert Settings().embedding == Options("query: ", " 文\n", 512, 256, 8, "cuda:1")


def test_flags_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_PORT", "8123")
    assert Settings(port=9000).port == 9000


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAG_PORT", "RAG_EMBEDDING_MODEL", "RAG_ALLOWED_HOSTS", "RAG_THRESHOLD"):
        monkeypatch.setenv(name, "")
    assert Settings() == Settings(port=8000)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RAG_PORT", "abc", "RAG_PORT=abc (--port): "),
        ("RAG_PORT", "70000", "RAG_PORT=70000 (--port): "),
        ("RAG_THRESHOLD", "1.5", "RAG_THRESHOLD=1.5: "),
        ("RAG_THRESHOLD", "nan", "RAG_THRESHOLD=nan: "),
        ("RAG_ALLOW_ANONYMOUS", "perhaps", "RAG_ALLOW_ANONYMOUS=perhaps: "),
        ("RAG_EMBEDDING_TRUNCATE_DIM", "-1", "RAG_EMBEDDING_TRUNCATE_DIM=-1: "),
        ("RAG_EMBEDDING_BATCH_SIZE", "0", "RAG_EMBEDDING_BATCH_SIZE=0: "),
        ("RAG_EMBEDDING_DEVICE", "GPU 0", "RAG_EMBEDDING_DEVICE=GPU 0: "),
        ("RAG_LOG_LEVEL", "loud", "RAG_LOG_LEVEL=loud: "),
        ("RAG_ALLOWED_HOSTS", "a.*.example", "write example.org"),
        ("RAG_CORS_ORIGINS", "example.org", "write https://example.org"),
        ("RAG_PUBLIC_URL", "example.org", "write https://example.org"),
        ("RAG_PUBLIC_URL", "https://example.org/?a=1", "write https://example.org"),
        ("RAG_API_KEYS", "a:b", "name:read:KEY"),
        ("RAG_API_KEYS", "x-key-0123456789,a:all:b", "entry 2"),
        ("RAG_API_KEYS", "a:read:b c", "white space"),
        ("RAG_HOST", "http://127.0.0.1", "without scheme"),
    ],
)
def test_a_wrong_value_is_one_readable_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(name, value)
    line = complaint()
    assert name in line and said in line and "\n" not in line


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org"])
def test_listening_to_others_without_keys_must_be_said(host: str) -> None:
    assert "RAG_ALLOW_ANONYMOUS=1" in complaint(host=host)
    settings = Settings(host=host, allow_anonymous=True)
    assert not settings.loopback
    assert settings.hosts == ("*",)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_answers_to_its_own_names(host: str) -> None:
    settings = Settings(host=host)
    assert settings.loopback and "localhost" in settings.hosts and "*" not in settings.hosts


def test_a_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_API_KEYS", "name:all:hush")
    assert "hush" not in complaint()
    assert "hush" not in complaint(host="0.0.0.0", api_keys=("hush:x",))
    assert "hush" not in repr(Settings(api_keys=("hush-hush-hush-hush",)))


def test_an_unknown_setting_is_named() -> None:
    assert "RAG_PROT" in complaint(prot=1)
