"""``python -m benchmarks``: all that need no browser, one after the other, as one section."""

from __future__ import annotations

import json

import click

from benchmarks import (
    alignment,
    analyzer_speed,
    covered_eyes,
    crop_rule,
    emotion_speed,
    expression_networks,
    face_quality,
    gaze,
    large_photos,
    small_faces,
    start_up,
    stream_speed,
    turned_faces,
    video_speed,
    where_time_goes,
)
from benchmarks._report import machine
from benchmarks._scenes import SHARED

ANYWHERE = (emotion_speed, analyzer_speed, start_up)
WITH_SHARED = (
    stream_speed,
    video_speed,
    where_time_goes,
    expression_networks,
    face_quality,
    covered_eyes,
    gaze,
    small_faces,
    large_photos,
    turned_faces,
    crop_rule,
    alignment,
)


@click.command(help=__doc__)
@click.option("--json", "as_json", is_flag=True, help="The figures, for programs.")
def run(as_json: bool) -> None:
    here = SHARED.is_dir()
    reports = [module.measure() for module in (*ANYWHERE, *(WITH_SHARED if here else ()))]
    if as_json:
        figures = {report.title: report.figures for report in reports}
        click.echo(json.dumps({"machine": machine(), **figures}, indent=2))
        return
    sections = [f"Measured on {machine()}.", *(report.as_markdown() for report in reports)]
    click.echo("\n\n".join(sections))
    if not here:
        click.echo(f"\n../{SHARED.name} is absent: nothing else could be measured.")


if __name__ == "__main__":
    run()
