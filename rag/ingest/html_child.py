"""Run as a process of its own by ``page_lines``: finds out whether a page can be parsed in a bounded time.

A process, because the parser compares each attribute of a tag with all before it, cannot be interrupted, and takes
minutes for one tag with many thousands of them.
"""

import contextlib
import resource
import sys

SECONDS, MEMORY = 2, 2 << 30  # of processor time; bytes of address space


def main() -> None:
    """Parse the page on standard input, in UTF-8; what it takes beyond the bounds ends the process."""
    for what, bound in ((resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_AS, MEMORY)):
        most = resource.getrlimit(what)[1]
        with contextlib.suppress(ValueError, OSError):  # a system that has no such bound
            resource.setrlimit(what, (bound if most == resource.RLIM_INFINITY else min(bound, most), most))
    import lxml.etree
    import lxml.html

    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    with contextlib.suppress(lxml.etree.LxmlError):  # the service says what is wrong with the page
        lxml.html.document_fromstring(sys.stdin.buffer.read(), parser=parser)


if __name__ == "__main__":
    main()
