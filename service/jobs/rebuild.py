"""The job of ``POST /index/rebuild``: the seeds read again, what changed embedded, a new generation written."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from service.jobs.store import Job, Store
from service.settings import Settings

if TYPE_CHECKING:
    from rag.engine import Engine
    from service.jobs.runner import Course


def run(engine: "Engine", settings: Settings, job: Job, store: Store, course: "Course") -> Mapping[str, Any]:
    """Does it, from where it was broken off; gives numbers of documents."""
    report = engine.rebuild(
        settings.seeds_dir,
        full=bool(job.options.get("full")),
        done=int(job.reached.get("prepared", 0)),
        progress=lambda done, total, prepared: course(done, total, {"prepared": prepared}),
        storing=course.settle,
    )
    course.faults += [{"id": each.id, "detail": each.detail} for each in report.refused]
    return {
        "added": len(report.added),
        "unchanged": len(report.unchanged),
        "removed": len(report.removed),
        "refused": len(report.refused),
    }
