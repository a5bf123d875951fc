//! Entries of a FAT directory: names, long and short, of which nothing is believed but that they are bytes.

/// A file as its directory has it.
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) cluster: u32,
}

/// Puts names together: long ones stand in pieces before the short one, the last piece first.
#[derive(Default)]
pub(super) struct Listing {
    pieces: Vec<[u16; 13]>,
    awaits: u8,
    sum: u8,
}

impl Listing {
    pub(super) fn next(&mut self, entry: &[u8]) -> Option<Listed> {
        if entry[0] == DELETED {
            self.pieces.clear();
            return None;
        }
        if entry[11] & 0x3F == LONG_NAME {
            self.piece(entry);
            return None;
        }
        let pieces = std::mem::take(&mut self.pieces);
        if entry[11] & (VOLUME | DIRECTORY) != 0 {
            return None;
        }
        let whole = !pieces.is_empty() && self.awaits == 0 && self.sum == sum(&entry[..11]);
        let name = if whole { long_name(&pieces) } else { short_name(entry) };
        let high = u32::from(u16::from_le_bytes([entry[20], entry[21]])) << 16;
        let cluster = high | u32::from(u16::from_le_bytes([entry[26], entry[27]]));
        let size = u32::from_le_bytes([entry[28], entry[29], entry[30], entry[31]]);
        Some(Listed { name, size: size.into(), cluster })
    }

    fn piece(&mut self, entry: &[u8]) {
        let number = entry[0] & 0x1F;
        if entry[0] & FIRST_PIECE != 0 && (1..=MOST_PIECES).contains(&number) {
            self.pieces.clear();
            (self.awaits, self.sum) = (number, entry[13]);
        }
        if self.awaits == 0 || number != self.awaits || entry[13] != self.sum {
            self.pieces.clear();
            self.awaits = 0;
            return;
        }
        let places = (1..11).chain(14..26).chain(28..32).collect::<Vec<usize>>();
        let mut piece = [0; 13];
        for (unit, at) in piece.iter_mut().zip(places.chunks_exact(2)) {
            *unit = u16::from_le_bytes([entry[at[0]], entry[at[1]]]);
        }
        self.pieces.push(piece);
        self.awaits -= 1;
    }
}

fn long_name(pieces: &[[u16; 13]]) -> String {
    let units = pieces.iter().rev().flatten().copied().take_while(|unit| *unit != 0);
    char::decode_utf16(units).map(|letter| readable(letter.unwrap_or('?'))).collect()
}

fn short_name(entry: &[u8]) -> String {
    let part = |bytes: &[u8], lower: bool| -> String {
        let letters = bytes.iter().map(|byte| readable(char::from(*byte)));
        let text: String = letters.map(|letter| if lower { letter.to_ascii_lowercase() } else { letter }).collect();
        text.trim_end().to_owned()
    };
    let (base, ending) = (part(&entry[..8], entry[12] & 0x08 != 0), part(&entry[8..11], entry[12] & 0x10 != 0));
    if ending.is_empty() { base } else { format!("{base}.{ending}") }
}

fn readable(letter: char) -> char {
    if letter.is_control() || letter == '/' { '?' } else { letter }
}

/// Of a short name, as its long one repeats it.
fn sum(name: &[u8]) -> u8 {
    name.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
}

const DELETED: u8 = 0xE5;
const LONG_NAME: u8 = 0x0F;
const VOLUME: u8 = 0x08;
const DIRECTORY: u8 = 0x10;
const FIRST_PIECE: u8 = 0x40;
const MOST_PIECES: u8 = 20;
