"""Photos: read whole, turned upright, and written anew without anything but the picture."""

from __future__ import annotations

import warnings
from typing import BinaryIO

from PIL import Image, ImageOps

from cst_intake.domain.content import refused

#: A phone's largest pictures have 200 megapixels, and are made smaller by it unless told not to.
MAX_PIXELS = 50_000_000
MAX_SIDE = 30_000
_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_QUALITY = {"JPEG": {"quality": 90, "optimize": True}, "WEBP": {"quality": 90}, "PNG": {}}
#: What each format can hold as it is; other pictures become RGB.
_MODES = {
    "JPEG": ("L", "RGB"),
    "PNG": ("1", "L", "LA", "RGB", "RGBA"),
    "WEBP": ("RGB", "RGBA"),
}


def rewrite(source: BinaryIO, media_type: str, target: BinaryIO) -> None:
    """Write a photo anew: its pixels alone, without place, device, times, comments or profiles.

    Only the first picture of an animation stays. Blocks; runs in a thread.

    Raises:
        InvalidInput: it cannot be read to its end, or unfolds to too many pixels.
    """
    kind = _FORMATS[media_type]
    source.seek(0)
    try:
        with warnings.catch_warnings():
            # The bound is ours; Pillow's own warning at another one would tell nobody.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(source, formats=[kind]) as image:
                _check_size(image)
                picture = _upright(image, kind)
    except Image.DecompressionBombError:
        raise refused(f"unfolds to more than {MAX_PIXELS} pixels") from None
    except (OSError, SyntaxError, ValueError, EOFError, ArithmeticError, MemoryError) as error:
        shown = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
        raise refused(f"is a photo that cannot be read: {shown}") from None
    picture.save(target, kind, **_QUALITY[kind])


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise refused(f"has {width} x {height} pixels; at most {MAX_PIXELS} are allowed")


def _upright(image: Image.Image, kind: str) -> Image.Image:
    image.load()
    picture = ImageOps.exif_transpose(image)
    if picture.mode not in _MODES[kind]:
        alpha = kind != "JPEG" and picture.has_transparency_data
        picture = picture.convert("RGBA" if alpha else "RGB")
    picture.info = {}
    return picture
