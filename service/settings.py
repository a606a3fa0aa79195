"""Settings of the service, and the only place that reads the environment.

Every field is an environment variable ``RAG_`` + its name in capitals; values given to ``Settings(...)`` (the flags
of ``rag``) win over the environment. An empty variable counts as unset.
"""

import ipaddress
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.access import keys
from service.prefix import parse_prefix

if TYPE_CHECKING:
    from rag.embed import Options

PREFIX = "RAG_"
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")

_FLAGS = {
    "seeds_dir": "--seeds",
    "vectors_dir": "--vectors",
    "host": "--host",
    "port": "--port",
    "workers": "--workers",
    "root_path": "--root-path",
}


def _split(value: object) -> object:
    """``"a, b"`` to ``("a", "b")``: lists are written with commas in the environment."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """What an operator can set. Raises ``pydantic.ValidationError``; ``explain`` makes one readable line of it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, env_file=None, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    seeds_dir: Path = Field(default=Path("seeds"), description="folder of the texts that are indexed at start")
    vectors_dir: Path = Field(
        default=Path("vectors"), description="folder of the record and the indexes; must be writable"
    )
    host: str = Field(default="127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(default=8000, ge=1, le=65535, description="port to listen on")
    embedding_model: str | None = Field(default=None, description="path or hub id; unset: the model that comes along")
    embedding_query_prompt: str | None = Field(
        default=None, description="what stands before a question when it is embedded; unset: as the model says"
    )
    embedding_passage_prompt: str | None = Field(default=None, description="the same before a passage")
    embedding_max_tokens: int | None = Field(
        default=None, ge=1, description="tokens at which a text is cut when it is embedded; unset: as the model says"
    )
    embedding_truncate_dim: int | None = Field(
        default=None, ge=1, description="how many of a vector's first numbers are kept; unset: as the model says"
    )
    embedding_batch_size: int | None = Field(
        default=None, ge=1, description="texts embedded at a time by a model that is not static; unset: 32"
    )
    embedding_device: str | None = Field(
        default=None,
        pattern=r"^[a-z]+(:\d+)?$",
        description="cpu, cuda, cuda:1, mps; unset: an accelerator where there is one",
    )
    threshold: float | None = Field(
        default=None, ge=0, le=1, allow_inf_nan=False, description="confidence to answer; unset: as calibrated"
    )
    llm_base_url: str | None = Field(
        default=None, description="OpenAI-compatible server of a language model, as http://127.0.0.1:11434/v1"
    )
    llm_model: str | None = Field(default=None, description="name of the model there")
    llm_api_key: SecretStr | None = Field(default=None, description="key of that server; unset: none is needed")
    llm_timeout: float = Field(
        default=30, gt=0, le=600, allow_inf_nan=False, description="seconds after which the extractive answer is given"
    )
    llm_concurrency: int = Field(default=4, ge=1, le=256, description="calls of the language model at a time")
    llm_context_chars: int = Field(default=6000, ge=500, description="characters of passages it is given")
    llm_prompts_dir: Path | None = Field(default=None, description="folder of prompts; unset: those that come along")
    allow_anonymous: bool = Field(default=False, description="listen beyond loopback although no key is set")
    api_keys: Names = Field(
        default=(),
        repr=False,
        description="keys, besides those of rag key: name:read:KEY, name:write:KEY, or KEY; "
        "a KEY has at least 16 characters",
    )
    allowed_hosts: Names = Field(
        default=(), description="Host headers that are served, *.example.com or *; unset: see README"
    )
    cors_origins: Names = Field(default=(), description="origins whose pages may call the service, or *")
    public_url: str | None = Field(
        default=None, description="the url that people reach the service at, for links; unset: as it was asked"
    )
    root_path: str | None = Field(
        default=None,
        description="the path that a proxy serves it under, as /kb; unset: as X-Forwarded-Prefix says, else none",
    )
    max_body_bytes: int = Field(default=2**20, ge=1024, description="largest JSON body")
    max_document_bytes: int = Field(
        default=16 * 2**20, ge=1024, description="largest document, alone or as a line of a batch"
    )
    max_batch_bytes: int = Field(default=256 * 2**20, ge=1024, description="largest body of POST /documents:batch")
    search_threads: int | None = Field(
        default=None, ge=1, le=256, description="threads for searching; unset: one per CPU"
    )
    workers: int = Field(default=1, ge=1, le=64, description="processes that serve; each holds the model and index")
    queue_limit: int = Field(default=128, ge=0, description="requests that may wait for a thread; beyond it 503")
    max_connections: int | None = Field(
        default=None,
        ge=1,
        description="connections a process holds, the longest quiet one giving way to a new one; unset: its limit of "
        "descriptors less 128",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="what is logged")

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("host", mode="after")
    @classmethod
    def _bare_host(cls, value: str) -> str:
        if any(character.isspace() or character in "/[]" for character in value):
            raise ValueError("is not a host name or an address; give it without scheme, brackets or port")
        return value

    @field_validator("api_keys", mode="after")
    @classmethod
    def _keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for number, entry in enumerate(value, 1):
            keys.given(entry, number)
        return value

    @field_validator("allowed_hosts", mode="after")
    @classmethod
    def _host_patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name != "*" and ("*" in name.removeprefix("*.") or "/" in name):
                raise ValueError(f"{name!r} is not a host name; write example.org, *.example.org or *")
        return value

    @field_validator("cors_origins", mode="after")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            if origin != "*" and (
                parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}"
            ):
                raise ValueError(f"{origin!r} is not an origin; write https://example.org, without a path")
        return value

    @field_validator("public_url", mode="after")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^/\s()<>?#]+(/[^\s()<>?#]*)?", value):
            raise ValueError("is not a url; write https://example.org or https://example.org/path")
        return value and value.rstrip("/")

    @field_validator("root_path", mode="after")
    @classmethod
    def _prefix(cls, value: str | None) -> str | None:
        prefix = parse_prefix(value or "")
        if prefix is None:
            raise ValueError("is not a path to serve under; write /kb, of letters, digits and . _ ~ -")
        return prefix or None

    @field_validator("llm_base_url", mode="after")
    @classmethod
    def _server(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc):
            raise ValueError("is not an address; write http://127.0.0.1:11434/v1")
        return value

    @model_validator(mode="after")
    def _model_and_server(self) -> Self:
        if (self.llm_base_url is None) != (self.llm_model is None):
            raise ValueError(f"{PREFIX}LLM_BASE_URL and {PREFIX}LLM_MODEL belong together; set both, or none")
        return self

    @model_validator(mode="after")
    def _closed_unless_said(self) -> Self:
        if not (self.loopback or self.allow_anonymous or self._has_keys()):
            raise ValueError(
                f"{PREFIX}HOST={self.host} would open the service to others without any key; listen on 127.0.0.1, "
                f"make a key (rag key add NAME, or {PREFIX}API_KEYS), or set {PREFIX}ALLOW_ANONYMOUS=1 to open it on "
                "purpose"
            )
        return self

    def _has_keys(self) -> bool:
        return bool(self.api_keys) or any(key.revoked is None for key in keys.read(self.vectors_dir))

    @property
    def given_keys(self) -> "list[keys.Key]":
        """The keys of the environment, as hashes."""
        return [keys.given(entry, number) for number, entry in enumerate(self.api_keys, 1)]

    def environment(self) -> dict[str, str]:
        """The variables that make these settings in another process."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return {f"{PREFIX}{name.upper()}": _written(value) for name, value in given.items() if value is not None}

    @property
    def embedding(self) -> "Options":
        """How the model embeds."""
        from rag.embed import Options  # here, so that --help and probes need no NumPy

        return Options(
            query_prompt=self.embedding_query_prompt,
            passage_prompt=self.embedding_passage_prompt,
            max_tokens=self.embedding_max_tokens,
            truncate_dim=self.embedding_truncate_dim,
            batch_size=self.embedding_batch_size,
            device=self.embedding_device,
        )

    @property
    def loopback(self) -> bool:
        """Whether only programs on this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host headers that are served: as set; else on loopback its own names (against DNS rebinding), else all."""
        return self.allowed_hosts or ((*LOOPBACK_HOSTS, self.host) if self.loopback else ("*",))

    @property
    def threads(self) -> int:
        """Size of the executor; two at least, so that a long write leaves one to queries."""
        if self.search_threads is not None:
            return self.search_threads
        available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return max(2, available)


def _written(value: object) -> str:
    """A value as a variable of the environment has it; secrets plainly."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def explain(error: ValidationError) -> str:
    """One readable line for the operator: which setting, the value it has, what is wrong with it."""
    return "; ".join(_line(each) for each in error.errors(include_url=False))


def _line(error: ErrorDetails) -> str:
    message = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return message
    field = str(error["loc"][0])
    plain = isinstance(error["input"], str | int | float) and field != "api_keys"
    given = f"={error['input']}"[:80] if plain else ""
    flag = f" ({_FLAGS[field]})" if field in _FLAGS else ""
    return f"{PREFIX}{field.upper()}{given}{flag}: {message[0].lower()}{message[1:]}"
