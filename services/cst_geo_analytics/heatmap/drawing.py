"""A heatmap as a picture: zones, hexagons, a legend, and what it shows of when."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from PIL import Image, ImageDraw, ImageFont
from shapely.geometry.base import BaseGeometry

from cst_geo import Box
from cst_geo_analytics.domain.classes import Classes, classes_of
from cst_geo_analytics.domain.heatmap import Heatmap, ring
from cst_geo_analytics.domain.plane import Pixel, Plane, bounds_of, plane_of

#: Drawn so many times as large and then reduced, which smooths edges.
_FINER = 2
_HEADER, _MARGIN, _LINE = 62, 16, 20
_BACK, _LAND, _BORDER = "#eef1f4", "#fbfbf9", "#a9b3bd"
_INK, _QUIET = "#17212b", "#55616d"
#: Light to dark, distinct for the colour-blind too (ColorBrewer's YlOrRd).
_COLOURS = ("#ffeda0", "#fed976", "#feb24c", "#fd8d3c", "#f03b20", "#b10026")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a picture shows beside the hexagons.

    Attributes:
        title: what it is a map of.
        note: of when, and of what.
        width, height: in pixels.
        box: the part of the globe to show; None for where the hexagons are.
        fallback: what is shown where there are none.
        zones: outlines in degrees.
    """

    title: str
    note: str
    width: int
    height: int
    box: Box | None
    fallback: Box
    zones: Sequence[BaseGeometry] = ()


def drawn(heatmap: Heatmap, sheet: Sheet) -> bytes:
    """Return a PNG; the same arguments give the same bytes."""
    size = sheet.width * _FINER, sheet.height * _FINER
    image = Image.new("RGB", size, _BACK)
    pen = ImageDraw.Draw(image)
    rings = [ring(hexagon.cell) for hexagon in heatmap.hexagons]
    plane = _plane(sheet, rings)
    outlines = list(_outlines(plane, sheet.zones))
    for corners in outlines:
        pen.polygon(corners, fill=_LAND, outline=_BORDER, width=_FINER)
    classes = _draw_hexagons(pen, plane, heatmap, rings)
    for corners in outlines:
        pen.line([*corners, corners[0]], fill=_BORDER, width=_FINER)
    _draw_header(pen, sheet, heatmap.formula)
    if classes is None:
        _text(pen, sheet.width / 2, sheet.height / 2, "No requests here", 18, _QUIET, anchor="mm")
    else:
        _draw_legend(pen, sheet, classes)
    written = io.BytesIO()
    image.resize((sheet.width, sheet.height), Image.Resampling.BOX).save(written, "PNG")
    return written.getvalue()


def _plane(sheet: Sheet, rings: Sequence[Sequence[Sequence[float]]]) -> Plane:
    box = sheet.box or bounds_of(rings) or sheet.fallback
    top = _HEADER + _MARGIN
    inner = sheet.width - 2 * _MARGIN, sheet.height - top - _MARGIN
    scaled = (edge * _FINER for edge in (_MARGIN, top, *inner))
    return plane_of(box, *scaled)


def _outlines(plane: Plane, zones: Iterable[BaseGeometry]) -> Iterator[list[Pixel]]:
    """The corners of the zones' parts, as far as they can be told apart."""
    # Half a pixel: no more than a picture can show.
    lighter = shapely.simplify(list(zones), 0.5 * _FINER / plane.scale, preserve_topology=False)
    for part in shapely.get_parts(lighter):
        if not part.is_empty:
            yield plane.pixels(part.exterior.coords)


def _draw_hexagons(
    pen: ImageDraw.ImageDraw, plane: Plane, heatmap: Heatmap, rings: Sequence[Any]
) -> Classes | None:
    if not heatmap.hexagons:
        return None
    classes = classes_of([hexagon.weight for hexagon in heatmap.hexagons], len(_COLOURS))
    colours = _spread(len(classes.starts))
    for hexagon, outline in zip(heatmap.hexagons, rings, strict=True):
        colour = colours[classes.number(hexagon.weight)]
        pen.polygon(plane.pixels(outline), fill=colour, outline="#ffffff")
    return classes


def _spread(count: int) -> list[str]:
    """As many of the colours as there are classes, from light to dark."""
    last = len(_COLOURS) - 1
    return [_COLOURS[round(n * last / (count - 1)) if count > 1 else 3] for n in range(count)]


def _draw_header(pen: ImageDraw.ImageDraw, sheet: Sheet, formula: str) -> None:
    pen.rectangle((0, 0, sheet.width * _FINER, _HEADER * _FINER), fill="#ffffff")
    room = sheet.width - 2 * _MARGIN
    _text(pen, _MARGIN, 8, sheet.title, 20, _INK, room=room)
    _text(pen, _MARGIN, 36, f"{sheet.note} · {formula}", 13, _QUIET, room=room)


def _draw_legend(pen: ImageDraw.ImageDraw, sheet: Sheet, classes: Classes) -> None:
    labels = classes.labels()
    high, wide = _LINE * len(labels) + 12, 40 + 8 * max(map(len, labels))
    left, top = _MARGIN, sheet.height - _MARGIN - high
    box = (left, top, left + wide, top + high)
    pen.rectangle([edge * _FINER for edge in box], fill="#ffffff", outline=_BORDER)
    for number, (label, colour) in enumerate(zip(labels, _spread(len(labels)), strict=True)):
        y = top + 6 + _LINE * (len(labels) - 1 - number)
        swatch = (left + 8, y + 3, left + 24, y + 17)
        pen.rectangle([edge * _FINER for edge in swatch], fill=colour, outline=_BORDER)
        _text(pen, left + 32, y + 3, label, 13, _INK)


def _text(
    pen: ImageDraw.ImageDraw,
    x: float,
    y: float,
    text: str,
    size: int,
    colour: str,
    *,
    room: float | None = None,
    anchor: str = "la",
) -> None:
    """Write a line, cut to ``room`` pixels; what the font does not have shows as a box."""
    font = ImageFont.load_default(size * _FINER)
    if room is not None and pen.textlength(text, font) > room * _FINER:
        while text and pen.textlength(f"{text}…", font) > room * _FINER:
            text = text[:-1]
        text = f"{text.rstrip()}…"
    pen.text((x * _FINER, y * _FINER), text, fill=colour, font=font, anchor=anchor)
