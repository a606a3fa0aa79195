"""How the service logs: one line an event, to standard error."""

import logging
from typing import Any

from service.printable import make_one_line, make_printable

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class PrintableFormatter(logging.Formatter):
    """Writes events so that names and texts in them can neither steer a terminal nor forge a line."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the event as one line."""
        return make_one_line(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """Return the event and, below it, its traceback where it has one."""
        return make_printable(super().format(record))


def config(level: str) -> dict[str, Any]:
    """For ``logging.config.dictConfig`` and for uvicorn's ``log_config``."""
    handled = {"handlers": ["stderr"], "level": level.upper(), "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": PrintableFormatter, "fmt": FORMAT}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {"service": handled, "rag": handled, "uvicorn": handled},
    }


def make_warnings_printable() -> None:
    """Let the warnings of commands, which configure no logging, pass through the same formatter."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(PrintableFormatter("%(message)s"))
