"""Keys: who may ask, and who may change documents."""

from dataclasses import asdict
from typing import Annotated

import typer

from service.access.keys import Scope
from service.cli.common import AsJson, Vectors, check_writable, readable_errors, settings
from service.cli.terminal import say, say_json

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke the keys of the HTTP service.")

Name = Annotated[str, typer.Argument(help="Name of the key, to tell it from others.")]


@app.command()
def add(
    name: Name,
    scope: Annotated[Scope, typer.Option("--scope", help="read: ask and look; write: change documents too.")] = "read",
    vectors: Vectors = None,
) -> None:
    """Make a key and print it, this once. A running service takes it at once; from the first key on it wants one."""
    with readable_errors():
        from service.access import keys

        folder = settings(vectors=vectors, host="127.0.0.1").vectors_dir
        check_writable(folder)
        say(keys.add(folder, name, scope))
        say("Keep it: it is not shown again. Sent as  Authorization: Bearer KEY", err=True)


@app.command("list")
def list_keys(vectors: Vectors = None, as_json: AsJson = False) -> None:
    """Show the keys there are, without the keys themselves."""
    with readable_errors():
        from service.access import keys

        given = settings(vectors=vectors, host="127.0.0.1")
        found = [*given.given_keys, *keys.read(given.vectors_dir)]
        if as_json:
            rows = [{name: value for name, value in asdict(key).items() if name != "sha256"} for key in found]
            say_json(rows)
            return
        for key in found:
            since = f"since {key.added}" if key.added else "of RAG_API_KEYS"
            say(f"{key.name}  {key.scope}  {since}" + (f"  revoked {key.revoked}" if key.revoked else ""))
        if not found:
            say("There is no key; the service is open to programs of this machine.")


@app.command()
def revoke(name: Name, vectors: Vectors = None) -> None:
    """Make a key worthless; a running service turns it away from then on."""
    with readable_errors():
        from service.access import keys

        given = settings(vectors=vectors, host="127.0.0.1")
        left = [*given.given_keys, *keys.revoke(given.vectors_dir, name)]
        say(f"{name} is revoked, {len(left)} left")
        if not left:
            say(
                f"Nobody gets in now; add another key, or delete {given.vectors_dir / keys.FILE} to do without keys.",
                err=True,
            )
