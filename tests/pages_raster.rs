//! What printers are sent, drawn by the process without rights: every ink, every page, and every lie in a head.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::disallowed_methods, reason = "measures what people wait for")]

mod pages_support;
mod printer_support;

use engawa::pages::{Drawing, Kind, MOST_PAGES, Refusal, Undrawn};
use pages_support::*;
use printer_support::raster::{Ink, Sheet, pwg, pwg_head, urf, urf_head};
use std::time::Instant;

#[test]
fn every_page_is_drawn_in_its_colours_and_at_its_size() {
    let studio = studio();
    let sheets = [Sheet::with_bar(620, 877, [200, 30, 40]), Sheet::with_bar(877, 620, [20, 20, 20])];
    for (file, bar) in [
        (pwg(&sheets, Ink::Srgb8, 75), [200, 30, 40]),
        (pwg(&sheets, Ink::Sgray8, 75), [30; 3]),
        (pwg(&sheets, Ink::Black1, 75), [0; 3]),
        (urf(&sheets), [30; 3]),
    ] {
        let opened = open(&studio, &file).unwrap();
        assert_eq!((opened.kind, opened.pages.len()), (Kind::Raster, 2));
        let (first, second) = (opened.pages[0], opened.pages[1]);
        let shape = f32::abs(first.width / first.height - 620.0 / 877.0);
        assert!(shape < 0.001 && second.width > second.height, "{first:?} {second:?}");
        let picture = draw(&opened, Drawing::whole(0, 310, 438)).unwrap();
        assert!(is_near(pixel(&picture, 150, 219), bar, 2), "{bar:?}: {:?}", pixel(&picture, 150, 219));
        assert!(is_near(pixel(&picture, 150, 40), [255; 3], 1));
        let picture = draw(&opened, Drawing::whole(1, 438, 310)).unwrap();
        assert!(is_near(pixel(&picture, 200, 155), [20, 20, 20], 21) && is_near(pixel(&picture, 9, 9), [255; 3], 1));
        assert_eq!(draw(&opened, Drawing::whole(2, 10, 10)), Err(Undrawn::Refused(Refusal::NoSuchPage)));
    }
    let a4 = open(&studio, &pwg(&[Sheet::with_bar(1_240, 1_754, [0; 3])], Ink::Srgb8, 150)).unwrap();
    assert!((a4.pages[0].width - 595.2).abs() < 0.1 && (a4.pages[0].height - 841.9).abs() < 0.1, "{:?}", a4.pages);
}

#[test]
fn the_first_page_needs_no_other() {
    let studio = studio();
    let sheets = [Sheet::with_bar(62, 87, [200, 30, 40]), Sheet::with_bar(62, 87, [0; 3])];
    let mut file = pwg(&sheets, Ink::Srgb8, 75);
    let whole = open(&studio, &file).unwrap();
    let [part] = &whole.first[..] else { panic!("one part") };
    let first = draw(&whole, Drawing::whole(0, 62, 87)).unwrap();
    file[part.end..].fill(0);
    let early = open(&studio, &file).unwrap();
    assert_eq!(draw(&early, Drawing::whole(0, 62, 87)), Ok(first));
}

#[test]
fn a_head_that_lies_is_refused_in_a_moment_and_fills_no_memory() {
    let studio = studio();
    let page = |head: Vec<u8>, rows: &[u8]| [b"RaS2".to_vec(), head, rows.to_vec()].concat();
    let urf_page = |width, height| [b"UNIRAST\0\0\0\0\x01".to_vec(), urf_head(width, height)].concat();
    let white_lines = [255, 128].repeat(256);
    let mut wrong_line = pwg_head(100, 100, 8, 24, 19);
    wrong_line[392..396].copy_from_slice(&u32::MAX.to_be_bytes());
    for (what, file, why) in [
        ("65535 × 65535", page(pwg_head(65_535, 65_535, 8, 24, 19), &white_lines), Refusal::TooLarge),
        ("the largest numbers", page(pwg_head(u32::MAX, u32::MAX, 8, 8, 18), &white_lines), Refusal::TooLarge),
        ("nothing across", page(pwg_head(0, 100, 8, 24, 19), &white_lines), Refusal::Broken),
        ("another ink", page(pwg_head(10, 10, 16, 48, 19), &white_lines), Refusal::Broken),
        ("another length of a row", page(wrong_line, &white_lines), Refusal::Broken),
        ("no rows", page(pwg_head(100, 100, 8, 24, 19), &[]), Refusal::Broken),
        ("half a row", page(pwg_head(100, 100, 8, 24, 19), &[0, 5, 1]), Refusal::Broken),
        ("half a head", page(pwg_head(100, 100, 8, 24, 19)[..900].to_vec(), &[]), Refusal::Broken),
        ("nothing behind the mark", b"RaS2".to_vec(), Refusal::Broken),
        ("Apple's, vast", urf_page(u32::MAX, 2), Refusal::TooLarge),
        ("Apple's, empty", b"UNIRAST\0\0\0\0\0".to_vec(), Refusal::Broken),
    ] {
        let begun = Instant::now();
        assert_eq!(open(&studio, &file).map(|opened| opened.pages.len()), Err(why), "{what}");
        assert!(begun.elapsed().as_secs() < 5, "{what}: {:?}", begun.elapsed());
    }
}

#[test]
fn many_large_pages_of_few_bytes_are_walked_over_in_a_moment_and_drawn_one_at_a_time() {
    // Forty megapixels in 1.9 kB, as often as pages may be; their pixels would be 600 GB.
    let one = [pwg_head(8_000, 5_000, 8, 24, 19), [255, 128].repeat(20)].concat();
    let file = |pages| [b"RaS2".to_vec(), one.repeat(pages)].concat();
    let begun = Instant::now();
    let opened = open(&studio(), &file(MOST_PAGES)).unwrap();
    assert_eq!(opened.pages.len(), MOST_PAGES);
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    let picture = draw(&opened, Drawing::whole(4_999, 800, 500)).unwrap();
    assert_eq!(pixel(&picture, 400, 250), [255; 3]);
    assert_eq!(open(&studio(), &file(MOST_PAGES + 1)).map(|_| ()), Err(Refusal::TooManyPages));
}
