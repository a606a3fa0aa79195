"""Pages of other origins: the one rule by which the browser of somebody who may is not used by them."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from service.problems import ServiceError


class ForeignPage(ServiceError):
    """A page of another origin asks in the browser of somebody who may."""

    status = 403
    title = "Another origin"


def check_origin(headers: Headers, allowed: Sequence[str]) -> None:
    """Raise ForeignPage where a browser says that a page of an origin that is not ``allowed`` sent the request.

    A browser asks before it sends JSON or a key for such a page, but not before it sends a form: on a machine without
    keys any page could add documents. Programs that are no browsers name no origin and pass.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if "*" in allowed or origin in allowed:
        return
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        foreign = origin is not None and _host_of(origin) != headers.get("host")
    if foreign:
        raise ForeignPage(
            f"a page of {origin or 'another origin'} may not do this; to allow it, name its origin in RAG_CORS_ORIGINS"
        )


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # half a bracket
        return None
