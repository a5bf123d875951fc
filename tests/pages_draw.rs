//! Pages as real workers draw them: every kind of document, in the right place, shape and colour, and the same each time.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod pages_support;

use engawa::pages::{Drawing, Kind, Refusal, Undrawn, Zone};
use engawa::system::memory::Memory;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pages_support::*;
use std::sync::mpsc;

#[test]
fn every_sample_is_drawn_and_has_ink_where_its_text_is() {
    // Where on an A4 sheet of 595 × 842 points, from above, something dark must stand.
    let samples: [(&str, &[[u32; 4]]); 14] = [
        ("embedded-browser", &[[20, 60, 200, 110], [20, 300, 90, 500]]),
        ("noembed-rksj", &[[40, 35, 560, 60], [40, 240, 560, 260], [40, 620, 400, 720]]),
        ("noembed-utf16", &[[40, 35, 560, 60], [40, 240, 560, 260]]),
        ("noembed-identity", &[[40, 35, 560, 60], [40, 240, 560, 260]]),
        ("noembed-tounicode", &[[40, 45, 560, 65], [500, 160, 560, 400]]),
        ("noembed-vertical", &[[528, 40, 552, 500], [348, 40, 372, 500], [168, 40, 192, 500]]),
        ("form-drawn", &[[60, 60, 200, 80], [60, 115, 200, 145]]),
        ("form-japanese", &[[40, 120, 70, 140], [120, 115, 280, 142]]),
        ("locked-empty-aes256", &[[40, 45, 500, 70]]),
        ("locked-empty-rc4", &[[40, 45, 500, 70]]),
        ("scan-g4", &[[50, 70, 500, 100], [50, 700, 500, 760]]),
        ("scan-jbig2", &[[50, 70, 500, 100], [50, 700, 500, 760]]),
        ("scan-jpx", &[[50, 70, 500, 100], [50, 700, 500, 760]]),
        ("form-undrawn", &[[40, 120, 70, 140], [120, 115, 280, 142]]),
    ];
    let studio = studio();
    for (name, zones) in samples {
        let opened = open(&studio, &sample(&format!("{name}.pdf"))).unwrap();
        assert_eq!((opened.kind, opened.pages.len()), (Kind::Pdf, 1), "{name}");
        let picture = first_page(&opened, 842);
        for zone in zones {
            assert!(ink(&picture, *zone).is_some(), "{name}: nothing at {zone:?}");
        }
        assert!(is_near(pixel(&picture, 2, 2), [255; 3], 8), "{name}: white paper at the edge");
    }
}

#[test]
fn a_long_vowel_mark_stands_upright_in_vertical_text_whose_font_is_missing() {
    let opened = open(&studio(), &sample("noembed-vertical.pdf")).unwrap();
    let picture = first_page(&opened, 842 * 4);
    // 「ページ」: the mark is the fifth character of the third column of each of three fonts and encodings.
    for column in [540, 360, 180].map(|x| x - 90) {
        let (left, top) = (column - 12, 42 + 4 * 24);
        let [l, t, r, b] = ink(&picture, [left * 4, top * 4, (left + 24) * 4, (top + 24) * 4]).unwrap();
        assert!(b - t > 3 * (r - l), "{} × {} pixels", r - l, b - t);
    }
}

#[test]
fn mincho_and_gothic_are_told_apart_and_bold_is_bolder() {
    let opened = open(&studio(), &sample("noembed-rksj.pdf")).unwrap();
    let picture = first_page(&opened, 842 * 3);
    let black = |row: u32| {
        let [left, top, right, bottom] = [40, 90 + row * 190, 500, 130 + row * 190].map(|points| points * 3);
        let places = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y)));
        places.filter(|(x, y)| pixel(&picture, *x, *y)[1] < 128).count()
    };
    let (mincho, gothic, bold) = (black(0), black(1), black(3));
    assert!(mincho * 5 < gothic * 4 && gothic * 11 < bold * 10, "{mincho} {gothic} {bold}");
}

