"""The picture of `benchmarks.retrieval`: recall@1 of each system on each set, alone and fused with the lexical one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INK, SOFT, GRID, GROUND = "#1f2933", "#5f6c7b", "#e3e8ee", "#ffffff"
OTHER, OURS = "#7f8c9d", "#0b6bcb"
LEFT, ALONE, FUSED = -0.6, 1.13, 1.32  # where names and the columns of figures stand, the axis being 0 to 1


@dataclass(frozen=True)
class Panel:
    """One set: what it is called, how large it is, lexical recall@1, and by system recall@1 alone and fused."""

    title: str
    size: str
    lexical: float
    systems: Mapping[str, tuple[float, float]]


def draw(panels: Sequence[Panel], ours: str, path: Path) -> None:
    """Write the picture, SVG or PNG by the path's ending; the same figures give the same SVG, byte for byte.

    A panel has one row for each system: a ring for the vectors alone, a disc for both fused, and an upright line where
    the lexical index stands by itself. ``ours`` is the system that is coloured.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    style: Any = {"svg.hashsalt": "retrieval", "svg.fonttype": "path", "font.family": "DejaVu Sans", "text.color": INK}
    with pyplot.rc_context(style):
        lines = len(panels) // 2 + 1  # two columns, the last cell for the key
        height = 0.34 * max(len(panel.systems) for panel in panels) + 1.05
        figure, axes = pyplot.subplots(lines, 2, figsize=(11, height * lines + 0.3), squeeze=False)
        cells = list(axes.flat)
        for cell in cells[len(panels) :]:
            cell.axis("off")
        for cell, panel in zip(cells, panels, strict=False):
            _panel(cell, panel, ours)
        _key(cells[len(panels)])
        inch = 1 / (height * lines + 0.3)
        figure.subplots_adjust(0.17, 0.42 * inch, 0.9, 1 - 0.85 * inch, wspace=1.22, hspace=0.72)
        metadata = {"Title": "Recall@1 by system and set", "Date": None, "Creator": None}
        figure.savefig(path, metadata=metadata if path.suffix == ".svg" else None, facecolor=GROUND, dpi=110)
        pyplot.close(figure)


def _panel(cell: Any, panel: Panel, ours: str) -> None:
    cell.text(LEFT, -1.42, panel.title, fontsize=11, fontweight="bold")
    cell.text(LEFT, -0.98, panel.size, fontsize=8.5, color=SOFT)
    cell.plot([panel.lexical] * 2, [-0.5, len(panel.systems) - 0.5], color=INK, linewidth=1.5, zorder=1)
    side = {"x": panel.lexical + 0.012, "ha": "right"} if panel.lexical > 0.4 else {"x": panel.lexical - 0.012}
    cell.text(y=-0.62, s=f"lexical {_figure(panel.lexical)}", fontsize=8.5, **side)
    for row, (name, (alone, both)) in enumerate(panel.systems.items()):
        colour, weight = (OURS, "bold") if name == ours else (OTHER, "normal")
        cell.text(LEFT, row, name, fontsize=9.5, va="center", color=OURS if name == ours else INK, fontweight=weight)
        cell.plot([alone, both], [row, row], color=colour, linewidth=2.4, alpha=0.4, zorder=2, solid_capstyle="round")
        _mark(cell, alone, row, colour, alone=True)
        _mark(cell, both, row, colour)
        for value, place in ((alone, ALONE), (both, FUSED)):
            text = {"ha": "center", "va": "center", "color": OURS if name == ours else INK, "fontweight": weight}
            cell.text(place, row, _figure(value), fontsize=9.5, **text)
    for name, place in (("alone", ALONE), ("fused", FUSED)):
        cell.text(place, -0.62, name, fontsize=8.5, ha="center", color=SOFT)
    _axis(cell, len(panel.systems))


def _axis(cell: Any, rows: int) -> None:
    cell.set(xlim=(-0.03, 1.03), ylim=(rows - 0.5, -0.5), facecolor=GROUND, yticks=[])
    cell.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".50", ".75", "1"], fontsize=8.5)
    cell.tick_params(length=0, labelcolor=SOFT)
    cell.grid(axis="x", color=GRID)
    cell.set_axisbelow(True)
    for side in cell.spines.values():
        side.set_visible(False)


def _key(cell: Any) -> None:
    """What ring, disc and line mean, in the cell that no set takes."""
    cell.set(xlim=(-0.03, 1.03), ylim=(3.5, -0.5))
    cell.text(LEFT, -0.62, "How to read it", fontsize=11, fontweight="bold")
    rows = (
        "recall@1: the share of queries whose passage comes first",
        "vectors alone",
        "vectors fused with the lexical index, as the service ranks",
        "the lexical index alone: right of it, the vectors help",
    )
    for row, text in enumerate(rows):
        cell.text(LEFT if row == 0 else LEFT + 0.12, row, text, fontsize=9.5, va="center", color=INK)
    at = LEFT + 0.05
    _mark(cell, at, 1, OTHER, alone=True)
    _mark(cell, at, 2, OTHER)
    cell.plot([at, at], [2.7, 3.3], color=INK, linewidth=1.5, clip_on=False)


def _mark(cell: Any, x: float, y: float, colour: str, alone: bool = False) -> None:
    """A ring for vectors alone, a disc for what is fused."""
    inside = GROUND if alone else colour
    form = {"markersize": 8, "markerfacecolor": inside, "markeredgecolor": colour, "markeredgewidth": 2}
    cell.plot(x, y, "o", zorder=3, clip_on=False, **form)


def _figure(value: float) -> str:
    """Three decimals without the nought before the point."""
    return f"{value:.3f}".removeprefix("0")
