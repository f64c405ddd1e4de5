"""Rebuild uploaded photos from their pixels, so that nothing but the picture itself is kept."""

import io
import warnings
from typing import Any

from PIL import Image, ImageOps

from common.errors import Invalid

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 10 * 1024 * 1024
# 24 megapixels: what a phone takes; decoding it stays below 100 MiB of memory.
MAX_PIXELS = 24_000_000
# The WEBP decoder keeps four copies of the canvas, so half as much already fills the same memory.
MAX_PIXELS_OF = {"WEBP": MAX_PIXELS // 2}
MAX_SIDE, QUALITY = 1600, 80

_NOT_A_PHOTO = "这个文件不是照片，或者已经损坏。请换一张 JPG、PNG 或 WEBP 格式的照片，也可以不传照片直接提交。"
_TOO_HEAVY = "照片超过 10 MB，传不上来。请换一张小一点的，也可以不传照片直接提交。"
_TOO_LARGE = "照片的尺寸太大。请换一张 2400 万像素以内的 JPG 照片，也可以不传照片直接提交。"
_MOVING = "动图传不上来。请换一张普通照片，也可以不传照片直接提交。"


def rebuild(upload: Any) -> tuple[bytes, int, int]:
    """Return the photo as a new JPEG of at most 1600 pixels a side, with width and height.

    Refuse what is not a JPEG, PNG or WEBP photo, is cut off, moves, or is heavier than 10 MiB or larger than 24 MP.
    """
    data = _read(upload)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as source:
                _refuse_by_header(source)
                pixels = _pixels(source)
    except Invalid:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise Invalid(_TOO_LARGE, field="photo") from error
    # Decoders raise a dozen different classes on hostile input; each means the same to the sender.
    except Exception as error:
        raise Invalid(_NOT_A_PHOTO, field="photo") from error
    written = io.BytesIO()
    pixels.save(written, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return written.getvalue(), pixels.width, pixels.height


def _read(upload: Any) -> bytes:
    # One byte more than allowed is enough to know; a claimed size is not believed.
    upload.seek(0)
    data = bytes(upload.read(MAX_BYTES + 1))
    if len(data) > MAX_BYTES:
        raise Invalid(_TOO_HEAVY, field="photo")
    if not data:
        raise Invalid(_NOT_A_PHOTO, field="photo")
    return data


def _refuse_by_header(source: Image.Image) -> None:
    width, height = source.size
    if width * height > MAX_PIXELS_OF.get(source.format or "", MAX_PIXELS):
        raise Invalid(_TOO_LARGE, field="photo")
    if getattr(source, "n_frames", 1) > 1 and source.format != "JPEG":
        raise Invalid(_MOVING, field="photo")


def _pixels(source: Image.Image) -> Image.Image:
    if source.format == "JPEG":
        # Decode at a reduced scale when that is enough: a quarter of the memory for large photos.
        source.draft("RGB", (MAX_SIDE, MAX_SIDE))
    source.load()
    upright = ImageOps.exif_transpose(_reduced(source))
    if upright.mode in ("RGBA", "LA", "PA", "P") or "transparency" in upright.info:
        see_through = upright.convert("RGBA")
        flat = Image.new("RGB", see_through.size, "white")
        flat.paste(see_through, mask=see_through.getchannel("A"))
    else:
        flat = upright.convert("RGB")
    flat.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    # Only pixels go on: a fresh image has no EXIF, GPS, XMP, comment or colour profile.
    clean = Image.new("RGB", flat.size)
    clean.paste(flat)
    return clean


def _reduced(source: Image.Image) -> Image.Image:
    """Shrink by a whole factor first, so that no later step holds a second full-size copy."""
    factor = max(source.size) // MAX_SIDE
    if factor < 2:
        return source
    if source.mode in ("P", "PA", "1"):
        source = source.convert("RGBA")
    return source.reduce(factor)