#[test]
fn colours_come_out_as_they_were_meant() {
    let opened = open(&studio(), &sample("colours.pdf")).unwrap();
    let picture = first_page(&opened, 842);
    for (x, y, colour) in [
        (60, 120, [255, 229, 51]),
        (540, 120, [26, 102, 230]),
        // Process cyan, not the screen's.
        (80, 252, [0, 174, 239]),
        (100, 350, [255, 127, 127]),
        (200, 420, [127, 63, 191]),
    ] {
        let found = pixel(&picture, x, y);
        assert!(is_near(found, colour, 24), "{x}, {y}: {found:?}, not {colour:?}");
    }
}

#[test]
fn thin_lines_of_a_drawing_are_seen_on_a_small_screen() {
    let opened = open(&studio(), &sample("drawing-a3.pdf")).unwrap();
    let page = opened.pages[0];
    assert!((page.width - 1190.55).abs() < 0.1 && (page.height - 841.89).abs() < 0.1, "{page:?}");
    let picture = draw(&opened, Drawing::whole(0, 1_190, 842)).unwrap();
    // The circle round (200, 150) has a line of 0.1 points.
    let row: Vec<u8> = (180..200).map(|x| pixel(&picture, x, 842 - 150)[1]).collect();
    assert!(row.iter().any(|grey| *grey < 200), "{row:?}");
}

#[test]
fn the_same_page_is_the_same_to_the_pixel_in_every_worker() {
    let studio = studio();
    for name in ["embedded-browser.pdf", "noembed-vertical.pdf", "scan-jpx.pdf"] {
        let (one, other) = (open(&studio, &sample(name)).unwrap(), open(&studio, &sample(name)).unwrap());
        let first = first_page(&one, 1_080);
        assert!(first == first_page(&one, 1_080) && first == first_page(&other, 1_080), "{name}");
    }
}

#[test]
fn a_zone_is_that_part_of_the_page() {
    let opened = open(&studio(), &sample("embedded-browser.pdf")).unwrap();
    let whole = draw(&opened, Drawing::whole(0, 1_224, 1_584)).unwrap();
    let zone = Zone { left: 0.0, top: 0.25, right: 0.5, bottom: 0.75 };
    let part = draw(&opened, Drawing { page: 0, zone, width: 612, height: 792 }).unwrap();
    let differing = (0..792).flat_map(|y| (0..612).map(move |x| (x, y)));
    let differing = differing.filter(|(x, y)| !is_near(pixel(&part, *x, *y), pixel(&whole, *x, y + 396), 40)).count();
    assert!(differing < 612 * 792 / 1_000, "{differing} pixels differ");
    assert!(ink(&part, [0, 0, 612, 792]).is_some());
}

#[test]
fn pictures_are_pages_as_large_as_an_a4_sheet_allows() {
    let studio = studio();
    let opened = open(&studio, &png(800, 400, [10, 200, 30, 255])).unwrap();
    assert_eq!((opened.kind, opened.pages.len()), (Kind::Png, 1));
    let page = opened.pages[0];
    assert!((page.width - 841.89).abs() < 0.1 && (page.height - 420.9).abs() < 0.1, "{page:?}");
    assert!(is_near(pixel(&first_page(&opened, 300), 100, 100), [10, 200, 30], 2));
    // What is see-through lies on white paper.
    let opened = open(&studio, &png(40, 50, [0, 0, 0, 128])).unwrap();
    assert!(is_near(pixel(&first_page(&opened, 300), 100, 100), [127; 3], 2));
    assert_eq!(draw(&opened, Drawing::whole(1, 10, 10)), Err(Undrawn::Refused(Refusal::NoSuchPage)));
}

#[test]
fn a_photograph_is_turned_as_the_camera_was_held() {
    let studio = studio();
    let upright = open(&studio, &jpeg(64, 32, None)).unwrap();
    assert!(upright.kind == Kind::Jpeg && upright.pages[0].width > upright.pages[0].height);
    let picture = first_page(&upright, 100);
    assert!(
        is_near(pixel(&picture, 20, 50), [220, 20, 20], 12) && is_near(pixel(&picture, 180, 50), [20, 20, 220], 12)
    );
    // 6: its top is the right side of what the sensor saw, so what was left is above.
    let turned = open(&studio, &jpeg(64, 32, Some(6))).unwrap();
    assert!(turned.pages[0].width < turned.pages[0].height);
    let picture = first_page(&turned, 200);
    assert!(
        is_near(pixel(&picture, 50, 20), [220, 20, 20], 12) && is_near(pixel(&picture, 50, 180), [20, 20, 220], 12)
    );
}

