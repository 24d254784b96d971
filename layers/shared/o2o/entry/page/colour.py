"""Shades of a storefront's colour that can be read: WCAG 2 level AA, whatever the colour."""

from dataclasses import dataclass

ENOUGH = 4.5
"""The contrast that text must have (WCAG 2.2, success criterion 1.4.3)."""

# The darkest and the lightest ground that the accent stands on, in page.css.
LIGHT_GROUND = "#f4f3ef"
DARK_GROUND = "#22262c"

_STEPS = 50


@dataclass(frozen=True, slots=True)
class Accent:
    """A colour's shade for each scheme. White stands on ``light``, black on ``dark``."""

    light: str
    dark: str


def accent(colour: str) -> Accent:
    """The shades of a colour that differ from it no more than they must."""
    return Accent(
        light=_towards("#000000", colour, LIGHT_GROUND),
        dark=_towards("#ffffff", colour, DARK_GROUND),
    )


def contrast(one: str, other: str) -> float:
    """How well two colours are told apart: from 1 to 21."""
    lower, higher = sorted((_luminance(one), _luminance(other)))
    return (higher + 0.05) / (lower + 0.05)


def _towards(end: str, colour: str, ground: str) -> str:
    for step in range(_STEPS):
        shade = _mix(colour, end, step / _STEPS)
        if contrast(shade, ground) >= ENOUGH:
            return shade
    return end


def _mix(one: str, other: str, share: float) -> str:
    mixed = (
        round(a + (b - a) * share) for a, b in zip(_channels(one), _channels(other), strict=True)
    )
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    if channel <= 0.04045:  # noqa: PLR2004 - where sRGB's curve begins
        return channel / 12.92
    return ((channel + 0.055) / 1.055) ** 2.4  # type: ignore[no-any-return]


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
