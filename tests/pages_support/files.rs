//! Longer PDF files, written by hand in every layout that programs write them in.

use super::{pdf, stream};
use std::fmt::Write as _;

/// Bytes that nothing makes shorter.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

/// An image of 1 bit a pixel, 400 across.
fn image(bits: &[u8]) -> Vec<u8> {
    let rows = bits.len() / 50;
    let head = "/Type /XObject /Subtype /Image /Width 400 /ColorSpace /DeviceGray /BitsPerComponent 1";
    stream(&format!("{head} /Height {rows}"), &bits[..rows * 50])
}

const CONTENT: &[u8] = b"q 495 0 0 700 50 100 cm /I Do Q BT /F1 24 Tf 50 40 Td (AAA) Tj ET";
/// Draws a box for every letter; its glyph is a stream.
const FONT: &str = "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1000 1000] /FontMatrix [0.001 0 0 0.001 0 0] /FirstChar 65 \
    /LastChar 65 /Widths [1000] /Encoding << /Differences [65 /A] >> /CharProcs << /A 4 0 R >> /Resources << >> >>";
const GLYPH: &[u8] = b"1000 0 100 0 900 700 d1 100 0 800 700 re f";

/// So many scanned pages of 20 kB, with a font that all share.
pub fn scans(pages: u64) -> Vec<u8> {
    scans_of(&(0..pages).map(|page| noise(20_000, page + 1)).collect::<Vec<_>>())
}

/// The same, of these bits.
pub fn scans_of(pages: &[Vec<u8>]) -> Vec<u8> {
    pdf(&objects(pages, |image| format!("/Resources << /XObject << /I {image} 0 R >> /Font << /F1 3 0 R >> >>"), ""))
}

/// The same as some office programs write it: the page tree has all resources of all pages.
pub fn scans_with_shared_resources(pages: u64) -> Vec<u8> {
    let bits: Vec<_> = (0..pages).map(|page| noise(20_000, page + 1)).collect();
    let mut images = "/I 7 0 R".to_owned();
    (1..pages).for_each(|page| write!(images, " /I{page} {} 0 R", 7 + 3 * page).unwrap());
    let inherited = format!("/Resources << /XObject << {images} >> /Font << /F1 3 0 R >> >>");
    pdf(&objects(&bits, |_| String::new(), &inherited))
}

/// Catalogue, tree, font, glyph, then for each page: page, content, image.
fn objects(pages: &[Vec<u8>], resources: impl Fn(usize) -> String, inherited: &str) -> Vec<Vec<u8>> {
    let kids: String = (0..pages.len()).map(|page| format!("{} 0 R ", 5 + 3 * page)).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{kids}] /Count {} {inherited} >>", pages.len()).into_bytes(),
        FONT.as_bytes().to_vec(),
        stream("", GLYPH),
    ];
    for (page, bits) in pages.iter().enumerate() {
        let (content, scan) = (6 + 3 * page, 7 + 3 * page);
        let body = format!("/Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R {}", resources(scan));
        objects.push(format!("<< /Type /Page {body} >>").into_bytes());
        objects.push(stream("", CONTENT));
        objects.push(image(bits));
    }
    objects
}

