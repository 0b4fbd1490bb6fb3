"""Draws the sample clip of the live page: ``python -m tools.demo_clip``.

A face that nobody has shows one expression after the other, so that the page can be tried without
a camera. All of it is drawn here; nothing is taken from elsewhere.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av

from fer_core.paths import SAMPLE_CLIP
from tools.demo_clip.poses import LENGTH_S, at
from tools.demo_clip.scene import HEIGHT, WIDTH, draw

FPS = 25


def write(path: Path, fps: int = FPS, detail: float = 1.5) -> None:
    """H.264 of the baseline profile in MP4, which everything plays."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as clip:
        stream = clip.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, fps)
        stream.options = {"profile": "baseline", "preset": "veryslow", "crf": "23"}
        for number in range(round(LENGTH_S * fps)):
            picture = draw(at(number / fps), detail)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = number
            clip.mux(stream.encode(frame))
        clip.mux(stream.encode())


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE_CLIP)
