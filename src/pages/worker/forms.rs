//! What was filled into a form by a program that left the drawing of it to the reader (`NeedAppearances`): hayro draws only
//! fields that come drawn. The words are set as a page of their own, in our gothic, to be laid over the form.

use hayro::hayro_syntax::object::{Array, Dict, Name, Object, Rect, String as Text};
use hayro::hayro_syntax::page::Page;
use std::fmt::Write;

/// A PDF whose only page has the coordinates of `page` and the words of its undrawn fields; `None` where all are drawn.
pub(super) fn undrawn(page: &Page<'_>) -> Option<Vec<u8>> {
    let fields = page.raw().get::<Array<'_>>(b"Annots".as_slice())?;
    let words: String = fields.iter::<Dict<'_>>().take(MOST_FIELDS).filter_map(|field| words(&field)).collect();
    if words.is_empty() {
        return None;
    }
    let area = page.intersected_crop_box();
    let area = format!("{} {} {} {}", area.x0, area.y0, area.x1, area.y1);
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [{area}] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>"
        ),
        format!("<< /Length {} >>\nstream\n{words}\nendstream", words.len()),
        format!(
            "<< /Type /Font /Subtype /Type0 /BaseFont /{FONT} /Encoding /UniJIS-UTF16-H /DescendantFonts [6 0 R] >>"
        ),
        format!(
            "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /{FONT} /DW 1000 /W [1 230 500 231 632 500] \
             /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> >>"
        ),
    ];
    // Without a table of its objects: the reader that this is for finds them.
    let mut pdf = "%PDF-1.7\n".to_owned();
    for (number, object) in (1..).zip(objects) {
        let _ = writeln!(pdf, "{number} 0 obj\n{object}\nendobj");
    }
    pdf.push_str("trailer << /Root 1 0 R >>\n");
    Some(pdf.into_bytes())
}

/// The operators that set one field's words, when it has words and is not drawn.
fn words(field: &Dict<'_>) -> Option<String> {
    let hidden = field.get::<u32>(b"F".as_slice()).unwrap_or(0) & (HIDDEN | NO_VIEW) != 0;
    let kind = inherited::<Name<'_>>(field, b"FT")?;
    if hidden || field.contains_key(b"AP") || !matches!(&*kind, b"Tx" | b"Ch") {
        return None;
    }
    let text = utf16(inherited::<Text<'_>>(field, b"V")?.as_bytes());
    let area = field.get::<Rect>(b"Rect".as_slice())?;
    let (width, height) = (area.x1 - area.x0, area.y1 - area.y0);
    let several = inherited::<u32>(field, b"Ff").unwrap_or(0) & SEVERAL_LINES != 0;
    let size = match size(inherited::<Text<'_>>(field, b"DA")) {
        Some(size) if size > 0.0 => size,
        Some(_) | None => (height * 0.7).min(12.0),
    };
    let leading = size * 1.2;
    let first = if several { area.y1 - leading } else { area.y0 + (height - size) / 2.0 + size * 0.14 };
    let mut set = format!("q {} {} {width} {height} re W n\n", area.x0, area.y0);
    for (line, text) in (0_u16..).zip(text.split(|unit| matches!(unit, 10 | 13)).take(MOST_LINES)) {
        let half = |unit: &u16| *unit < 0x80 || (0xff61..0xffa0).contains(unit);
        let long: f64 = text.iter().map(|unit| if half(unit) { size / 2.0 } else { size }).sum();
        let gap = match inherited::<u32>(field, b"Q") {
            Some(1) => (width - long) / 2.0,
            Some(2) => width - long - MARGIN,
            Some(_) | None => MARGIN,
        };
        let down = first - leading * f64::from(line);
        let _ = write!(set, "BT /F {size} Tf {} {down} Td <", area.x0 + gap);
        for unit in text {
            let _ = write!(set, "{unit:04x}");
        }
        set.push_str("> Tj ET\n");
    }
    set.push_str("Q\n");
    Some(set)
}

/// A field's own entry, or that of a field above it.
fn inherited<'a, T: TryFrom<Object<'a>>>(field: &Dict<'a>, key: &[u8]) -> Option<T> {
    let mut field = field.clone();
    for _ in 0..DEEPEST {
        if let Some(value) = field.get::<Object<'a>>(key) {
            return value.try_into().ok();
        }
        field = field.get::<Dict<'a>>(b"Parent".as_slice())?;
    }
    None
}

/// The number before `Tf` in a default appearance.
fn size(appearance: Option<Text<'_>>) -> Option<f64> {
    let appearance = appearance?;
    let text = std::str::from_utf8(appearance.as_bytes()).ok()?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "Tf")?;
    words.get(at.checked_sub(1)?)?.parse::<f64>().ok().filter(|size| (0.0..=200.0).contains(size))
}

/// UTF-16 with its mark, or what is nearly Latin-1.
fn utf16(bytes: &[u8]) -> Vec<u16> {
    let units: Vec<u16> = match bytes {
        [0xfe, 0xff, rest @ ..] => rest.as_chunks::<2>().0.iter().map(|unit| u16::from_be_bytes(*unit)).collect(),
        latin => latin.iter().map(|byte| u16::from(*byte)).collect(),
    };
    units.into_iter().take(MOST_CHARACTERS).collect()
}

const FONT: &str = "HeiseiKakuGo-W5";
const HIDDEN: u32 = 1 << 1;
const NO_VIEW: u32 = 1 << 5;
const SEVERAL_LINES: u32 = 1 << 12;
const MARGIN: f64 = 2.0;
const DEEPEST: usize = 8;
const MOST_FIELDS: usize = 2_000;
const MOST_LINES: usize = 200;
const MOST_CHARACTERS: usize = 4_000;