#[test]
fn a_scan_in_jpeg_is_drawn() {
    let image = stream(
        "/Type /XObject /Subtype /Image /Width 640 /Height 480 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode",
        &jpeg(640, 480, None),
    );
    let document = one_page(b"q 595 0 0 842 0 0 cm /I Do Q", "/XObject << /I 5 0 R >>", &[image]);
    let picture = first_page(&open(&studio(), &document).unwrap(), 842);
    assert!(is_near(pixel(&picture, 100, 400), [220, 20, 20], 12), "{:?}", pixel(&picture, 100, 400));
    assert!(is_near(pixel(&picture, 500, 400), [20, 20, 220], 12));
}

#[test]
fn the_newest_wish_is_drawn_first_and_every_wish_is_answered() {
    let opened = open(&studio(), &sample("scan-jpx.pdf")).unwrap();
    let (said, hear) = mpsc::channel();
    for number in 0..20 {
        let said = said.clone();
        let drawing = Drawing::whole(0, 1_000 + number, 1_414);
        opened.document.draw(drawing, move |drawn| said.send((number, drawn.map(|picture| picture.width))).unwrap());
    }
    let answers: Vec<_> = (0..20).map(|_| hear.recv_timeout(WITHIN).unwrap()).collect();
    let drawn: Vec<u32> = answers.iter().filter(|(_, drawn)| drawn.is_ok()).map(|(number, _)| *number).collect();
    assert!(
        answers.iter().all(|(number, drawn)| matches!(drawn, Ok(width) if *width == 1_000 + number)
            || *drawn == Err(Undrawn::Overtaken))
    );
    assert!((8..=9).contains(&drawn.len()), "{drawn:?}");
    // One may have been under way already; from then on the newest comes first.
    let queued = &drawn[drawn.len() - 8..];
    assert!(queued.is_sorted_by(|one, next| one > next) && queued[0] == 19, "{drawn:?}");
}

#[test]
fn a_dead_worker_is_told_once_and_replaced() {
    let opened = open(&studio(), &sample("colours.pdf")).unwrap();
    let workers = children();
    assert_eq!(workers.len(), 1);
    kill(Pid::from_raw(workers[0].cast_signed()), Signal::SIGKILL).unwrap();
    assert_eq!(draw(&opened, Drawing::whole(0, 100, 100)), Err(Undrawn::Refused(Refusal::Broken)));
    assert!(draw(&opened, Drawing::whole(0, 100, 100)).is_ok());
    assert_ne!(children(), workers);
}

#[test]
fn a_closed_document_leaves_no_process_and_answers_who_waits() {
    let studio = studio();
    let opened = open(&studio, &sample("scan-jpx.pdf")).unwrap();
    let (said, hear) = mpsc::channel();
    opened.document.draw(Drawing::whole(0, 2_000, 2_800), move |drawn| said.send(drawn).unwrap());
    drop(opened);
    assert!(matches!(hear.recv_timeout(WITHIN).unwrap(), Err(Undrawn::Closed) | Ok(_)));
    assert!(are_gone(&studio) && children().is_empty(), "{:?}", children());
}

#[test]
fn a_hundred_documents_opened_drawn_and_closed_leave_nothing() {
    let studio = studio();
    let mut first = None;
    for number in 0..100 {
        let opened = open(&studio, &sample("embedded-browser.pdf")).unwrap();
        first_page(&opened, 540);
        drop(opened);
        assert!(are_gone(&studio));
        if number == 9 {
            first = Some(Memory::now());
        }
    }
    let (first, last) = (first.unwrap(), Memory::now());
    assert_eq!((first.threads, first.fds), (last.threads, last.fds));
    assert!(last.rss_bytes < first.rss_bytes + (4 << 20), "{first:?} {last:?}");
    assert!(children().is_empty());
}

#[test]
fn so_many_documents_and_no_more() {
    let studio = engawa::pages::Studio::new(ENGAWA, 2);
    let held = [open(&studio, &sample("colours.pdf")), open(&studio, &sample("colours.pdf"))];
    assert!(held.iter().all(Result::is_ok));
    assert_eq!(open(&studio, &sample("colours.pdf")).unwrap_err(), Refusal::TooMany);
}
