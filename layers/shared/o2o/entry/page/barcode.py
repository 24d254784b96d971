"""Code 128 as an SVG small enough to stand inside a page."""

from itertools import groupby

from barcode.codex import Code128
from markupsafe import Markup

_QUIET_MODULES = 10
"""Code 128 wants this much white at either end."""
_HEIGHT = 48


class _Digits(Code128):  # type: ignore[misc] # the library has no types
    """Code 128 of digits alone, which begins in code set C as it is.

    The library would take a leading 99 for the symbol that switches to code set C.
    """

    def _try_to_optimize(self, encoded: list[int]) -> list[int]:
        return encoded


def draw_barcode(digits: str) -> Markup:
    """The bars of some digits, black on white; two digits share a symbol (code set C)."""
    (modules,) = _Digits(digits).build()
    bars, at = [], _QUIET_MODULES
    for is_bar, run in groupby(modules, "1".__eq__):
        width = len(list(run))
        if is_bar:
            bars.append(f"M{at} 0h{width}v{_HEIGHT}h-{width}z")
        at += width
    size = f"{at + _QUIET_MODULES} {_HEIGHT}"
    return Markup(  # noqa: S704 - numbers only
        f'<svg class="barcode" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}"'
        f' preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<path fill="#fff" d="M0 0H{at + _QUIET_MODULES}V{_HEIGHT}H0z"/>'
        f'<path d="{"".join(bars)}"/></svg>'
    )
