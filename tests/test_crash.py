"""A sample of ``make crash``, spread over all scenarios: whatever fails, nothing that was answered is lost."""

import os
from collections.abc import Iterator

import pytest
from crash import shim, traced
from crash.__main__ import plan
from crash.book import Book, Wrong
from crash.corpus import content, document
from crash.run import Server, run, servers
from crash.scenarios import SCENARIOS

if why := shim.missing():
    pytest.skip(f"faults are injected by a library that is compiled here: {why}", allow_module_level=True)

POINTS = {"kill": 2, "torn write": 1, "EIO once": 2, "EIO from then on": 1, "EIO on reading": 1, "disk full": 1}
OUTAGES = {"power: nothing": 1, "power: some": 1}


@pytest.fixture(scope="module")
def made() -> Iterator[list[Server]]:
    with servers(min(os.cpu_count() or 1, 4)) as made:
        yield made


def test_a_sample_of_all_faults(made: list[Server]) -> None:
    asked = plan(made, points=POINTS | OUTAGES, strace=0, kills=10, flips=60)
    outcome = run(made, asked)
    assert outcome.points == len(asked) >= 200
    assert set(outcome.rows["kill"]) == set(SCENARIOS)
    assert not outcome.failures
    assert sum(server.ask("acknowledged") for server in made) > 10


@pytest.mark.skipif(traced.missing() is not None, reason=f"no strace: {traced.missing()}")
def test_the_shim_counts_what_the_kernel_counts_and_faults_of_the_kernel_do_no_harm(made: list[Server]) -> None:
    assert made[0].ask("strace counts", "first build") == {}
    for action, call, at in (
        ("kill", "pwrite", 30),
        ("EIO", "fdatasync", 4),
        ("ENOSPC", "write", 9),
        ("kill", "rename", 1),
    ):
        assert made[0].ask("strace", "first build", action, call, at) == ""


def test_the_book_tells_what_is_lost_doubled_half_there_and_back() -> None:
    one, two = content(document("one")), content(document("two"))
    book = Book()
    book.hear({"begin": {"one": one, "two": two}, "whole": True})
    book.check({})
    book.check({"one": one, "two": two})
    with pytest.raises(Wrong, match="half"):
        book.check({"one": one})
    book.hear({"done": "add"})
    for found, said in (({"one": one}, r"lost \['two'\]"), ({"one": one, "two": one}, r"other \['two'\]")):
        with pytest.raises(Wrong, match=said):
            book.check(found)
    book.hear({"begin": {"one": None}, "whole": True})
    book.check({"two": two})
    book.hear({"done": "remove"})
    with pytest.raises(Wrong, match=r"back or never written \['one'\]"):
        book.check({"one": one, "two": two})


def test_a_fault_that_does_harm_is_seen(made: list[Server]) -> None:
    calls = made[0].ask("calls", "add", shim.CHANGES)
    assert "signal 0" in made[0].ask("fault", "add", "kill", len(calls) + 1)  # past the last call nothing strikes
