"""One tag of a page cannot hold the service up."""

import time
from contextlib import suppress

import pytest

from rag.errors import InvalidInput
from rag.ingest import page_lines


@pytest.mark.parametrize(
    "attributes",
    [
        " ".join(f"a{n}=1" for n in range(40_000)),
        " ".join(f'a{n}=">"' for n in range(40_000)),
        " ".join(f"a{n}='1'" for n in range(40_000)),
        " ".join(f"a{n}" for n in range(40_000)),
        "/".join(f"a{n}" for n in range(40_000)),
        "\n".join(f"a{n} = 1" for n in range(40_000)),
    ],
)
def test_a_tag_of_thousands_of_attributes_is_refused_at_once(attributes: str) -> None:
    began = time.process_time()
    with pytest.raises(InvalidInput, match="attributes"):
        page_lines.parse(f"<div {attributes}>正文</div>", "a.html")
    assert time.process_time() - began < 1


@pytest.mark.parametrize("html", ["<div " + "a " * 200 + ">正文</div>", "<p>1 < 2 " + "且 x " * 5000 + "</p>"])
def test_other_pages_are_read(html: str) -> None:
    assert page_lines.parse(html, "a.html") is not None


@pytest.mark.parametrize("unit", ["<a ", '<a "', "<a '", '<a b="', "<", "<a b=c ", '<a "b" ', "<!-- <a "])
def test_looking_for_such_tags_is_linear(unit: str) -> None:
    began = time.process_time()
    with suppress(InvalidInput):
        page_lines.parse(unit * (400_000 // len(unit)), "a.html")
    assert time.process_time() - began < 3
