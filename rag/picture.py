"""Pictures of how far confidences can be believed; drawn with matplotlib, which serving does without."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.errors import InvalidInput
from rag.reliability import bins, calibration_error, risk_coverage

INK, GRID = "#1f2933", "#e3e8ee"
COLOURS = ("#0b6bcb", "#c2571a", "#2e7d4f", "#7f8c9d")
Judged = Mapping[str, tuple[Sequence[float], Sequence[bool]]]  # by set: confidences, and which answers are right


def draw(sets: Judged, path: Path) -> None:
    """Write two panels, SVG or PNG by the path's ending: a reliability plot and a risk-coverage curve for each set.

    The same figures give the same SVG, byte for byte. Raises InvalidInput where matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError:
        raise InvalidInput("Pictures need matplotlib: pip install 'chengyu-rag[benchmark]'.") from None
    matplotlib.use("agg")
    from matplotlib import pyplot

    style: Any = {"svg.hashsalt": "quality", "svg.fonttype": "path", "font.family": "DejaVu Sans", "text.color": INK}
    with pyplot.rc_context(style):
        figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.8))
        left.plot([0, 1], [0, 1], color=GRID, zorder=0)
        for colour, (name, (confidence, is_right)) in zip(COLOURS, sets.items(), strict=False):
            found = bins(confidence, is_right)
            error = calibration_error(confidence, is_right) or 0.0
            left.plot(
                [b.confidence for b in found], [b.right for b in found],
                color=colour, marker="o", markersize=5, label=f"{name}, error {error:.3f}",
            )  # fmt: skip
            coverage, risk = risk_coverage(confidence, is_right)
            right.plot(coverage, risk, color=colour, label=name)
        left.set(xlabel="confidence", ylabel="share right", xlim=(0, 1), ylim=(0, 1.02), title="Reliability")
        right.set(
            xlabel="share of questions answered, the surest first", ylabel="share of answers wrong",
            xlim=(0, 1), ylim=(0, None), title="Risk and coverage",
        )  # fmt: skip
        for axes in (left, right):
            axes.grid(color=GRID)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(frameon=False, loc="upper left")
        figure.tight_layout()
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
        pyplot.close(figure)
