"""What is shipped: the wheel, the image's files, the pins."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CUDA = ("nvidia-", "cuda-", "triton")  # what only torch's CUDA builds bring in


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the files in the wheel, made in a copy, so that nothing of an earlier build is in it."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    for name in ("rag", "service"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    options = ["-q", "--no-deps", "--no-build-isolation", "-w", str(out)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True, timeout=120)
    (file,) = out.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_all_of_both_packages(wheel: set[str]) -> None:
    files = {
        path.relative_to(ROOT).as_posix()
        for package in ("rag", "service")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files - wheel == set()
    reader = ("reader.onnx", "base.bin", "reader.bin", "tokenizer.json", "calibration.json")
    needed = {f"rag/models/reader-zh-v1/{name}" for name in reader}
    assert needed | {"rag/term_rarity.npz", "rag/models/english-chinese.json", "service/web/index.html"} <= wheel
    assert any(name.endswith("model.safetensors") for name in wheel)


def test_the_wheel_holds_nothing_else_but_notices(wheel: set[str]) -> None:
    inside = {name.split("/")[0] for name in wheel}
    info = next(name for name in inside if name.endswith(".dist-info"))
    assert inside == {"rag", "service", info}
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/NOTICE"} <= wheel


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): pinned for name, pinned in found.items()}


def needed(requirements: list[str]) -> set[str]:
    """Names of the distributions that are installed for these requirements here, theirs too."""
    names: set[str] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in names or name.startswith(CUDA):
            continue
        names.add(name)
        try:
            below = [Requirement(text) for text in distribution(name).requires or ()]
        except PackageNotFoundError:
            continue  # an extra that is not installed; its own name counts
        extras = requirement.extras or {""}
        waiting += [r for r in below if not r.marker or any(r.marker.evaluate({"extra": extra}) for extra in extras)]
    return names


def test_every_distribution_is_pinned_exactly() -> None:
    extras = [name for names in PROJECT["optional-dependencies"].values() for name in names]
    assert needed(PROJECT["dependencies"] + extras) - set(pins()) == set()
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", pinned) for pinned in pins().values())


def test_what_is_installed_is_what_is_pinned() -> None:
    for name in needed(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]):
        assert version(name).split("+")[0] == pins()[name], name


def copied() -> list[str]:
    """What the Dockerfile takes from the build context."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    sources = [line.split()[1:-1] for line in dockerfile.splitlines() if line.startswith("COPY ")]
    return [path for paths in sources if not paths[0].startswith("--from") for path in paths]


def test_the_image_is_made_of_files_that_are_there_and_let_through() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignore[0] == "*"
    let_through = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    assert set(copied()) == let_through
    for path in copied():
        assert (ROOT / path).exists(), path


def test_the_image_has_all_that_the_wheel_is_made_of() -> None:
    names = {"pyproject.toml", PROJECT["readme"], *PROJECT["license-files"], "constraints.txt", "rag", "service"}
    assert names <= set(copied())


def test_the_image_does_not_run_as_root_and_reports_its_health() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    last_user = re.findall(r"^USER (\S+)", dockerfile, re.M)[-1]
    assert last_user.isdigit() and int(last_user) > 0
    assert "/readyz" in dockerfile[dockerfile.index("HEALTHCHECK") :]
