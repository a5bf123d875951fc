//! The fonts that stand in for those a PDF names but does not hold: BIZ UD Gothic and Mincho, as wide as the usual ones.
//!
//! Japanese PDFs name characters by number in Adobe's collection (Adobe-Japan1), where an upright 「ー」 and a lying one differ.
//! Unicode does not tell them apart, and hayro asks a font in Unicode only. So the font is given a second table: number n of
//! the collection stands at U+F0000 + n, upright forms taken from the font's own rules for vertical text.

use hayro::hayro_interpret::font::{FallbackFontQuery, FontData, FontQuery};
use hayro::hayro_interpret::hayro_cmap::{self, BfString, CMap, CMapName};
use skrifa::MetadataProvider;
use skrifa::raw::tables::gsub::{SingleSubst, SubstitutionSubtables};
use skrifa::raw::{FontRef, TableProvider};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, OnceLock};

/// The three fonts, opened but not yet read.
pub(super) struct Fonts {
    gothic: Font,
    bold: Font,
    mincho: Font,
}

impl Fonts {
    /// Opens what is installed. A PDF that holds its fonts is drawn without any of them.
    pub(super) fn find() -> Self {
        Self { gothic: Font::open(GOTHIC), bold: Font::open(BOLD), mincho: Font::open(MINCHO) }
    }

    /// Whether every one is installed.
    pub(super) fn are_complete(&self) -> bool {
        self.handles().len() == self.all().len()
    }

    /// What must stay open.
    pub(super) fn handles(&self) -> Vec<RawFd> {
        self.all().into_iter().filter_map(|font| Some(font.file.as_ref()?.0.as_raw_fd())).collect()
    }

    fn all(&self) -> [&Font; 3] {
        [&self.gothic, &self.bold, &self.mincho]
    }

    /// The font for one that is not in the PDF; hayro's own for the fourteen that every reader has.
    pub(super) fn resolve(&self, query: &FontQuery) -> Option<(FontData, u32)> {
        let wanted = match query {
            FontQuery::Standard(font) => return Some(font.get_font_data()),
            FontQuery::Fallback(wanted) => wanted,
        };
        let font = match Face::of(wanted) {
            Face::Gothic => &self.gothic,
            Face::Bold => &self.bold,
            Face::Mincho => &self.mincho,
        };
        let read = [font, &self.gothic].into_iter().find_map(Font::read);
        read.map_or_else(|| Some(wanted.pick_standard_font().get_font_data()), |data| Some((data, 0)))
    }
}

