//! Files that mean harm, written by hand.

use super::{jpeg, one_page, pdf, png, stream};

pub fn hundred_thousand_pages() -> Vec<u8> {
    let kids: String = (0..100_000).map(|page| format!("{} 0 R ", page + 3)).collect();
    let mut objects = vec![b"<< /Type /Catalog /Pages 2 0 R >>".to_vec()];
    objects.push(format!("<< /Type /Pages /MediaBox [0 0 595 842] /Count 100000 /Kids [{kids}] >>").into_bytes());
    objects.extend((0..100_000).map(|_| b"<< /Type /Page /Parent 2 0 R >>".to_vec()));
    pdf(&objects)
}

/// Its head says 100,000 × 100,000 pixels.
pub fn vast_png() -> Vec<u8> {
    let mut large = png(1, 1, [0; 4]);
    large[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
    let checked: Vec<u8> = large[12..29].to_vec();
    large[29..33].copy_from_slice(&crc(&checked).to_be_bytes());
    large
}

/// Its head says 65,535 × 65,535 pixels, as many as there can be.
pub fn vast_jpeg() -> Vec<u8> {
    let mut large = jpeg(64, 64, None);
    let size = large.windows(2).position(|mark| mark == [0xff, 0xc0]).unwrap() + 5;
    large[size..size + 4].copy_from_slice(&[0xff; 4]);
    large
}

/// 10 MB that become 1.6 GB as the content of its page.
pub fn pdf_bomb() -> Vec<u8> {
    let text = String::from_utf8(one_page(b"", "", &[])).unwrap();
    with_stream(&text, "/Filter /FlateDecode", &bomb(b' ', 80_000_000 / 13))
}

/// A PNG of 0.4 MB whose head does not lie: 392 MB, 49 million pixels of 16 bits a colour.
pub fn png_bomb() -> Vec<u8> {
    let mut out = png(1, 1, [0; 4]);
    out.truncate(8);
    let mut chunk = |kind: &[u8], body: &[u8]| {
        out.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        let checked = [kind, body].concat();
        out.extend(&checked);
        out.extend(crc(&checked).to_be_bytes());
    };
    let size = [7_000_u32, 7_000].map(u32::to_be_bytes).concat();
    chunk(b"IHDR", &[&size[..], &[16, 6, 0, 0, 0]].concat());
    chunk(b"IDAT", &bomb(0, 7_000 * 56_001 / 258 + 1));
    chunk(b"IEND", &[]);
    out
}

/// A list within a list, 300,000 deep.
pub fn deep() -> Vec<u8> {
    one_page(&["[".repeat(300_000), "]".repeat(300_000)].concat().into_bytes(), "", &[])
}

/// A page whose content is packed data.
pub fn with_stream(page: &str, filter: &str, data: &[u8]) -> Vec<u8> {
    let (head, tail) = page.split_once("4 0 obj\n").unwrap();
    let mut document = head.as_bytes().to_vec();
    document.extend(b"4 0 obj\n");
    document.extend(stream(filter, data));
    document.extend(tail.split_once("endstream").unwrap().1.bytes());
    document
}

/// zlib data: a letter of ASCII, and then so many times 258 more of it.
pub fn bomb(letter: u8, copies: usize) -> Vec<u8> {
    let (mut bytes, mut bits, mut count) = (vec![0x78, 0x01], 0_u32, 0);
    let mut put = |value: u32, length: u32| {
        bits |= value << count;
        count += length;
        while count >= 8 {
            bytes.push(bits as u8);
            bits >>= 8;
            count -= 8;
        }
    };
    // The last block, in the fixed code; the letter (from 0x30 on, highest bit first).
    put(0b011, 3);
    put(u32::from((0x30 + letter).reverse_bits()), 8);
    for _ in 0..copies {
        // Length 258 is 0b11000101, distance 1 is 0b00000.
        put(u32::from(0b1100_0101_u8.reverse_bits()), 8);
        put(0, 5);
    }
    put(0, 7);
    put(0, 7);
    bytes
}

pub fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0_u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}
