"""Faults at the Nth call that changes or reads a file: shim.c compiled, and steered from within."""

import ctypes
import errno
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

MODES = {"off": 0, "count": 1, "kill": 2, "tear": 3, "once": 4, "every": 5, "full": 6}
CHANGES, READS = 1, 2


def missing() -> str | None:
    """Why the shim cannot be made here, None where it can."""
    return None if shutil.which("gcc") else "gcc is not installed"


def compiled(folder: Path) -> Path:
    """The shared object, to be named in LD_PRELOAD."""
    made = folder / "shim.so"
    source = Path(__file__).with_name("shim.c")
    flags = "-O2 -Wall -Wextra -Werror -shared -fPIC".split()
    command = ["gcc", *flags, "-o", str(made), str(source), "-ldl", "-lpthread"]
    subprocess.run(command, check=True)
    return made


@cache
def _library() -> Any:
    library: Any = ctypes.CDLL(None)
    library.crash_calls.restype = ctypes.c_long
    library.crash_arm.argtypes = [ctypes.c_char_p, *[ctypes.c_int] * 2, ctypes.c_long, *[ctypes.c_int] * 3]
    return library


def arm(
    under: Path, mode: str, at: int = 0, *, classes: int = CHANGES, error: int = errno.EIO, trace: int = -1,
    names: int = -1,
) -> None:  # fmt: skip
    """From now on counts the calls on what lies under a folder, and does at the ``at``-th what ``mode`` says.

    ``kill`` ends the process before the call, ``tear`` in the middle of a write, ``once`` lets the call fail,
    ``every`` it and all later ones, ``full`` it, if it is a write only its second half, and all later ones that take
    space. ``trace`` and ``names`` are file descriptors that changes with their data, and the calls, are written to.
    """
    _library().crash_arm(str(under).encode(), MODES[mode], classes, at, error, trace, names)


def heal() -> None:
    """Nothing fails any more."""
    arm(Path("/"), "off")


def calls() -> int:
    """How many there were since ``arm``."""
    return int(_library().crash_calls())


def mark(text: str) -> None:
    """Puts a text between the changes that are traced."""
    _library().crash_mark(text.encode())
