"""Start the HTTP service."""

import os
from contextlib import suppress
from typing import Annotated

import typer

from service.cli.common import Seeds, Vectors, check_writable, readable_errors, settings


def serve(
    seeds: Seeds = None,
    vectors: Vectors = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on.", show_default="8000")] = None,
    root_path: Annotated[
        str | None, typer.Option("--root-path", help="Path that a proxy serves it under, as /kb.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Processes that serve.", show_default="1")] = None,
) -> None:
    """Start the HTTP service; the seeds are indexed first where they have changed."""
    with readable_errors():
        given = settings(seeds=seeds, vectors=vectors, host=host, port=port, root_path=root_path, workers=workers)
        check_writable(given.vectors_dir)
        _check_free(given.host, given.port)
        from service.run import run

        with suppress(KeyboardInterrupt):  # raised again after the orderly end that it asked for
            run(given)


def _check_free(host: str, port: int) -> None:
    """Before anything is loaded, whether the address can be listened on."""
    import errno
    import socket

    from rag.errors import InvalidInput

    try:
        for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.create_server(address, family=family):
                pass
    except OSError as error:
        why = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        why = "the port is taken" if error.errno == errno.EADDRINUSE else why
        raise InvalidInput(
            f"Cannot listen on {host}, port {port}: {why}; name another with --port or RAG_PORT, --host or RAG_HOST."
        ) from None
