"""Curves as SVG, for the documents. Two of them are not worth a plotting library for everyone."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "docs" / "images"
_WIDTH, _HEIGHT = 640, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 20, 50
_COLOURS = ("#0969da", "#bf8700", "#8250df")
_STYLE = (
    "text{font:12px sans-serif;fill:#57606a}path{fill:none;stroke-width:2}"
    "line{stroke:#d0d7de}rect{fill:#fff}"
)

Curve = Sequence[tuple[float, float]]


def draw(
    name: str,
    curves: Mapping[str, Curve],
    x_title: str,
    y_title: str,
    x_ticks: Mapping[float, str],
    y_ticks: Mapping[float, str],
) -> None:
    """Write docs/images/<name>.svg. Ticks are labelled positions; the outermost are the ends."""
    x, y = (_scale(x_ticks, _LEFT, _WIDTH - _RIGHT), _scale(y_ticks, _HEIGHT - _BOTTOM, _TOP))
    parts = [f'<rect width="{_WIDTH}" height="{_HEIGHT}"/>']
    for at, label in y_ticks.items():
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(at)}" y2="{y(at)}"/>')
        parts.append(_text(_LEFT - 8, y(at) + 4, label, "end"))
    for at, label in x_ticks.items():
        parts.append(f'<line x1="{x(at)}" x2="{x(at)}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
        parts.append(_text(x(at), _HEIGHT - _BOTTOM + 18, label, "middle"))
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 10, x_title, "middle"))
    parts.append(_text(_LEFT, _TOP - 6, y_title, "start"))
    for number, (label, curve) in enumerate(curves.items()):
        path = " L".join(f"{x(across)} {y(up)}" for across, up in curve)
        parts.append(f'<path d="M{path}" stroke="{_COLOURS[number]}"/>')
        across, up = curve[-1]
        parts.append(_text(x(across) - 4, y(up) - 6, label, "end"))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f"<style>{_STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n",
        "utf-8",
    )


def _scale(ticks: Mapping[float, str], begin: float, end: float) -> Callable[[float], float]:
    low, high = min(ticks), max(ticks)
    return lambda at: round(begin + (at - low) / (high - low) * (end - begin), 1)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
