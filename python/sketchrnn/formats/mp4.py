"""MP4 (H.264): the drawing, or all of a grid at once, being drawn. Through Pillow and PyAV."""

from __future__ import annotations

import io
import math
from fractions import Fraction
from typing import IO

import numpy as np

from .._extras import need
from ..sketch import Sketch, Sketches
from .animation import frames


def write(
    drawing: Sketch | Sketches,
    file: IO[bytes],
    *,
    size: float | None = None,
    stroke_width: float | None = None,
    margin: float = 0.05,
    columns: int | None = None,
    points_per_second: float = 40.0,
    fps: float = 20.0,
    hold: float = 1.5,
    one_by_one: bool = False,
) -> None:
    """Write a video at the pen's pace, the finished picture held for `hold` seconds.

    Options as in :func:`sketchrnn.formats.animation.write`. An odd number of pixels becomes the
    even one above, which the codec wants.
    """
    av = need("av", "video")
    images = frames(
        drawing,
        size=size,
        stroke_width=stroke_width,
        margin=margin,
        columns=columns,
        points_per_second=points_per_second,
        fps=fps,
        hold=hold,
        one_by_one=one_by_one,
    )
    images += images[-1:] * math.ceil(hold * fps)
    width, height = images[0].size
    # A container of known length is written by seeking back, which standard output cannot.
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"  # what every player shows
        stream.options = {"crf": "18"}
        for image in images:
            pixels = np.pad(
                np.asarray(image), ((0, height % 2), (0, width % 2)), constant_values=255
            )
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="gray")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    file.write(buffer.getvalue())