/// The predefined CMaps; Adobe-Japan1 is led to the fonts' second table instead of to Unicode.
pub(super) fn cmap(name: CMapName<'_>) -> Option<&'static [u8]> {
    if name == CMapName::AdobeJapan1Ucs2 { Some(SECOND_TABLE) } else { hayro_cmap::load_embedded(name) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Face {
    Gothic,
    Bold,
    Mincho,
}

impl Face {
    /// By the name, as PDFs without fonts have little else to say.
    fn of(wanted: &FallbackFontQuery) -> Self {
        let name = wanted.post_script_name.as_deref().unwrap_or_default();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let gothic = has(&["Goth", "Go", "Meiryo", "Kaku", "Maru", "Sans"]);
        if has(&["Min", "Ryumin", "Serif"]) || (wanted.is_serif && !gothic) {
            Self::Mincho
        } else if wanted.is_bold || wanted.font_weight >= 600 || has(&["Heavy", "W6", "W7", "W8", "W9", "MB31", "Futo"])
        {
            Self::Bold
        } else {
            Self::Gothic
        }
    }
}

struct Font {
    file: Option<(File, usize)>,
    data: OnceLock<Option<FontData>>,
}

impl Font {
    fn open(path: &str) -> Self {
        let opened = File::open(path).ok();
        let file = opened.and_then(|file| {
            let length = usize::try_from(file.metadata().ok()?.len()).ok()?;
            Some((file, length))
        });
        Self { file, data: OnceLock::new() }
    }

    fn read(&self) -> Option<FontData> {
        let read = || {
            let (file, length) = self.file.as_ref()?;
            let mut bytes = vec![0; *length];
            file.read_exact_at(&mut bytes, 0).ok()?;
            let data: FontData = Arc::new(with_second_table(bytes)?);
            Some(data)
        };
        self.data.get_or_init(read).clone()
    }
}

/// The font's bytes with a new `cmap` at the end; everything else stays where it is.
fn with_second_table(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let table = character_table(&glyphs(&bytes)?);
    let count = usize::from(u16::from_be_bytes(*bytes.get(4..)?.first_chunk()?));
    let record = (0..count).map(|n| 12 + n * 16).find(|at| bytes.get(*at..*at + 4) == Some(b"cmap"))?;
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let place = u32::try_from(bytes.len()).ok()?;
    bytes.get_mut(record + 8..record + 12)?.copy_from_slice(&place.to_be_bytes());
    bytes.get_mut(record + 12..record + 16)?.copy_from_slice(&u32::try_from(table.len()).ok()?.to_be_bytes());
    bytes.extend(table);
    Some(bytes)
}

/// Character → glyph: the font's own, and the collection's numbers.
fn glyphs(bytes: &[u8]) -> Option<BTreeMap<u32, u32>> {
    let font = FontRef::new(bytes).ok()?;
    let load = |name| CMap::parse(hayro_cmap::load_embedded(name)?, hayro_cmap::load_embedded);
    let own: BTreeMap<u32, u32> = font.charmap().mappings().map(|(c, glyph)| (c, glyph.to_u32())).collect();
    let mut all = own.clone();
    let unicode = load(CMapName::AdobeJapan1Ucs2)?;
    for number in 0..COLLECTION {
        if let Some(BfString::Char(character)) = unicode.lookup_bf_string(number)
            && let Some(glyph) = own.get(&u32::from(character)).or_else(|| own.get(&u32::from(plain(character))))
        {
            all.insert(SECOND + number, *glyph);
        }
    }
    // What the collection numbers otherwise in vertical text is an upright form.
    let (lying, upright) = (load(CMapName::UniJisUtf16H)?, load(CMapName::UniJisUtf16V)?);
    let forms = upright_forms(&font);
    for (character, glyph) in own.iter().filter(|(character, _)| **character <= 0xffff) {
        let (lying, upright) = (lying.lookup_cid_code(*character, 2), upright.lookup_cid_code(*character, 2));
        if let (Some(number), Some(form)) = (upright.filter(|number| Some(*number) != lying), forms.get(glyph)) {
            all.insert(SECOND + number, *form);
        }
    }
    Some(all)
}

/// A space of a certain width is a space: the PDF says how wide it is.
fn plain(character: char) -> char {
    if character.is_whitespace() { ' ' } else { character }
}

/// Glyph → its form in vertical text, by the font's feature `vert`.
fn upright_forms(font: &FontRef<'_>) -> BTreeMap<u32, u32> {
    let mut forms = BTreeMap::new();
    let Ok(gsub) = font.gsub() else { return forms };
    let (Ok(features), Ok(lookups)) = (gsub.feature_list(), gsub.lookup_list()) else { return forms };
    for record in features.feature_records().iter().filter(|record| record.feature_tag() == "vert") {
        let Ok(feature) = record.feature(features.offset_data()) else { continue };
        for index in feature.lookup_list_indices() {
            let Ok(lookup) = lookups.lookups().get(usize::from(index.get())) else { continue };
            let Ok(SubstitutionSubtables::Single(subtables)) = lookup.subtables() else { continue };
            for subtable in subtables.iter().flatten() {
                forms.extend(single_substitutions(&subtable));
            }
        }
    }
    forms
}

fn single_substitutions(table: &SingleSubst<'_>) -> Vec<(u32, u32)> {
    match table {
        SingleSubst::Format1(table) => {
            let step = u32::from(table.delta_glyph_id().cast_unsigned());
            let covered = table.coverage().map(|covered| covered.iter().map(|glyph| glyph.to_u32()).collect());
            let covered: Vec<u32> = covered.unwrap_or_default();
            covered.into_iter().map(|glyph| (glyph, (glyph + step) & 0xffff)).collect()
        }
        SingleSubst::Format2(table) => {
            let forms = table.substitute_glyph_ids().iter().map(|form| form.get().to_u32());
            let covered = table.coverage().map(|covered| covered.iter().map(|glyph| glyph.to_u32()).collect());
            let covered: Vec<u32> = covered.unwrap_or_default();
            covered.into_iter().zip(forms).collect()
        }
        // For fonts of more than 65,535 glyphs, which no TrueType font here is.
        SingleSubst::Format3(_) | SingleSubst::Format4(_) => Vec::new(),
    }
}

/// A `cmap` of one subtable: format 12, full Unicode, one group for each character.
fn character_table(glyphs: &BTreeMap<u32, u32>) -> Vec<u8> {
    let mut table = Vec::new();
    for half in [0_u16, 1, 3, 10, 0, 12, 12, 0] {
        table.extend(half.to_be_bytes());
    }
    let groups = u32::try_from(glyphs.len()).unwrap_or_default();
    for word in [16 + groups * 12, 0, groups] {
        table.extend(word.to_be_bytes());
    }
    for (character, glyph) in glyphs {
        for word in [*character, *character, *glyph] {
            table.extend(word.to_be_bytes());
        }
    }
    table
}

const GOTHIC: &str = "/usr/share/fonts/truetype/bizud-gothic/BIZUDGothic-Regular.ttf";
const BOLD: &str = "/usr/share/fonts/truetype/bizud-gothic/BIZUDGothic-Bold.ttf";
const MINCHO: &str = "/usr/share/fonts/truetype/bizud-mincho/BIZUDMincho-Regular.ttf";
/// Numbers in Adobe-Japan1-7.
const COLLECTION: u32 = 23_060;
/// Where the second table begins: a plane that Unicode leaves to private use.
const SECOND: u32 = 0xf_0000;
/// Adobe-Japan1 number n → U+F0000 + n.
const SECOND_TABLE: &[u8] = b"begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange\n\
    1 begincidrange <0000> <ffff> 983040 endcidrange endcmap\n";
