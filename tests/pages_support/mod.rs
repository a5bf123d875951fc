//! Opens and draws documents as the daemon does, waits for the answers, and writes small documents by hand.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(unreachable_pub, missing_docs, reason = "test support has no outside")]

pub mod files;
pub mod hostile;

use engawa::pages::{Drawing, Opened, Picture, Refusal, Studio, Undrawn};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

pub const ENGAWA: &str = env!("CARGO_BIN_EXE_engawa");
/// People are told within this long, whatever happens.
pub const WITHIN: Duration = Duration::from_secs(12);

pub fn studio() -> Studio {
    Studio::new(ENGAWA, 10)
}

pub fn sample(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pages").join(name);
    std::fs::read(path).expect("a sample")
}

pub fn open(studio: &Studio, document: &[u8]) -> Result<Opened, Refusal> {
    let (said, hear) = mpsc::channel();
    studio.open(document.to_vec(), move |opened| said.send(opened).expect("heard"));
    hear.recv_timeout(WITHIN).expect("an answer in time")
}

pub fn draw(opened: &Opened, drawing: Drawing) -> Result<Picture, Undrawn> {
    let (said, hear) = mpsc::channel();
    opened.document.draw(drawing, move |drawn| said.send(drawn).expect("heard"));
    hear.recv_timeout(WITHIN).expect("an answer in time")
}

/// The whole first page, so many pixels high.
pub fn first_page(opened: &Opened, height: u32) -> Picture {
    let page = opened.pages[0];
    let width = (page.width / page.height * height as f32).round() as u32;
    draw(opened, Drawing::whole(0, width, height)).expect("drawn")
}

/// Red, green, blue.
pub fn pixel(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
    let at = (y * picture.width + x) as usize * 4;
    [picture.bgrx[at + 2], picture.bgrx[at + 1], picture.bgrx[at]]
}

pub fn is_near(one: [u8; 3], other: [u8; 3], by: u8) -> bool {
    one.iter().zip(other).all(|(one, other)| one.abs_diff(other) <= by)
}

/// Left, top, right, bottom of what is dark in a part of the picture, in pixels.
pub fn ink(picture: &Picture, part: [u32; 4]) -> Option<[u32; 4]> {
    let [left, top, right, bottom] = part;
    let mut found: Option<[u32; 4]> = None;
    for y in top..bottom {
        for x in left..right {
            if pixel(picture, x, y).iter().all(|colour| *colour < 128) {
                let [l, t, r, b] = found.unwrap_or([x, y, x, y]);
                found = Some([l.min(x), t.min(y), r.max(x), b.max(y)]);
            }
        }
    }
    found
}

/// A PDF of these objects; the first is the catalogue.
pub fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (number, body) in (1..).zip(objects) {
        places.push(out.len());
        out.extend(format!("{number} 0 obj\n").bytes());
        out.extend(body);
        out.extend(b"\nendobj\n");
    }
    let start = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).bytes());
    places.iter().for_each(|place| out.extend(format!("{place:010} 00000 n \n").bytes()));
    let size = places.len() + 1;
    out.extend(format!("trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").bytes());
    out
}

/// A PDF of one page with this content; what its resources name follows from object 5 on.
pub fn one_page(content: &[u8], resources: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let page =
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << {resources} >> >>");
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        page.into_bytes(),
        stream("", content),
    ];
    objects.extend_from_slice(more);
    pdf(&objects)
}

pub fn stream(head: &str, data: &[u8]) -> Vec<u8> {
    let mut body = format!("<< {head} /Length {} >>\nstream\n", data.len()).into_bytes();
    body.extend(data);
    body.extend(b"\nendstream");
    body
}

/// A JPEG with red on its left and blue on its right half, told to be turned as EXIF says.
pub fn jpeg(width: u16, height: u16, orientation: Option<u8>) -> Vec<u8> {
    let half = |x: usize| if x < usize::from(width) / 2 { [220, 20, 20] } else { [20, 20, 220] };
    let row: Vec<u8> = (0..usize::from(width)).flat_map(half).collect();
    let mut jpeg = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 95);
    encoder.encode(&row.repeat(usize::from(height)), width, height, jpeg_encoder::ColorType::Rgb).expect("encoded");
    if let Some(orientation) = orientation {
        // One EXIF entry: tag 0x0112, one 16-bit number.
        let mut exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
        jpeg.splice(2..2, exif);
    }
    jpeg
}

pub fn png(width: u32, height: u32, colour: [u8; 4]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbaImage::from_pixel(width, height, image::Rgba(colour));
    picture.write_to(&mut bytes, image::ImageFormat::Png).expect("encoded");
    bytes.into_inner()
}

/// Waits until every worker is gone, so long as people would.
pub fn are_gone(studio: &Studio) -> bool {
    (0..1_200).any(|_| {
        let (_said, never) = mpsc::channel::<()>();
        let _ = never.recv_timeout(Duration::from_millis(10));
        studio.open_documents() == 0
    })
}

/// Processes that this one started and did not reap.
pub fn children() -> Vec<u32> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("threads");
    let children = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    children.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}
