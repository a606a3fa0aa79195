"""The short form of ``make moving``: nothing fails, nothing deleted is told while a service's documents change."""

import sys
from pathlib import Path

import pytest

from benchmarks.moving import measure, quantile, report, told_of


@pytest.mark.skipif(not (Path(sys.prefix) / "bin" / "rag").exists(), reason="the command rag is absent")
@pytest.mark.parametrize("workers", [1, 2])
def test_questions_are_answered_while_documents_change(workers: int) -> None:
    result = measure(queries=250, rebuilds=2, changes=18, documents=30, workers=workers, seconds=1.0)
    assert result.failed == []
    assert (result.moving.told, result.moving.overtaken) == (0, 0)
    assert (result.changes, result.rebuilds, len(result.moving.seconds) >= 250) == (18, 2, True)
    assert f"{result.ratio:.2f} times" in report(result)
    assert result.held[-1][1] < result.held[0][1] + 10 * workers  # connections to the record are kept, not leaked


def test_what_a_reply_tells_of_is_seen() -> None:
    reply = {"citations": [{"document_id": "a", "also": ["b"]}], "passages": [{"document_id": "c"}]}
    assert told_of(reply) == {"a", "b", "c"} and told_of({"detail": "x"}) == set()
    assert [quantile([0.001, 0.002, 0.003, 0.004], share) for share in (0.0, 0.5, 1.0)] == [1, 3, 4]
