"""The same faults made by the kernel, with strace, so that nothing rests on the shim alone; and its counts checked."""

import os
import shutil
import subprocess
from collections import Counter

from crash.book import Book
from crash.forks import Ended, Tell, start, wait
from crash.points import Bench, calls, judged, play
from crash.shim import CHANGES

# System calls that the shim's counted functions make, by the name that it gives them.
SYSTEM_CALLS = {
    "pwrite": "pwrite64",
    "write": "write",
    "fsync": "fsync",
    "fdatasync": "fdatasync",
    "ftruncate": "ftruncate",
    "rename": "renameat",
    "unlink": "unlinkat",
    "mkdir": "mkdirat",
    "link": "linkat",
}
# What else changes files, and is not called.
OTHERS = "pwritev pwritev2 writev sendfile copy_file_range splice fallocate truncate renameat2 symlinkat msync".split()
ACTIONS = {"kill": "signal=KILL", "EIO": "error=EIO", "ENOSPC": "error=ENOSPC"}


def missing() -> str | None:
    """Why strace cannot be used here, None where it can."""
    if not shutil.which("strace"):
        return "strace is not installed"
    tried = subprocess.run(["strace", "-o", os.devnull, "-e", "inject=fsync:error=EIO", "true"], capture_output=True)
    return "strace may not trace processes here" if tried.returncode else None


def counts(bench: Bench, scenario: str) -> dict[str, tuple[int, int]]:
    """How often each call is made, as the shim and as the kernel count, where they differ."""
    shim = Counter(name.split()[0] for name in calls(bench, scenario, CHANGES))
    book = bench.fresh(scenario)
    log = bench.folder / "strace"
    ended = _attached(
        bench, scenario, book, ["-y", "-o", str(log), "-e", f"trace={','.join([*SYSTEM_CALLS.values(), *OTHERS])}"]
    )
    if ended.error or ended.signal:
        raise RuntimeError(f"a traced run failed ({ended.signal}): {ended.error}")
    lines = [line.split(maxsplit=1)[1] for line in log.read_text(errors="replace").splitlines()]
    kernel = Counter(line.split("(")[0] for line in lines if str(bench.disk) in line and "(" in line)
    pairs = {name: (shim[name], kernel[call]) for name, call in SYSTEM_CALLS.items()}
    pairs |= {name: (0, kernel[name]) for name in OTHERS}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def strike(bench: Bench, scenario: str, action: str, call: str, at: int) -> str:
    """Lets the ``at``-th system call fail, or the process be killed at it; gives what is wrong, "" for nothing."""
    book = bench.fresh(scenario)
    inject = f"inject={SYSTEM_CALLS[call]}:{ACTIONS[action]}:when={at}"
    arguments = ["-o", os.devnull, "-e", f"trace={SYSTEM_CALLS[call]}", "-e", inject]
    ended = _attached(bench, scenario, book, arguments, faulty=action != "kill")
    return judged(bench, book, ended, action == "kill")


def _attached(bench: Bench, scenario: str, book: Book, arguments: list[str], *, faulty: bool = False) -> Ended:
    wake, woken = os.pipe()

    def traced(tell: Tell) -> None:
        os.read(wake, 1)
        play(bench, scenario, book, tell, faulty=faulty)

    child = start(traced)
    command = ["strace", "-f", *arguments, "-p", str(child.pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=_without_shim()) as strace:
        assert strace.stderr is not None
        said = strace.stderr.readline()
        if "attached" not in said:
            raise RuntimeError(f"strace: {said}")
        os.write(woken, b"!")
        ended = wait([child])[0]
        strace.stderr.read()
    os.close(wake)
    os.close(woken)
    return ended


def _without_shim() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
