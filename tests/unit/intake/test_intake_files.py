"""Files by their content: what passes, what is left of it, and what does not pass."""

from __future__ import annotations

import hashlib
import io

import pytest
from PIL import Image

from cst_contracts.evidence import EvidenceUpload
from cst_core.errors import InvalidInput
from cst_intake.domain.movies import boxes
from cst_intake.evidence_files import Prepared, prepare
from cst_testkit.files import DEVICE, HOSTILE, bomb, film, pdf, photo, plain_photo

GPS = 0x8825
NOTHING_SAID = EvidenceUpload()


def prepared(content: bytes, fields: EvidenceUpload = NOTHING_SAID) -> tuple[Prepared, bytes]:
    ready = prepare(io.BytesIO(content), fields, io.BytesIO())
    return ready, ready.file.read()


@pytest.mark.parametrize(
    ("content", "kind", "media_type"),
    [
        (plain_photo("JPEG"), "photo", "image/jpeg"),
        (plain_photo("JPEG", "L"), "photo", "image/jpeg"),
        (plain_photo("JPEG", "CMYK"), "photo", "image/jpeg"),
        (plain_photo("PNG"), "photo", "image/png"),
        (plain_photo("PNG", "P"), "photo", "image/png"),
        (plain_photo("PNG", "RGBA"), "photo", "image/png"),
        (plain_photo("PNG", "1"), "photo", "image/png"),
        (plain_photo("WEBP"), "photo", "image/webp"),
        (plain_photo("WEBP", "RGBA"), "photo", "image/webp"),
        (film(), "video", "video/mp4"),
        (film(b"mp42"), "video", "video/mp4"),
        (film(b"qt  "), "video", "video/quicktime"),
        (pdf(), "file", "application/pdf"),
        (b"The hole is 2 < 3 m wide\r\n\tand deep.", "file", "text/plain"),
        ("\ufeffÇa déborde: <3 ana@example.org".encode(), "file", "text/plain"),
    ],
)
def test_what_is_harmless_is_known_by_its_content(
    content: bytes, kind: str, media_type: str
) -> None:
    ready, stored = prepared(content)
    assert (ready.content.kind, ready.content.media_type) == (kind, media_type)
    assert ready.size == len(stored)
    assert ready.sha256 == hashlib.sha256(stored).hexdigest()
    assert ready.sent_sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_forgets_place_device_and_author(kind: str) -> None:
    sent = photo(kind)
    assert Image.open(io.BytesIO(sent)).getexif().get_ifd(GPS)
    assert DEVICE.encode() in sent
    _, stored = prepared(sent)
    picture = Image.open(io.BytesIO(stored))
    assert picture.format == kind
    assert dict(picture.getexif()) == {}
    assert not picture.getexif().get_ifd(GPS)
    for word in (DEVICE.encode(), b"Zebulon", b"Exif", b"GPS"):
        assert word not in stored


def test_a_photo_is_turned_upright() -> None:
    _, stored = prepared(photo(turned=True, size=(60, 40)))
    picture = Image.open(io.BytesIO(stored)).convert("RGB")
    assert picture.size == (40, 60)
    red, _, _ = picture.getpixel((20, 5))  # type: ignore[misc]
    gray, green, _ = picture.getpixel((20, 55))  # type: ignore[misc]
    assert red > 200
    assert abs(gray - green) < 40


def test_a_film_forgets_place_and_device_and_stays_as_long() -> None:
    sent = film()
    assert b"+40.7128" in sent
    ready, stored = prepared(sent)
    assert len(stored) == len(sent)
    for word in (b"+40.7128", DEVICE.encode(), b"Zebulon", b"udta"):
        assert word not in stored
    assert b"pictures" in stored
    kinds = [box.kind for box in boxes(io.BytesIO(stored), 0, ready.size)]
    assert kinds == [b"ftyp", b"free", b"mdat", b"moov"]


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_what_is_hostile_or_broken_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        prepared(HOSTILE[name])
    [error] = refusal.value.members["errors"]
    assert error["field"] == "file"
    assert error["allowed"]


@pytest.mark.parametrize("side", [8_000, 29_999, 60_000])
def test_a_bomb_is_refused_before_it_unfolds(side: int) -> None:
    with pytest.raises(InvalidInput, match="50000000"):
        prepared(bomb(side, side))


def test_what_is_said_of_a_file_must_fit() -> None:
    sent = plain_photo("PNG")
    digest = hashlib.sha256(sent).hexdigest()
    prepared(sent, EvidenceUpload(type="photo", sha256=digest))
    with pytest.raises(InvalidInput, match="type: the file is a photo"):
        prepared(sent, EvidenceUpload(type="video"))
    with pytest.raises(InvalidInput, match=f"sha256: is not that of the file, which is {digest}"):
        prepared(sent, EvidenceUpload(sha256="0" * 64))


def test_a_film_with_endless_boxes_ends() -> None:
    with pytest.raises(InvalidInput, match="is a video that"):
        prepared(film() + bytes(16))
