"""How the service logs: one line an event, to standard error."""

from typing import Any


def config(level: str) -> dict[str, Any]:
    """For ``logging.config.dictConfig`` and for uvicorn's ``log_config``."""
    handled = {"handlers": ["stderr"], "level": level.upper(), "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {"service": handled, "rag": handled, "uvicorn": handled},
    }
