"""Tools for agents over standard input and output."""

from service.cli.common import Seeds, Vectors, check_writable, readable_errors, settings


def mcp(seeds: Seeds = None, vectors: Vectors = None) -> None:
    """Serve search, fetch and ask to an agent that starts this command (Model Context Protocol)."""
    with readable_errors():
        given = settings(seeds=seeds, vectors=vectors)
        check_writable(given.vectors_dir)
        from service.app import version
        from service.mcp.stdio import run

        run(given, version())
