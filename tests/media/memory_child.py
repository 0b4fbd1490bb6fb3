"""A long clip through the analysis and into tables; prints how much memory that took on the way.

A process of its own, because only the peak of a whole process can be told.
"""

from __future__ import annotations

import json
import resource
import tempfile
from contextlib import ExitStack
from pathlib import Path

import av

from fer_core.analysis.video import analyze_video
from fer_core.export.table_sinks import CsvSink, JsonLinesSink, ParquetSink
from fer_core.labels import EMOTIONS
from fer_core.media.video import VideoFile
from tests.media.clips import TICK, clip, fake_analyzer

FRAMES, SETTLED = 20_000, 5_000


def repeated(source: Path, path: Path, times: int) -> None:
    """The packets of a clip repeated, which quickly gives a long file."""
    with av.open(str(source)) as short, av.open(str(path), "w") as film:
        [stream] = short.streams.video
        into = film.add_stream_from_template(stream)
        packets = [(bytes(p), p.is_keyframe) for p in short.demux(stream) if p.size]
        for number in range(times * len(packets)):
            content, key = packets[number % len(packets)]
            packet = av.Packet(content)
            packet.stream, packet.time_base, packet.is_keyframe = into, TICK, key
            packet.pts = packet.dts = number * 33
            film.mux(packet)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
    folder = Path(name)
    repeated(clip(folder / "s.mkv", count=100, codec="mpeg4"), folder / "l.mkv", FRAMES // 100)
    sinks: list[CsvSink | ParquetSink | JsonLinesSink] = [
        CsvSink(folder / "t.csv", EMOTIONS),
        ParquetSink(folder / "t.parquet", EMOTIONS),
        JsonLinesSink(folder / "t.jsonl"),
    ]
    for sink in sinks:
        stack.enter_context(sink)
    video = stack.enter_context(VideoFile(folder / "l.mkv"))
    settled_mb, count = 0.0, 0
    for _, result in analyze_video(video, fake_analyzer()):
        count += 1
        for sink in sinks:
            sink.write(result)
        if count == SETTLED:
            settled_mb = peak_mb()
    print(json.dumps({"frames": count, "growth_mb": peak_mb() - settled_mb}))