/// Everything but streams in object streams of ten, and the table of them a stream too.
pub fn in_object_streams(pages: u64) -> Vec<u8> {
    let bits: Vec<_> = (0..pages).map(|page| noise(20_000, page + 1)).collect();
    let resources = |image| format!("/Resources << /XObject << /I {image} 0 R >> /Font << /F1 3 0 R >> >>");
    let objects = objects(&bits, resources, "");
    let mut out = b"%PDF-1.7\n".to_vec();
    // Of each object: kind, place, number within.
    let mut table = vec![[0_u32, 0, 0]; objects.len() + 1];
    let is_stream = |body: &[u8]| body.ends_with(b"endstream");
    let plain: Vec<usize> = (0..objects.len()).filter(|at| !is_stream(&objects[*at])).collect();
    let place = |out: &mut Vec<u8>, number: usize, body: &[u8]| {
        let at = out.len();
        out.extend(format!("{number} 0 obj\n").bytes().chain(body.iter().copied()).chain(*b"\nendobj\n"));
        u32::try_from(at).unwrap()
    };
    for (at, body) in objects.iter().enumerate().filter(|(_, body)| is_stream(body)) {
        table[at + 1] = [1, place(&mut out, at + 1, body), 0];
    }
    for ten in plain.chunks(10) {
        let (mut numbers, mut bodies) = (String::new(), Vec::new());
        for (index, at) in ten.iter().enumerate() {
            write!(numbers, "{} {} ", at + 1, bodies.len()).unwrap();
            bodies.extend(objects[*at].iter().copied().chain([b'\n']));
            table[at + 1] = [2, u32::try_from(table.len()).unwrap(), u32::try_from(index).unwrap()];
        }
        let head = format!("/Type /ObjStm /N {} /First {}", ten.len(), numbers.len());
        let body = stream(&head, &[numbers.as_bytes(), &bodies].concat());
        let number = table.len();
        table.push([1, place(&mut out, number, &body), 0]);
    }
    let (number, start) = (table.len(), out.len());
    table.push([1, u32::try_from(start).unwrap(), 0]);
    let rows: Vec<u8> = table
        .iter()
        .flat_map(|[kind, at, index]| [&[*kind as u8][..], &at.to_be_bytes(), &[*index as u8]].concat())
        .collect();
    let head = format!("/Type /XRef /Size {} /W [1 4 1] /Root 1 0 R", table.len());
    place(&mut out, number, &stream(&head, &rows));
    out.extend(format!("startxref\n{start}\n%%EOF\n").bytes());
    out
}

/// Its first page and the table of that in front, the rest behind, as for the web.
pub fn linearised(pages: u64) -> Vec<u8> {
    let bits: Vec<_> = (0..pages).map(|page| noise(20_000, page + 1)).collect();
    let resources = |image| format!("/Resources << /XObject << /I {image} 0 R >> /Font << /F1 3 0 R >> >>");
    let objects = objects(&bits, resources, "");
    let body = |at: usize| [format!("{} 0 obj\n", at + 1).as_bytes(), &objects[at], b"\nendobj\n"].concat();
    let count = objects.len();
    let head = b"%PDF-1.7\n";
    // The front table has the first seven objects, of which the tree stands behind with the rest.
    let trailer = |previous: usize| {
        format!("trailer << /Size {} /Root 1 0 R /Prev {previous:010} >>\nstartxref\n0\n%%EOF\n", count + 1)
    };
    let front_length = "xref\n1 7\n".len() + 7 * 20 + trailer(0).len();
    let mut places = vec![0; count];
    let mut at = head.len() + front_length;
    for number in [0, 1, 2, 3, 4, 5, 6].into_iter().chain(7..count) {
        places[number] = at;
        at += body(number).len();
    }
    let rows = |from: usize, to: usize| -> String {
        places[from..to].iter().map(|place| format!("{place:010} 00000 n \n")).collect()
    };
    let mut out = head.to_vec();
    out.extend(format!("xref\n1 7\n{}{}", rows(0, 7), trailer(at)).bytes());
    (0..count).for_each(|number| out.extend(body(number)));
    assert_eq!(out.len(), at);
    out.extend(format!("xref\n0 1\n0000000000 65535 f \n8 {}\n{}", count - 7, rows(7, count)).bytes());
    out.extend(format!("trailer << /Size {} >>\nstartxref\n{}\n%%EOF\n", count + 1, head.len()).bytes());
    out
}

/// Another scan for the first page, appended.
pub fn changed_afterwards(pages: u64) -> Vec<u8> {
    let mut out = scans(pages);
    let text = String::from_utf8_lossy(&out[out.len() - 40..]).into_owned();
    let previous: String = text.split("startxref\n").nth(1).unwrap().chars().take_while(char::is_ascii_digit).collect();
    let at = out.len();
    out.extend([b"7 0 obj\n", &image(&noise(20_000, 999))[..], b"\nendobj\n"].concat());
    let start = out.len();
    let table =
        format!("xref\n7 1\n{at:010} 00000 n \ntrailer << /Size {} /Root 1 0 R /Prev {previous} >>\n", 5 + 3 * pages);
    out.extend(format!("{table}startxref\n{start}\n%%EOF\n").bytes());
    out
}

