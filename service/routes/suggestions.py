"""What one can ask: ``GET /suggestions``."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from service.problems import responses
from service.schemas import SuggestionOut, SuggestionsReply
from service.serving import Served

router = APIRouter(tags=["questions"])


@router.get("/suggestions", operation_id="suggestions", summary="Questions to begin with", responses=responses())
async def suggestions(served: Served, limit: Annotated[int, Query(ge=1, le=20)] = 6) -> SuggestionsReply:
    """Chinese questions that the documents answer, of different documents as far as there are several. Each was asked
    before it is suggested. They stay the same until a document is added, changed or deleted."""
    async with served.suggesting:
        found = await served.read(lambda engine: engine.suggest(limit))
    return SuggestionsReply(suggestions=[SuggestionOut(**asdict(each)) for each in found])
