"""What ``save()`` takes by name, for editors and type checkers; docs/formats.md says which format
has which. tests/test_objects.py holds it against the writers themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict


class SaveOptions(TypedDict, total=False):
    """Options of all formats; a format refuses those that it has not."""

    format: str | None
    # Pictures and pages.
    size: float | None
    stroke_width: float | None
    margin: float
    columns: int | None
    captions: Sequence[str] | None
    # SVG.
    color: str
    background: str | None
    by_order: bool
    per_stroke: bool
    animate: bool
    over: bool | None
    new_color: str | None
    # SVG and plotters.
    new_only: bool
    # Animations.
    points_per_second: float
    fps: float
    hold: float
    loop: bool
    one_by_one: bool
    # Plotters.
    page: tuple[float, float] | str | None
    pen: int
    feed: float
    pen_up: str
    pen_down: str
    # Tables.
    compact: bool
