#!/usr/bin/env python3
"""Makes the Japanese PDF files of the comparison in README.md: make.py DIRECTORY.

Debian packages: python3-reportlab python3-pil img2pdf qpdf libopenjp2-tools poppler-data fonts-ipaexfont fonts-noto-cjk chromium.
"""
import io, pathlib, re, subprocess, sys, tempfile

import img2pdf
from PIL import Image, ImageDraw, ImageFont, ImageOps, TiffImagePlugin
from reportlab.lib.pagesizes import A3, A4, landscape
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

CMAPS = pathlib.Path("/usr/share/poppler/cMap/Adobe-Japan1")
GOTHIC = "/usr/share/fonts/opentype/ipaexfont-gothic/ipaexg.ttf"
TEXT = "令和八年度　町民説明会（第１回）「公共施設の再配置」について、ご意見を。カタカナー・ｶﾀｶﾅ ABC 123"
VERTICAL = "町長「本日は、ご多用のところ（午後二時から）お集まりいただき、ありがとうございます。」ページ・ショッピングー……～"
OUT = pathlib.Path(sys.argv[1])


class Pdf:
    """A PDF written by hand: nothing is embedded, nothing is corrected."""

    def __init__(self):
        self.objects = []

    def add(self, body):
        self.objects.append(body if isinstance(body, bytes) else body.encode("latin-1"))
        return len(self.objects)

    def stream(self, data, head=""):
        return self.add(f"<< /Length {len(data)} {head} >>\nstream\n".encode() + data + b"\nendstream")

    def write(self, name, contents, resources, extra="", box="0 0 595 842", catalog=""):
        content = self.stream(contents)
        pages = len(self.objects) + 2
        page = self.add(f"<< /Type /Page /Parent {pages} 0 R /MediaBox [{box}] /Contents {content} 0 R /Resources << {resources} >> {extra} >>")
        self.add(f"<< /Type /Pages /Kids [{page} 0 R] /Count 1 >>")
        root = self.add(f"<< /Type /Catalog /Pages {pages} 0 R {catalog} >>")
        out, offsets = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
        for number, body in enumerate(self.objects, 1):
            offsets.append(len(out))
            out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
        start = len(out)
        out += f"xref\n0 {len(offsets) + 1}\n0000000000 65535 f \n".encode()
        out += b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
        out += f"trailer << /Size {len(offsets) + 1} /Root {root} 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
        (OUT / name).write_bytes(out)

    def font(self, base, encoding, ordering="Japan1", kind=2, widths="", flags=4, unicode=None):
        mincho = any(word in base for word in ("Mincho", "Ryumin", "HeiseiMin"))
        descriptor = self.add(f"<< /Type /FontDescriptor /FontName /{base} /Flags {flags | (2 if mincho else 0)} /ItalicAngle 0 "
                              f"/Ascent 859 /Descent -140 /CapHeight 700 /StemV 80 /FontBBox [0 -140 1000 859] >>")
        cid = self.add(f"<< /Type /Font /Subtype /CIDFontType{kind} /BaseFont /{base} /FontDescriptor {descriptor} 0 R /DW 1000 {widths} "
                       f"/CIDSystemInfo << /Registry (Adobe) /Ordering ({ordering}) /Supplement {2 if ordering == 'Japan1' else 0} >> >>")
        tail = f"/ToUnicode {unicode} 0 R" if unicode else ""
        return self.add(f"<< /Type /Font /Subtype /Type0 /BaseFont /{base} /Encoding /{encoding} /DescendantFonts [{cid} 0 R] {tail} >>")


def cids(name):
    """Unicode (UTF-16) → CID of a predefined CMap, with what it builds on."""
    text = (CMAPS / name).read_text("latin-1")
    found = {}
    for parent in re.findall(r"/(\S+) usecmap", text):
        found |= cids(parent)
    for block in re.findall(r"begincidrange(.*?)endcidrange", text, re.S):
        for low, high, cid in re.findall(r"<(\w+)>\s*<(\w+)>\s*(\d+)", block):
            for step in range(int(high, 16) - int(low, 16) + 1):
                found[int(low, 16) + step] = int(cid) + step
    for block in re.findall(r"begincidchar(.*?)endcidchar", text, re.S):
        for code, cid in re.findall(r"<(\w+)>\s*(\d+)", block):
            found[int(code, 16)] = int(cid)
    return found


def coded(text, encoding):
    if "RKSJ" in encoding:
        return text.replace("～", "〜").encode("cp932", "replace").hex()
    if "UTF16" in encoding:
        return text.encode("utf-16-be").hex()
    table = cids("UniJIS-UTF16-" + encoding[-1])
    return "".join(f"{table[ord(c)]:04x}" for c in text)


