"""Questions: ``POST /ask``, as JSON or as a stream, and ``POST /search``."""

from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from service import asking, convert, events
from service.body import SmallJsonRoute
from service.disconnect import work_while_connected
from service.problems import responses
from service.schemas import AskReply, AskRequest, SearchReply, SearchRequest
from service.serving import Served

router = APIRouter(route_class=SmallJsonRoute, tags=["questions"])

_EVENTS = """event: sources
data: {"passages": []}

event: delta
data: {"text": "…"}

event: done
data: {"answer": "…"}

"""


@router.post(
    "/ask",
    operation_id="ask",
    summary="Ask a question",
    response_model=AskReply,
    responses=responses(413, 415)
    | {200: {"content": {events.MEDIA_TYPE: {"schema": events.SCHEMA, "example": _EVENTS}}}},
)
async def ask(
    body: AskRequest, request: Request, served: Served, accept: Annotated[str, Header(include_in_schema=False)] = ""
) -> Response | AskReply:
    """The answer with its citations, or an answer that says the documents do not hold it.

    With `stream: true` or `Accept: text/event-stream` the reply is a stream of server-sent events: `sources` with the
    passages, `delta` with the next part of the answer, `done` with the same JSON as without a stream, or `error` with
    a problem document.
    """
    asked = asking.Asked(
        body.question,
        history=convert.to_turns(body.history),
        top_k=body.top_k or 5,
        filter=convert.to_filter(body.filter),
        mode=body.mode or "auto",
    )
    if body.stream or events.wanted(accept):
        return events.stream(await events.begun(asking.ask(served, asked)))
    done = await work_while_connected(request, asking.answer(served, asked))
    return convert.from_answer(done.answer, done.stats)


@router.post(
    "/search",
    operation_id="search",
    summary="Find passages",
    response_model=SearchReply,
    responses=responses(413, 415),
)
async def search(body: SearchRequest, request: Request, served: Served) -> SearchReply:
    """Passages for a query, best first. No answer is made."""
    found = served.read(
        lambda engine: engine.search(
            body.query, top_k=body.top_k or 5, filter=convert.to_filter(body.filter), rerank=body.rerank
        )
    )
    hits = await work_while_connected(request, found)
    return SearchReply(passages=[convert.from_hit(hit) for hit in hits])
