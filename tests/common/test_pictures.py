"""Photos are rebuilt from their pixels; hostile files are refused with a sentence."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational

from common import pictures
from common.errors import Invalid

ROOT = Path(__file__).resolve().parents[2]
SECRET = b"CANARY-41.2N-118.3E"


def photo(kind="JPEG", size=(640, 480), mode="RGB", **options):
    picture = Image.effect_noise(size, 60).convert(mode)
    written = io.BytesIO()
    picture.save(written, kind, **options)
    return written.getvalue()


def exif(**more):
    tags = Image.Exif()
    tags[0x010E] = SECRET.decode()
    tags[0x0112] = more.get("orientation", 1)
    place = tags.get_ifd(0x8825)
    place[1], place[2] = "N", (IFDRational(35), IFDRational(5), IFDRational(1))
    place[29] = SECRET.decode()
    return tags.tobytes()


def png_text():
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SECRET.decode())
    info.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    return info


def jpeg_segment(marker, body):
    data = photo()
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + data[2:]


def png_chunks(width, height, pixels=b"", colour=2):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def bomb(width, height):
    return png_chunks(width, height, zlib.compress(b"\0" * ((width * 3 + 1) * height), 9))


CLEANED = {
    "jpeg exif and gps": lambda: photo(exif=exif()),
    "jpeg comment": lambda: photo(comment=SECRET),
    "jpeg xmp": lambda: jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>" + SECRET + b"</x>"),
    "jpeg iptc": lambda: jpeg_segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0" + SECRET),
    "jpeg icc": lambda: photo(icc_profile=SECRET * 20),
    "jpeg unknown segment": lambda: jpeg_segment(0xEB, SECRET),
    "jpeg trailing zip": lambda: photo() + b"PK\x03\x04" + SECRET,
    "jpeg trailing script": lambda: photo() + b"<script>alert(1)</script>" + SECRET,
    "jpeg turned": lambda: photo(size=(600, 300), exif=exif(orientation=6)),
    "png large and turned": lambda: photo("PNG", size=(4000, 1000), mode="P", exif=exif(orientation=6)),
    "jpeg grey": lambda: photo(mode="L", exif=exif()),
    "jpeg cmyk": lambda: photo(mode="CMYK", exif=exif()),
    "jpeg progressive": lambda: photo(progressive=True, comment=SECRET),
    "jpeg large": lambda: photo(size=(4000, 3000), exif=exif()),
    "png text": lambda: photo("PNG", pnginfo=png_text()),
    "png exif": lambda: photo("PNG", exif=exif()),
    "png see-through": lambda: photo("PNG", mode="RGBA", pnginfo=png_text()),
    "png palette": lambda: photo("PNG", mode="P", pnginfo=png_text()),
    "png one bit": lambda: photo("PNG", mode="1", pnginfo=png_text()),
    "png trailing": lambda: photo("PNG") + SECRET,
    "webp exif": lambda: photo("WEBP", exif=exif()),
    "webp xmp": lambda: photo("WEBP", xmp=SECRET),
    "webp lossless": lambda: photo("WEBP", lossless=True, exif=exif()),
    "tiny": lambda: photo(size=(1, 1), comment=SECRET),
    "narrow": lambda: photo("PNG", size=(2, 3000), pnginfo=png_text()),
}


def gif():
    return photo("GIF")


def moving(kind):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    written = io.BytesIO()
    frames[0].save(written, kind, save_all=True, append_images=frames[1:])
    return written.getvalue()


REFUSED = {
    "empty": lambda: b"",
    "text": lambda: b"hello",
    "html": lambda: b"<html><script>alert(1)</script></html>",
    "svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "svg with xml head": lambda: b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "pdf": lambda: b"%PDF-1.7\n" + b"0" * 500,
    "zip": lambda: b"PK\x03\x04" + b"\0" * 500,
    "elf": lambda: b"\x7fELF" + b"\0" * 500,
    "php in a gif": lambda: b"GIF89a<?php system($_GET[0]);?>",
    "gif": gif,
    "bmp": lambda: photo("BMP"),
    "tiff": lambda: photo("TIFF"),
    "ico": lambda: photo("ICO", size=(32, 32)),
    "jpeg 2000": lambda: photo("JPEG2000"),
    "eps": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "jpeg head only": lambda: photo()[:20],
    "jpeg cut in half": lambda: photo()[: len(photo()) // 2],
    "jpeg cut at the end": lambda: photo()[:-1200],
    "png cut": lambda: photo("PNG")[:-3000],
    "webp cut": lambda: photo("WEBP")[:-3000],
    "jpeg scribbled over": lambda: photo()[:2] + b"\0" * 3000,
    "html before jpeg": lambda: b"<script>alert(1)</script>" + photo(),
    "jpeg mark on html": lambda: b"\xff\xd8\xff\xe0<html><script>alert(1)</script>",
    "png mark on html": lambda: b"\x89PNG\r\n\x1a\n<html>",
    "riff that is no webp": lambda: b"RIFF\x10\0\0\0WAVEfmt " + b"\0" * 64,
    "png bomb 10k x 10k": lambda: bomb(10_000, 10_000),
    "png bomb 5k x 5k": lambda: bomb(5_000, 5_000),
    "png claims 60k x 60k": lambda: png_chunks(60_000, 60_000, zlib.compress(b"\0")),
    "png claims 2^31": lambda: png_chunks(2**31 - 1, 2**31 - 1),
    "png of no pixels": lambda: png_chunks(0, 0),
    "png without pixels": lambda: png_chunks(100, 100),
    "png text bomb": lambda: png_text_bomb(),
    "moving png": lambda: moving("PNG"),
    "moving webp": lambda: moving("WEBP"),
    "too heavy": lambda: photo() + b"\0" * pictures.MAX_BYTES,
    "heavy rubbish": lambda: b"\0" * (pictures.MAX_BYTES + 1),
}


def png_text_bomb():
    body = b"Comment\0\0" + zlib.compress(b"A" * 80_000_000, 9)
    good = photo("PNG")
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    return good[:33] + chunk + good[33:]


@pytest.mark.parametrize("name", CLEANED)
def test_only_pixels_are_kept(name):
    source = CLEANED[name]()
    data, width, height = pictures.rebuild(io.BytesIO(source))
    with Image.open(io.BytesIO(data)) as rebuilt:
        assert (rebuilt.format, rebuilt.mode, rebuilt.size) == ("JPEG", "RGB", (width, height))
        assert not rebuilt.getexif()
        assert not {"comment", "xmp", "icc_profile", "photoshop", "exif"} & set(rebuilt.info)
        rebuilt.load()
    assert SECRET not in data
    assert b"<script" not in data
    assert max(width, height) <= pictures.MAX_SIDE


def test_the_corpus_does_carry_the_secret():
    """Control: had the file been passed on as it came, the canary would be in it."""
    carriers = [name for name, make in CLEANED.items() if SECRET in make()]
    assert len(carriers) >= 18
    with Image.open(io.BytesIO(CLEANED["jpeg comment"]())) as source:
        resaved = io.BytesIO()
        source.save(resaved, "JPEG")
    assert SECRET in resaved.getvalue(), "saving again without rebuilding keeps the comment"


def test_turned_photos_stand_upright():
    _, width, height = pictures.rebuild(io.BytesIO(CLEANED["jpeg turned"]()))
    assert (width, height) == (300, 600)
    _, width, height = pictures.rebuild(io.BytesIO(CLEANED["png large and turned"]()))
    assert width * 4 == height


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_files_are_refused_in_words(name):
    source = REFUSED[name]()
    with pytest.raises(Invalid) as refusal:
        pictures.rebuild(io.BytesIO(source))
    assert refusal.value.field == "photo"
    assert "照片" in refusal.value.message
    assert "直接提交" in refusal.value.message


def test_the_corpus_is_large_enough():
    assert len(CLEANED) + len(REFUSED) >= 60


CHILD = """
import pathlib, sys
from common import pictures
from common.errors import Invalid
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    with path.open("rb") as file:
        try:
            pictures.rebuild(file)
        except Invalid:
            pass
status = pathlib.Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


def test_memory_stays_bounded(tmp_path):
    large = {
        "flat png of 23 MP": lambda: flat("PNG", "RGB"),
        "see-through png of 23 MP": lambda: flat("PNG", "RGBA"),
        "webp of 23 MP, refused": lambda: flat("WEBP", "RGBA"),
        "webp of 12 MP": lambda: flat("WEBP", "RGBA", (3000, 4000)),
        "jpeg of 23 MP": lambda: flat("JPEG", "RGB"),
        "jpeg of 23 MP in four colours": lambda: flat("JPEG", "CMYK"),
    }
    for name, make in {**REFUSED, **large}.items():
        (tmp_path / name).write_bytes(make())
    asked = [sys.executable, "-c", CHILD, str(tmp_path)]
    answer = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=ROOT)
    assert int(answer.stdout) < 400, f"{answer.stdout.strip()} MiB"


def flat(kind, mode, size=(5600, 4200)):
    written = io.BytesIO()
    Image.new(mode, size).save(written, kind)
    return written.getvalue()
