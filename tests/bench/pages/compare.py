#!/usr/bin/env python3
"""Draws a directory of PDF files with poppler and mupdf, 1080 lines high, beside Engawa's own pictures, and measures the distance.

  make.py DIRECTORY; cargo bench --bench pages -- --to DIRECTORY DIRECTORY/*.pdf; compare.py DIRECTORY

Distance: mean difference of grey (0 to 255) over blocks of 4 × 4 pixels, from poppler's picture. Debian packages: poppler-utils mupdf-tools
python3-pil python3-numpy.
"""
import pathlib, subprocess, sys, time

import numpy
from PIL import Image

ROOM = pathlib.Path(sys.argv[1])
DRAWERS = {
    "poppler": lambda pdf, out: ["pdftoppm", "-png", "-singlefile", "-scale-to-y", "1080", "-scale-to-x", "-1", pdf, out.with_suffix("")],
    "mupdf": lambda pdf, out: ["mutool", "draw", "-q", "-h", "1080", "-o", out, pdf, "1"],
}


def blocks(path):
    if not path.exists() or not path.stat().st_size:
        return None
    grey = numpy.asarray(Image.open(path).convert("L"), dtype=float)
    height, width = (side // 4 * 4 for side in grey.shape)
    return grey[:height, :width].reshape(height // 4, 4, width // 4, 4).mean(axis=(1, 3))


def distance(one, other):
    if one is None or other is None:
        return "–"
    height, width = (min(sides) for sides in zip(one.shape, other.shape))
    return f"{abs(one[:height, :width] - other[:height, :width]).mean():.2f}"


print("| file | poppler ms | mupdf ms | engawa–poppler | mupdf–poppler |\n|---|---|---|---|---|")
for pdf in sorted(ROOM.glob("*.pdf")):
    times, drawn = {}, {}
    for name, command in DRAWERS.items():
        out = ROOM / f"{pdf.stem}.{name}.png"
        out.unlink(missing_ok=True)
        begun = time.monotonic()
        done = subprocess.run(command(pdf, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        took = time.monotonic() - begun
        drawn[name] = blocks(out)
        times[name] = f"{took * 1000:.0f}" if done.returncode == 0 and drawn[name] is not None else "refused"
    own = blocks(ROOM / f"{pdf.stem}.engawa.ppm")
    print(f"| {pdf.stem} | {times['poppler']} | {times['mupdf']} | {distance(own, drawn['poppler'])} | {distance(drawn['mupdf'], drawn['poppler'])} |")
