"""The command ``rag``. It stands above both packages, so that ``rag`` itself never imports ``service`` nor reads the
environment: settings come from ``service.settings``, flags win over them. Heavy imports wait until a command needs
them."""

import os

import typer

from service import logs
from service.cli import documents, index, keys, mcp, questions, serve, verify

app = typer.Typer(
    name="rag", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Answers questions from Chinese articles, every citation an exact span.",
)  # fmt: skip

for command in (questions.ask, questions.search, *documents.COMMANDS):
    app.command()(command)
app.command("eval")(questions.evaluate)
app.command()(serve.serve)
app.command()(mcp.mcp)
app.command()(verify.verify)
app.command()(index.backup)
app.command()(index.restore)
app.add_typer(index.app, name="index")
app.add_typer(keys.app, name="key")


def main() -> None:
    """Entry point of the command."""
    # Before NumPy is loaded: a question's matrices are small and each question has a thread of its own. BLAS threads
    # inside of it took twice the CPU time, and more where other work runs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    logs.make_warnings_printable()
    app()