HALF = "/W [1 [333] 231 632 500]"


def not_embedded_across():
    for name, encoding, bases, kind in (
        ("noembed-rksj", "90ms-RKSJ-H", ("MS-Mincho", "MS-Gothic", "MS-PMincho", "MS-Gothic,Bold"), 2),
        ("noembed-utf16", "UniJIS-UTF16-H", ("Ryumin-Light", "GothicBBB-Medium", "HeiseiMin-W3", "HeiseiKakuGo-W5"), 0),
        ("noembed-identity", "Identity-H", ("Ryumin-Light", "GothicBBB-Medium", "KozMinPr6N-Regular", "MidashiGo-MB31"), 0),
    ):
        pdf = Pdf()
        fonts = [pdf.font(base, encoding, kind=kind, widths=HALF) for base in bases]
        lines = []
        for row, _ in enumerate(bases):
            for size, y in ((11, 790), (20, 760), (36, 715)):
                part = TEXT if size < 20 else TEXT[:26] if size == 20 else TEXT[:13]
                lines.append(f"BT /F{row} {size} Tf 40 {y - row * 190} Td <{coded(part, encoding)}> Tj ET")
                lines.append(f"BT /F{row} {size} Tf 40 {y - row * 190 - 70} Td <{coded(TEXT[-18:], encoding)}> Tj ET" if size == 20 else "")
        pdf.write(name + ".pdf", "\n".join(lines).encode(), "/Font << " + " ".join(f"/F{n} {o} 0 R" for n, o in enumerate(fonts)) + " >>")


def not_embedded_down():
    pdf, lines, fonts = Pdf(), [], []
    for column, (base, encoding, kind) in enumerate((("MS-Mincho", "90ms-RKSJ-V", 2), ("Ryumin-Light", "UniJIS-UTF16-V", 0),
                                                     ("GothicBBB-Medium", "Identity-V", 0))):
        fonts.append(pdf.font(base, encoding, kind=kind, widths=HALF))
        for part in range(3):
            lines.append(f"BT /F{column} 24 Tf {540 - column * 180 - part * 45} 800 Td <{coded(VERTICAL[part * 20:part * 20 + 20], encoding)}> Tj ET")
    pdf.write("noembed-vertical.pdf", "\n".join(lines).encode(), "/Font << " + " ".join(f"/F{n} {o} 0 R" for n, o in enumerate(fonts)) + " >>")


def not_embedded_with_unicode():
    """As office programs write it: glyph numbers of a font that is not there, and what they mean."""
    pdf = Pdf()
    codes = {c: n for n, c in enumerate(dict.fromkeys(TEXT + VERTICAL), 1)}
    chars = "\n".join(f"<{n:04x}> <{c.encode('utf-16-be').hex()}>" for c, n in codes.items())
    cmap = (f"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def 1 begincodespacerange <0000> <ffff> "
            f"endcodespacerange {len(codes)} beginbfchar\n{chars}\nendbfchar endcmap end end")
    unicode = pdf.stream(cmap.encode())
    fonts = [pdf.font(base, way, "Identity", unicode=unicode) for base in ("MS-Mincho", "Meiryo") for way in ("Identity-H", "Identity-V")]
    text = lambda words: "".join(f"{codes[c]:04x}" for c in words)
    lines = [f"BT /F{row * 2} 20 Tf 40 {780 - row * 40} Td <{text(TEXT[:26])}> Tj ET" for row in range(2)]
    lines += [f"BT /F{row * 2 + 1} 24 Tf {500 - row * 80} 680 Td <{text(VERTICAL[:26])}> Tj ET" for row in range(2)]
    pdf.write("noembed-tounicode.pdf", "\n".join(lines).encode(), "/Font << " + " ".join(f"/F{n} {o} 0 R" for n, o in enumerate(fonts)) + " >>")


