"""Files that citizens and others send, made by code: photos, films, documents, and hostile ones."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from PIL import Image

#: A place and a device that a photo tells of.
LATITUDE = (40.0, 42.0, 46.08)
DEVICE = "Acme Phone 9"
_GPS, _MAKE, _ORIENTATION, _COMMENT = 0x8825, 0x010F, 0x0112, 0x9286


def photo(kind: str = "JPEG", *, size: tuple[int, int] = (60, 40), turned: bool = False) -> bytes:
    """Return a photo that tells where and with what it was taken, and who took it."""
    picture = Image.new("RGB", size, "gray")
    picture.paste("red", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[_MAKE] = DEVICE
    exif[_COMMENT] = b"ASCII\0\0\0taken by Zebulon"
    if turned:
        exif[_ORIENTATION] = 6
    exif.get_ifd(_GPS).update({1: "N", 2: LATITUDE, 3: "W", 4: (74.0, 0.0, 0.0)})
    out = io.BytesIO()
    extra = {"comment": b"by Zebulon"} if kind == "JPEG" else {}
    picture.save(out, kind, exif=exif, **extra)
    return out.getvalue()


def plain_photo(kind: str, mode: str = "RGB") -> bytes:
    """Return a small picture of a format and mode."""
    out = io.BytesIO()
    Image.new(mode, (8, 8)).save(out, kind)
    return out.getvalue()


def _box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def film(brand: bytes = b"isom") -> bytes:
    """Return the boxes of a film that tells where it was taken, and hides a page."""
    place = _box(b"udta", _box(b"\xa9xyz", b"+40.7128-074.0060/"))
    track = _box(b"trak", _box(b"tkhd", bytes(20)) + _box(b"udta", DEVICE.encode()))
    index = _box(b"moov", _box(b"mvhd", bytes(32)) + track + place)
    return (
        _box(b"ftyp", brand + bytes(4) + brand)
        + _box(b"free", b"Zebulon was here")
        + _box(b"mdat", b"pictures" * 50)
        + index
    )


def pdf(inside: bytes = b"") -> bytes:
    """Return a document; ``inside`` stands in its only object."""
    return b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog " + inside + b" >>\nendobj\n%%EOF\n"


def archive(before: bytes = b"") -> bytes:
    """Return an archive with a program in it, behind what makes it look like something else."""
    out = io.BytesIO()
    out.write(before)
    with zipfile.ZipFile(out, "a") as zipped:
        zipped.writestr("run.exe", b"MZ" + bytes(50))
    return out.getvalue()


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """Return a PNG of some kilobytes that says it unfolds to gigabytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(100_000), 9))
        + chunk(b"IEND", b"")
    )


#: Each with what it is; none may be stored.
HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "page": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    "page in a text": b"Dear city,\n\n  <ScRiPt>alert(1)</script>\n",
    "drawing with script": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "XML": b'<?xml version="1.0"?><a/>',
    "shell script": b"#!/bin/sh\nrm -rf /\n",
    "Windows program": b"MZ\x90\x00\x03" + bytes(200),
    "Linux program": b"\x7fELF\x02\x01\x01" + bytes(200),
    "archive": archive(),
    "photo that is an archive": archive(plain_photo("JPEG")),
    "film that is an archive": archive(film()),
    "text that is an archive": archive(b"A letter\n"),
    "document that is an archive": archive(pdf()),
    "photo with a page in it": plain_photo("PNG") + b"<script>alert(1)</script>",
    "photo cut off": photo("JPEG", size=(600, 400))[:-1500],
    "PNG cut off": photo("PNG", size=(600, 400))[:200],
    "only the head of a photo": b"\xff\xd8\xff\xe0",
    "photo of another format's name": b"\x89PNG\r\n\x1a\n" + plain_photo("JPEG"),
    "animation": plain_photo("GIF", "P"),
    "scan": plain_photo("TIFF"),
    "bitmap": plain_photo("BMP"),
    "bomb": bomb(),
    "bomb below the bound of a side": bomb(29_999, 29_999),
    "film cut off": film()[:-20],
    "film that goes on": film() + b"more",
    "film without an index": film()[: film().index(b"moov") - 4],
    "HEIC": _box(b"ftyp", b"heic" + bytes(4) + b"heic") + _box(b"mdat", b"x"),
    "film of an unknown brand": film(b"evil"),
    "document cut off": pdf()[:-8],
    "document with a script": pdf(b"/OpenAction << /S /JavaScript /JS (app.alert(1)) >>"),
    "document with a hidden script": pdf(b"/OpenAction << /S /J#61vaScript >>"),
    "document with a launcher": pdf(b"/Launch (cmd.exe)"),
    "document with a file": pdf(b"/EmbeddedFile 5 0 R"),
    "noise": bytes(range(256)) * 20,
    "Latin-1": "Straße".encode("latin-1"),
    "UTF-16": "Hello".encode("utf-16"),
    "control characters": b"hello\x1b[2Jworld",
    "rich text": b"{\\rtf1 hello}",
}
