"""What is being served: ``GET /index``."""

from dataclasses import asdict

from fastapi import APIRouter

from service.problems import responses
from service.schemas import IndexReply
from service.serving import Served

router = APIRouter(tags=["index"])


@router.get("/index", operation_id="index", summary="What is being served", responses=responses())
async def index(served: Served) -> IndexReply:
    """Model, generation, numbers of documents and chunks, size on disk, and since when."""
    return IndexReply(**asdict(await served.read(lambda engine: engine.stats())))