def forms():
    made = canvas.Canvas(str(OUT / "form-drawn.pdf"), pagesize=A4)
    made.setFont("IPA", 14)
    made.drawString(60, 770, "住民票等交付請求書")
    form = made.acroForm
    form.textfield(name="a", value="Yamada Taro", x=60, y=700, width=250, height=24)
    form.checkbox(name="b", checked=True, x=60, y=650, size=20)
    form.checkbox(name="c", checked=False, x=100, y=650, size=20)
    for value in "12":
        form.radio(name="d", value=value, selected=value == "1", x=30 + 30 * int(value), y=600)
    form.choice(name="e", value="B", options=["A", "B"], x=60, y=550, width=120, height=24)
    made.save()
    for name, drawn in (("form-undrawn.pdf", False), ("form-japanese.pdf", True)):
        pdf = Pdf()
        font = pdf.font("KozMinPr6N-Regular", "UniJIS-UTF16-H", kind=0, widths=HALF)
        value = "山田　太郎（代理人）"
        appearance = ""
        if drawn:
            body = f"/Tx BMC q BT /F0 14 Tf 4 8 Td <{coded(value, 'UTF16')}> Tj ET Q EMC".encode()
            stream = pdf.stream(body, f"/Type /XObject /Subtype /Form /BBox [0 0 300 28] /Resources << /Font << /F0 {font} 0 R >> >>")
            appearance = f"/AP << /N {stream} 0 R >>"
        field = pdf.add(f"<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V <feff{value.encode('utf-16-be').hex()}> /DA (/F0 14 Tf 0 g) "
                        f"/Rect [120 700 420 728] /F 4 /MK << /BC [0 0 1] >> {appearance} >>")
        label = f"BT /F0 14 Tf 40 708 Td <{coded('氏名', 'UTF16')}> Tj ET".encode()
        pdf.write(name, label, f"/Font << /F0 {font} 0 R >>", f"/Annots [{field} 0 R]",
                  catalog=f"/AcroForm << /Fields [{field} 0 R] /NeedAppearances true /DA (/F0 14 Tf 0 g) /DR << /Font << /F0 {font} 0 R >> >> >>")


