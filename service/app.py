"""The application: routes, middleware and the engine's life, put together."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import metadata
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from service import middleware, problems
from service.access.gate import Gate
from service.access.middleware import Access
from service.chat.errors import OpenAIErrors
from service.chat.schemas import Failed
from service.connections import Connections, count_allowed_connections
from service.head import HeadAsGet
from service.mcp.http import Endpoint, Tools
from service.metrics import Measure, Metrics
from service.openapi import complete_schema
from service.paths import PathCheck
from service.prefix import Join, Prefix
from service.routes import ask, batch, documents, index, jobs, pages, probes, suggestions, v1
from service.routes import metrics as metrics_route
from service.schemas import DocumentIn, UploadFields
from service.serving import Opener, Serving, open_engine
from service.settings import Settings

if TYPE_CHECKING:
    from rag.engine import Engine

_DESCRIPTION = """Questions answered from the documents, with exact citations.

Offsets count Unicode code points, half-open. Errors are problem documents (RFC 9457)."""


def create_app(
    settings: Settings,
    engine: "Engine | None" = None,
    *,
    opener: Opener = open_engine,
    on_ready: Callable[[], None] | None = None,
) -> FastAPI:
    """The ASGI application.

    With ``engine`` it serves that one, which stays its owner's to close; without, ``opener`` is called in a
    background thread once the application starts, and ``/readyz`` says how far it is; ``on_ready`` is called once
    questions can be answered.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        serving = Serving(settings, engine, opener, metrics, on_ready)
        app.state.serving = serving
        app.state.mcp = Endpoint(serving, app.version)
        serving.start()
        connections = app.state.connections = Connections(count_allowed_connections(settings.max_connections))
        connections.start()
        yield {"connections": connections}
        connections.stop()
        await app.state.mcp.close()
        if serving.writer:
            await serving.writer.llm.close()
        serving.stop()

    app = FastAPI(
        title="chengyu-rag",
        version=version(),
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.metrics = metrics = Metrics()
    app.include_router(probes.router)
    app.include_router(metrics_route.router)
    app.include_router(ask.router, max_body_size=settings.max_body_bytes)
    app.include_router(v1.router, max_body_size=v1.MOST_BYTES)
    app.include_router(suggestions.router)
    app.include_router(index.router)
    app.include_router(jobs.router, max_body_size=settings.max_body_bytes)
    app.include_router(batch.make_router(settings.max_batch_bytes))
    app.include_router(documents.router, max_body_size=settings.max_document_bytes)
    app.include_router(pages.router)
    app.mount("/assets", pages.assets)
    app.router.routes.append(Route("/mcp", Tools()))
    problems.install(app)
    _describe(app)

    # The last one added is the outermost.
    app.add_middleware(Join)
    app.add_middleware(middleware.LastResort)
    app.add_middleware(Access, gate=Gate(settings))
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["*"],  # front ends send headers of their own
            expose_headers=["Location", "Retry-After", "WWW-Authenticate", "Mcp-Session-Id"],
        )
    app.add_middleware(middleware.HostCheck, hosts=settings.hosts)
    app.add_middleware(OpenAIErrors)
    app.add_middleware(middleware.Drain)
    if settings.workers > 1:
        app.add_middleware(middleware.Balance)
    app.add_middleware(HeadAsGet)
    app.add_middleware(PathCheck)
    app.add_middleware(middleware.AccessLog)
    app.add_middleware(Measure, metrics=metrics)
    app.add_middleware(Prefix, prefix=settings.root_path or "")
    return app


def _describe(app: FastAPI) -> None:
    """Adds the shapes that OpenAPI refers to but no route takes as such."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        schema = generate()
        _, extra = models_json_schema(
            [
                (problems.Problem, "serialization"),
                (Failed, "serialization"),
                (DocumentIn, "validation"),
                (UploadFields, "validation"),
            ],
            ref_template="#/components/schemas/{model}",
        )
        schema["components"]["schemas"] |= extra["$defs"]
        complete_schema(schema)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def version() -> str:
    """Of this package; "0" in a checkout that is not installed."""
    try:
        return metadata.version("chengyu-rag")
    except metadata.PackageNotFoundError:
        return "0"
