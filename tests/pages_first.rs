//! A document of which only that is here what its first page needs: drawn to the pixel as the whole one.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, and prints its figures")]

mod pages_support;

use engawa::pages::{MOST_PARTS, Opened, Refusal};
use pages_support::files::{self, noise};
use pages_support::*;
use std::ops::Range;

/// The document with zeros in place of what its first page does not need; none when all of it is needed.
fn partial(document: &[u8], first: &[Range<usize>]) -> Option<Vec<u8>> {
    if first.is_empty() {
        return None;
    }
    let mut partial = vec![0; document.len()];
    first.iter().for_each(|part| partial[part.clone()].copy_from_slice(&document[part.clone()]));
    Some(partial)
}

/// Draws both; returns how many hundredths of the document the first page needs.
fn drawn_alike(name: &str, document: &[u8]) -> usize {
    let studio = studio();
    let whole = open(&studio, document).unwrap();
    let Some(bytes) = partial(document, &whole.first) else { return 100 };
    let early = open(&studio, &bytes).unwrap();
    assert_eq!(early.pages, whole.pages, "{name}");
    let picture = first_page(&whole, 600);
    assert!(picture.bgrx.iter().any(|byte| *byte < 128), "{name}: something is drawn");
    assert!(first_page(&early, 600) == picture, "{name}: another first page");
    let needed = whole.first.iter().map(Range::len).sum::<usize>() * 100 / document.len();
    println!("{name}: {} bytes, {needed} % of them in {} parts", document.len(), whole.first.len());
    needed
}

#[test]
fn every_layout_of_a_file_is_drawn_alike_from_what_its_first_page_needs() {
    for (name, document, most) in [
        ("scans", files::scans(20), 8),
        ("scans with all resources in one place", files::scans_with_shared_resources(20), 8),
        ("scans in object streams", files::in_object_streams(20), 8),
        ("linearised", files::linearised(20), 8),
        ("page 1 changed afterwards", files::changed_afterwards(20), 14),
        ("a form that borrows the page's resources", files::borrowing_form(12), 100),
        ("annotations, masks, patterns, glyphs drawn by hand", files::everything(20), 20),
    ] {
        let needed = drawn_alike(name, &document);
        assert!(needed <= most, "{name}: {needed} %");
    }
}

#[test]
fn what_is_left_out_is_another_page() {
    let (studio, document) = (studio(), files::scans(6));
    let whole = open(&studio, &document).unwrap();
    let early = open(&studio, &partial(&document, &whole.first).unwrap()).unwrap();
    let second = |opened: &Opened| draw(opened, engawa::pages::Drawing::whole(1, 424, 600));
    assert!(second(&whole) != second(&early));
}

#[test]
fn of_long_documents_the_longest_parts_are_left_out() {
    let needed = drawn_alike("400 scans", &files::scans(400));
    assert!(needed <= 3, "{needed} %");
    let document = files::scans(1_600);
    let needed = drawn_alike("1600 scans", &document);
    assert!((35..45).contains(&needed), "{needed} %");
    assert_eq!(open(&studio(), &document).unwrap().first.len(), MOST_PARTS);
}

#[test]
fn where_it_is_in_doubt_or_saves_little_all_of_it_is_needed() {
    let needs_all = |name: &str, document: &[u8]| {
        assert!(open(&studio(), document).unwrap().first.is_empty(), "{name}");
    };
    needs_all("one page", &files::scans(1));
    needs_all("locked by nothing", &sample("locked-empty-aes256.pdf"));
    needs_all("locked by nothing, old", &sample("locked-empty-rc4.pdf"));
    needs_all("a photograph", &jpeg(640, 480, None));
    needs_all("a picture", &png(640, 480, [1, 2, 3, 255]));
    let heavy_first = files::scans_of(&[noise(40_000, 1), noise(10_000, 2)]);
    needs_all("most of it is on the first page", &heavy_first);
}

#[test]
fn a_broken_file_is_drawn_alike_or_needed_as_a_whole() {
    let whole = files::scans(8);
    let text = String::from_utf8_lossy(&whole[whole.len() - 40..]).into_owned();
    let start = whole.len() - 40 + text.find("startxref").unwrap();
    drawn_alike("without its table", &whole[..start]);
    let mut wrong = whole.clone();
    wrong[start + 10..start + 13].copy_from_slice(b"000");
    drawn_alike("with a table elsewhere", &wrong);
    let lengths = |from: &str, to: &str| {
        let mut bytes = whole.clone();
        let places: Vec<usize> = (0..bytes.len() - 20).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
        places.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to.as_bytes()));
        bytes
    };
    drawn_alike("with streams of no length", &lengths("/Length ", "/Lxngth "));
}

#[test]
fn every_sample_is_drawn_alike() {
    let samples = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/pages")).unwrap();
    for file in
        samples.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "pdf"))
    {
        let document = std::fs::read(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        match open(&studio(), &document) {
            Ok(_) => drop(drawn_alike(&name, &document)),
            Err(refusal) => assert_eq!(refusal, Refusal::Locked, "{name}"),
        }
    }
}

/// For files of one's own: `ENGAWA_FILES=directory`.
#[test]
fn files_of_ones_own_are_drawn_alike() {
    let Some(directory) = std::env::var_os("ENGAWA_FILES") else { return };
    for file in std::fs::read_dir(directory).unwrap().flatten() {
        let document = std::fs::read(file.path()).unwrap();
        if open(&studio(), &document).is_ok() {
            drawn_alike(&file.file_name().to_string_lossy(), &document);
        }
    }
}