def scans():
    page = Image.new("L", (1654, 2339), 250)
    pen = ImageDraw.Draw(page)
    for row in range(30):
        pen.text((150, 200 + row * 65), TEXT[row % 12:row % 12 + 30], font=ImageFont.truetype(GOTHIC, 42), fill=20)
    pen.ellipse((1250, 1900, 1450, 2100), outline=40, width=8)
    grey = io.BytesIO()
    page.convert("RGB").save(grey, "JPEG", quality=80, dpi=(200, 200))
    (OUT / "scan-jpeg.pdf").write_bytes(img2pdf.convert(grey.getvalue()))
    two = page.point(lambda v: 255 if v > 128 else 0).convert("1")
    fax = io.BytesIO()
    two.save(fax, "TIFF", compression="group4", dpi=(200, 200))
    (OUT / "scan-g4.pdf").write_bytes(img2pdf.convert(fax.getvalue()))
    with tempfile.TemporaryDirectory() as room:
        page.convert("RGB").save(f"{room}/p.png")
        subprocess.run(["opj_compress", "-i", f"{room}/p.png", "-o", f"{room}/p.jp2", "-r", "120"], check=True, stdout=subprocess.DEVNULL)
        (OUT / "scan-jpx.pdf").write_bytes(img2pdf.convert(pathlib.Path(f"{room}/p.jp2").read_bytes(), layout_fun=img2pdf.get_layout_fun((595, 842))))
    # A page with one strip, whose bits say black.
    TiffImagePlugin.STRIP_SIZE, fax = 1 << 24, io.BytesIO()
    ImageOps.invert(two.convert("L")).convert("1").save(fax, "TIFF", compression="group4", dpi=(200, 200))
    fax.seek(0)
    tiff = Image.open(fax)
    strips = b"".join(fax.getvalue()[o:o + n] for o, n in zip(tiff.tag_v2[273], tiff.tag_v2[279])) if len(tiff.tag_v2[273]) == 1 else None
    assert strips, "one strip"
    # JBIG2 by hand: a page and one immediate generic region whose bits are coded as in a fax (MMR).
    width, height = page.size
    big = lambda value: value.to_bytes(4, "big")
    segment = lambda number, kind, data: big(number) + bytes([kind, 0, 1]) + big(len(data)) + data
    region = big(width) + big(height) + big(0) + big(0) + b"\x00" + b"\x01" + strips
    jbig2 = segment(0, 48, big(width) + big(height) + big(0) * 2 + b"\x00\x00\x00") + segment(1, 38, region)
    pdf = Pdf()
    image = pdf.stream(jbig2, f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /JBIG2Decode")
    pdf.write("scan-jbig2.pdf", b"q 595 0 0 842 0 0 cm /I Do Q", f"/XObject << /I {image} 0 R >>")


def drawing():
    made = canvas.Canvas(str(OUT / "drawing-a3.pdf"), pagesize=landscape(A3))
    width, height = landscape(A3)
    for n in range(6000):
        made.setLineWidth((0, 0.1, 0.25)[n % 3])
        made.line(20 + n % 120 * 9.5, 20 + n // 120 * 15, 20 + n % 120 * 9.5 + 8, 20 + n // 120 * 15 + (n * 7) % 15)
    made.setLineWidth(0.1)
    for n in range(300):
        made.circle(200 + n % 30 * 28, 150 + n // 30 * 60, 12 + n % 9)
    made.setDash(6, 3)
    for n in range(60):
        made.line(0, n * 14, width, n * 14 + 3)
    made.setDash()
    made.setFont("IPA", 6)
    for n in range(200):
        made.drawString(30 + n % 10 * 115, 40 + n // 10 * 38, "柱芯　Ｃ１ 600×600 敷地境界線")
    made.setLineWidth(1.2)
    made.rect(15, 15, width - 30, height - 30)
    made.save()


def colours():
    pdf = Pdf()
    state = pdf.add("<< /Type /ExtGState /ca 0.5 /CA 0.5 >>")
    multiply = pdf.add("<< /Type /ExtGState /BM /Multiply >>")
    shade = pdf.add("<< /ShadingType 2 /ColorSpace /DeviceRGB /Coords [50 0 550 0] /Extend [true true] "
                    "/Function << /FunctionType 2 /Domain [0 1] /C0 [1 0.9 0.2] /C1 [0.1 0.4 0.9] /N 1 >> >>")
    lines = ["q 50 650 500 150 re W n /S sh Q"]
    for n, cmyk in enumerate(("1 0 0 0", "0 1 0 0", "0 0 1 0", "0 0 0 1", "1 1 0 0", "0 1 1 0", "1 0 1 0", "0.2 0.1 0.1 0.6")):
        lines.append(f"{cmyk} k {50 + n * 62} 560 60 60 re f")
    lines += ["/G gs 1 0 0 rg 60 350 200 150 re f 0 0 1 rg 160 300 200 150 re f", "/M gs 0 1 1 0 k 300 350 200 150 re f 1 0 0 0 k 380 300 150 150 re f"]
    pdf.write("colours.pdf", "\n".join(lines).encode(), f"/ExtGState << /G {state} 0 R /M {multiply} 0 R >> /Shading << /S {shade} 0 R >>")


def embedded():
    made = canvas.Canvas(str(OUT / "embedded-truetype.pdf"), pagesize=A4)
    for row, size in enumerate((8, 10.5, 14, 20, 30)):
        made.setFont("IPA", size)
        made.drawString(40, 780 - row * 60, TEXT[:int(500 / size)])
    made.save()
    html = f"""<meta charset=utf-8><style>body{{font-family:'Noto Serif CJK JP';font-size:12pt}}table,td{{border:.3mm solid;border-collapse:collapse;padding:2mm}}
    h1{{font-family:'Noto Sans CJK JP'}}.v{{writing-mode:vertical-rl;height:90mm;border:.1mm solid;font-size:15pt}}
    .g{{background:linear-gradient(90deg,#ffd,#48c);padding:4mm;box-shadow:0 0 3mm #888;opacity:.8}}</style><h1>町民説明会</h1><p>{TEXT}
    <ruby>縁側<rt>えんがわ</rt></ruby> 髙﨑𠮷 葛󠄀城</p><table><tr><td>日時<td>令和８年４月１日<tr><td>場所<td>役場　二階</table><p class=g>{TEXT}</p><div class=v>{VERTICAL}第12回</div>"""
    with tempfile.TemporaryDirectory() as room:
        pathlib.Path(f"{room}/a.html").write_text(html)
        subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={room}/p",
                        f"--print-to-pdf={OUT}/embedded-browser.pdf", f"{room}/a.html"], check=True, stderr=subprocess.DEVNULL)


def locked_and_broken():
    source, good = str(OUT / "embedded-truetype.pdf"), (OUT / "embedded-truetype.pdf").read_bytes()
    for name, user, bits, more in (("locked-empty-aes256", "", "256", []), ("locked-empty-rc4", "", "128", ["--use-aes=n"]),
                                   ("locked-empty-aes128", "", "128", ["--use-aes=y"]), ("locked-password", "himitsu", "256", [])):
        weak = ["--allow-weak-crypto"] if bits == "128" else []
        subprocess.run(["qpdf", *weak, "--encrypt", user, "owner", bits, *more, "--", source, str(OUT / (name + ".pdf"))], check=True)
    (OUT / "broken-tail.pdf").write_bytes(good[:good.rfind(b"xref\n0")])
    (OUT / "broken-offsets.pdf").write_bytes(re.sub(rb"\n00000(\d{5}) 00000 n", rb"\n00001\1 00000 n", good))
    (OUT / "broken-half.pdf").write_bytes(good[:len(good) // 2])
    (OUT / "broken-head.pdf").write_bytes(b"\r\nFrom the fax server\r\n" + good)


OUT.mkdir(parents=True, exist_ok=True)
pdfmetrics.registerFont(TTFont("IPA", GOTHIC))
for make in (embedded, not_embedded_across, not_embedded_down, not_embedded_with_unicode, forms, scans, drawing, colours, locked_and_broken):
    make()
