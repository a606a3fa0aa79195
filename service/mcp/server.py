"""The tools: ``search`` and ``fetch`` in the form that deep research of chat products asks for, and ``ask``."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from rag.errors import RagError
from service import asking, convert
from service.chat.writing import link
from service.fields import without_controls
from service.schemas import AskReply

if TYPE_CHECKING:
    from rag.types import Answer, Citation, Document, Hit

RESULTS = 10  # passages that a search looks at
_INSTRUCTIONS = (
    "Answers questions from a collection of mostly Chinese documents and nothing else, with exact citations. `ask` "
    "gives a finished answer, or says that the documents do not hold it; `search` and `fetch` are for reading yourself."
)

Words = Annotated[str, Field(min_length=1, max_length=2000)]


class Base(Protocol):
    """Gives the url that links begin with, for a request where one came by HTTP."""

    def __call__(self, request: Any) -> str: ...


def make(source: asking.Source, base: Base, version: str) -> MCPServer[Any]:
    """The server with its tools, which draw on ``source``. Every tool gives one text that holds JSON."""
    server: MCPServer[Any] = MCPServer(
        "chengyu-rag", title="成渝问答", instructions=_INSTRUCTIONS, version=version, log_level="WARNING"
    )
    reading = ToolAnnotations(read_only_hint=True, open_world_hint=False)

    @server.tool(title="Search documents", annotations=reading, structured_output=False)
    async def search(
        query: Annotated[Words, Field(description="what to look for, best in the documents' language")],
        context: Context,
    ) -> str:
        """Find documents; the id of a result is what `fetch` takes, its url leads to the passage found."""
        hits = await _tried(source.read(lambda engine: engine.search(_clean(query), top_k=RESULTS)))
        url = base(context.request_context.request)
        found: dict[str, Any] = {}
        for hit in hits:
            found.setdefault(hit.document_id, _result(hit, url))
        return _json({"results": list(found.values())})

    @server.tool(title="Read a document", annotations=reading, structured_output=False)
    async def fetch(
        id: Annotated[str, Field(description="of a search result", min_length=1, max_length=200)], context: Context
    ) -> str:
        """The whole text of a document, and what is known of it."""
        document = await _tried(source.read(lambda engine: engine.document(id)))
        return _json(_whole(document, base(context.request_context.request)))

    @server.tool(title="Ask the documents", annotations=reading, structured_output=False)
    async def ask(
        question: Annotated[Words, Field(description="one question, in Chinese or English")], context: Context
    ) -> str:
        """The answer that the documents give. Its markers [n] are explained by `citations`, each with the exact
        quote and a url that leads there; `answerable` is false where the documents do not hold the answer."""
        done = await _tried(asking.answer(source, asking.Asked(_clean(question))))
        reply = convert.from_answer(done.answer, done.stats)
        return _json(_answered(done.answer, reply, base(context.request_context.request)))

    return server


async def _tried(work: Any) -> Any:
    """What ``work`` gives; an error of the project as one that the agent can read."""
    try:
        return await work
    except RagError as error:
        raise ToolError(str(error)) from None


def _clean(words: str) -> str:
    if cleaned := without_controls(words).strip():
        return cleaned
    raise ToolError("Nothing is asked; give a question or some words.")


def _result(hit: "Hit", base: str) -> dict[str, Any]:
    url = link(hit.url, base, hit.document_id, (hit.start, hit.end))
    return {"id": hit.document_id, "title": hit.title or hit.document_id, "url": url}


def _whole(document: "Document", base: str) -> dict[str, Any]:
    about = {"source": document.source, "published": document.published, **document.metadata}
    return {
        "id": document.id,
        "title": document.title or document.id,
        "text": document.text,
        "url": link(document.url, base, document.id),
        "metadata": {name: value for name, value in about.items() if value is not None},
    }


def _answered(answer: "Answer", reply: AskReply, base: str) -> dict[str, Any]:
    said = reply.model_dump(exclude={"timings_ms", "index"})
    for told, citation in zip(said["citations"], answer.citations, strict=True):
        told["url"] = _link(citation, base)
    return said


def _link(citation: "Citation", base: str) -> str:
    return link(citation.url, base, citation.document_id, (citation.start, citation.end))


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
