"""Tests of JPEGs whose last bytes are missing, which viewers can open."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fer_core.errors import UnreadablePicture
from fer_core.media.images import decode_noted
from tests.conftest import SAMPLE


def jpeg(mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    Image.open(SAMPLE).convert(mode).save(out, "JPEG", **{"quality": 90, **options})
    return out.getvalue()


KINDS = [
    ("RGB", {}),
    ("L", {}),
    ("CMYK", {}),
    ("RGB", {"subsampling": 0}),
    ("RGB", {"restart_marker_rows": 1}),
    ("RGB", {"progressive": True}),
    ("L", {"progressive": True}),
]


@pytest.mark.parametrize(("mode", "options"), KINDS)
@pytest.mark.parametrize("lost", [1, 2, 3, 100, 1000])
def test_all_but_the_last_bytes(mode, options, lost):
    data = jpeg(mode, **options)
    whole = decode_noted(data)
    assert whole.note == ""
    found = decode_noted(data[:-lost])
    assert "The last bytes of this file are missing" in found.note
    differs = np.abs(found.bgr.astype(int) - whole.bgr).max(axis=2) > 0
    if options.get("progressive"):
        assert np.abs(found.bgr.astype(int) - whole.bgr).mean() < 2
    else:  # in the last blocks alone
        assert not differs[:448].any()


@pytest.mark.parametrize(("mode", "options"), KINDS)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_what_is_really_truncated_is_an_error(mode, options, share):
    data = jpeg(mode, **options)
    with pytest.raises(UnreadablePicture, match="damaged or incomplete"):
        decode_noted(data[: int(share * len(data))])


@pytest.mark.parametrize("quality", [90, 97])  # at 97, zeros give all pixels, and no error
@pytest.mark.parametrize(("mode", "options"), KINDS)
def test_zeros_in_place_of_the_last_bytes(mode, options, quality):
    data = jpeg(mode, quality=quality, **options)
    cut = decode_noted(data[:-300])
    zeroed = decode_noted(data[:-300] + bytes(300))
    assert zeroed.note == cut.note != ""
    assert np.array_equal(zeroed.bgr, cut.bgr)
    with pytest.raises(UnreadablePicture, match="damaged or incomplete"):
        decode_noted(data[: len(data) // 2] + bytes(len(data) // 2))
    assert decode_noted(data + bytes(1000)).note == ""


def test_how_many_rows_are_missing_is_told():
    data = jpeg()
    found = decode_noted(data[:-4000])
    rows = int(np.all(found.bgr == 128, axis=(1, 2)).sum())
    assert 8 <= rows <= 24
    assert f"{rows} of the 512 rows" in found.note


def test_a_turned_one_is_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = decode_noted(jpeg(exif=exif)).bgr
    found = decode_noted(jpeg(exif=exif)[:-500])
    assert "last bytes" in found.note
    assert found.bgr.shape == upright.shape
    assert np.array_equal(found.bgr[:400, 100:], upright[:400, 100:])


def test_a_grey_picture_lacks_nothing():
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (128, 128, 128)).save(out, "JPEG")
    assert decode_noted(out.getvalue()).note == ""


def test_a_progressive_one_lacks_rows_of_its_last_scan():
    data = jpeg(progressive=True)
    last = len(data) - data.rfind(b"\xff\xda")
    assert "finest detail of" in decode_noted(data[: -last // 50]).note
    with pytest.raises(UnreadablePicture):
        decode_noted(data[: -last // 5])


def test_a_stereo_picture_without_its_last_bytes():
    out = io.BytesIO()
    picture = Image.open(SAMPLE).convert("RGB")
    picture.save(out, "MPO", save_all=True, append_images=[picture])
    data = out.getvalue()
    assert decode_noted(data).note == ""
    assert decode_noted(data[:-3000]).note == ""  # of the second picture, which is not looked at
