"""A benchmark's section of a document: what stands between its marks is replaced, the rest is left."""

import os
import platform
import re
from pathlib import Path


def write(path: Path, name: str, text: str) -> None:
    """Put ``text`` between ``<!-- name: begin -->`` and ``<!-- name: end -->``.

    Raises SystemExit where the file lacks one of the marks, or has one twice.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    old = path.read_text(encoding="utf-8")
    if old.count(begin) != 1 or old.count(end) != 1:
        raise SystemExit(f"{path} needs the lines {begin} and {end}, once each.")
    new = re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{text}\n{end}", old, flags=re.S)
    path.write_text(new, encoding="utf-8")


def machine() -> str:
    """This machine in a few words."""
    system = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    return f"{os.cpu_count()}-core {system}, no GPU"


def load() -> float:
    """How many processes have been running on average over the last minute; 0 where the system does not say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