/// The first page draws a form without resources, which takes an image of the page that the page itself does not name.
pub fn borrowing_form(pages: u64) -> Vec<u8> {
    let bits: Vec<_> = (0..pages).map(|page| noise(20_000, page + 1)).collect();
    let form = 5 + 3 * pages;
    let mut images = format!("/I {form} 0 R /Secret 7 0 R");
    (1..pages).for_each(|page| write!(images, " /I{page} {} 0 R", 7 + 3 * page).unwrap());
    let inherited = format!("/Resources << /XObject << {images} >> /Font << /F1 3 0 R >> >>");
    let mut objects = objects(&bits, |_| String::new(), &inherited);
    objects.push(stream("/Type /XObject /Subtype /Form /BBox [0 0 1 1]", b"/Secret Do"));
    pdf(&objects)
}

/// A first page with an annotation, a soft mask, a pattern and an image with a mask; the annotation knows its page, its
/// neighbours and a page that it leads to.
pub fn everything(pages: u64) -> Vec<u8> {
    let mut bits: Vec<_> = (0..pages).map(|page| noise(20_000, page + 1)).collect();
    bits[0] = noise(10_000, 77);
    let resources = |image| format!("/Resources << /XObject << /I {image} 0 R >> /Font << /F1 3 0 R >> >>");
    let mut objects = objects(&bits, resources, "");
    let next = objects.len() + 1;
    let names = format!(
        "/Resources << /XObject << /A 7 0 R /P {} 0 R >> /Font << /F1 3 0 R >> /Pattern << /B {} 0 R >> /ExtGState << /Parent << /SMask \
         << /Type /Mask /S /Luminosity /G {} 0 R >> >> >> >>",
        next + 1,
        next + 3,
        next + 4
    );
    let parent = "/Parent 2 0 R /MediaBox [0 0 595 842] /Contents [6 0 R] /Annots";
    objects[4] = format!("<< /Type /Page {parent} [{next} 0 R] /Thumb 13 0 R {names} >>").into_bytes();
    objects[5] = stream(
        "",
        b"q /Parent gs 495 0 0 300 50 500 cm /A Do Q q 200 0 0 200 300 100 cm /P Do Q \
          /Pattern cs /B scn 50 100 200 200 re f BT 0 g /F1 24 Tf 50 40 Td (AAA) Tj ET",
    );
    let action = "/A << /S /GoTo /D [8 0 R /Fit] /Next << /S /JavaScript /JS 10 0 R >> >>";
    let annotation = format!("/Type /Annot /Subtype /Stamp /Rect [400 700 500 800] /P 5 0 R {action}");
    objects.push(format!("<< {annotation} /AP << /N {} 0 R >> >>", next + 5).into_bytes());
    let masked = |head: &str, bits: &[u8]| {
        let head = format!("/Type /XObject /Subtype /Image /Width 64 /Height 64 /BitsPerComponent 8 {head}");
        stream(&head, bits)
    };
    objects.push(masked(&format!("/ColorSpace /DeviceRGB /SMask {} 0 R", next + 2), &noise(64 * 64 * 3, 5)));
    objects.push(masked("/ColorSpace /DeviceGray", &noise(64 * 64, 6)));
    let tile = "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 20 20] /XStep 20 /YStep 20";
    objects.push(stream(&format!("{tile} /Resources << >>"), b"1 0 0 rg 2 2 10 10 re f"));
    let group = "/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Group << /S /Transparency /CS /DeviceGray >>";
    objects.push(stream(&format!("{group} /Resources << >>"), b"0.6 g 0 0 595 842 re f"));
    objects
        .push(stream("/Type /XObject /Subtype /Form /BBox [0 0 100 100] /Resources << >>", b"0 0 1 rg 0 0 80 80 re f"));
    pdf(&objects)
}
