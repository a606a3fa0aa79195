"""For whoever watches the process: ``GET /livez`` and ``GET /readyz``."""

from fastapi import APIRouter

from service.problems import responses
from service.schemas import Alive, Ready
from service.serving import Served

router = APIRouter(tags=["probes"])


@router.get("/livez", operation_id="livez", summary="Whether the process answers")
@router.head("/livez", include_in_schema=False)
async def livez() -> Alive:
    """Waits for nothing: neither the model nor the index nor a queue."""
    return Alive()


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="Whether questions can be answered",
    responses={503: responses()[503]},
)
@router.head("/readyz", include_in_schema=False)
async def readyz(served: Served) -> Ready:
    """503 with the reason while the index is being opened or cannot be served."""
    degraded = served.degraded
    return Ready(status="ready" if degraded is None else "degraded", detail=degraded)
