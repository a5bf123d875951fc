//! Bad documents and a worker that tries what it must not: denied or killed, and people are told within 12 s.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::disallowed_methods, reason = "measures what people wait for")]

mod pages_support;

use engawa::pages::{Drawing, LONGEST_DOCUMENT, Refusal, Studio, Trespass, Undrawn};
use pages_support::hostile::*;
use pages_support::*;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Opened and drawn, or refused: in any case answered, and the next document is drawn.
fn survives(what: &str, document: &[u8]) -> Result<(), Refusal> {
    let (studio, begun) = (studio(), Instant::now());
    let result = open(&studio, document).and_then(|opened| match draw(&opened, Drawing::whole(0, 600, 800)) {
        Ok(_) => Ok(()),
        Err(Undrawn::Refused(refusal)) => Err(refusal),
        Err(undrawn @ (Undrawn::Overtaken | Undrawn::Closed)) => panic!("{what}: {undrawn:?}"),
    });
    assert!(begun.elapsed() < 2 * WITHIN, "{what}: {:?}", begun.elapsed());
    let good = open(&studio, &sample("colours.pdf")).unwrap();
    assert!(draw(&good, Drawing::whole(0, 60, 80)).is_ok(), "after {what}");
    result
}

#[test]
fn what_is_not_a_page_is_refused_by_its_content() {
    assert_eq!(survives("nothing", b""), Err(Refusal::Unknown));
    assert_eq!(survives("text", "見積書.pdf という名の文書".as_bytes()), Err(Refusal::Unknown));
    assert_eq!(survives("a zip", b"PK\x03\x04 word/document.xml"), Err(Refusal::Unknown));
    assert_eq!(survives("a GIF", b"GIF89a\x01\0\x01\0\0\0\0;"), Err(Refusal::Unknown));
    assert_eq!(survives("only a head", b"%PDF-1.7\n"), Err(Refusal::Broken));
    assert_eq!(survives("only a PNG's head", b"\x89PNG\r\n\x1a\n"), Err(Refusal::Broken));
    assert_eq!(survives("only a JPEG's head", b"\xff\xd8\xff\xe0"), Err(Refusal::Broken));
}

#[test]
fn a_document_behind_a_password_is_told_apart() {
    assert_eq!(survives("locked", &sample("locked-password.pdf")), Err(Refusal::Locked));
}

#[test]
fn too_many_bytes_are_refused_before_a_worker_sees_them() {
    let mut long = sample("colours.pdf");
    long.resize(LONGEST_DOCUMENT + 1, b' ');
    assert_eq!(survives("101 MB", &long), Err(Refusal::TooLarge));
    long.truncate(LONGEST_DOCUMENT);
    assert_eq!(survives("100 MB", &long), Ok(()));
}

#[test]
fn a_hundred_thousand_pages_are_too_many() {
    assert_eq!(survives("100,000 pages", &hundred_thousand_pages()), Err(Refusal::TooManyPages));
}

#[test]
fn pages_of_no_end_and_pictures_of_a_hundred_thousand_pixels_a_side_are_too_large() {
    let page = |area: &str| {
        let page = format!("<< /Type /Page /Parent 2 0 R /MediaBox [{area}] >>").into_bytes();
        pdf(&[
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
            page,
        ])
    };
    assert_eq!(survives("an endless page", &page("0 0 1000000000 1000000000")), Err(Refusal::TooLarge));
    assert!(survives("an empty page", &page("0 0 0 0")) != Err(Refusal::TooSlow));
    assert_eq!(survives("PNG of 1e5 × 1e5", &vast_png()), Err(Refusal::TooLarge));
    assert_eq!(survives("JPEG of 65,535 × 65,535", &vast_jpeg()), Err(Refusal::TooLarge));
    let image =
        "/Type /XObject /Subtype /Image /Width 100000 /Height 100000 /ColorSpace /DeviceRGB /BitsPerComponent 8";
    let inside = one_page(b"q 595 0 0 842 0 0 cm /I Do Q", "/XObject << /I 5 0 R >>", &[stream(image, b"short")]);
    assert!(survives("1e5 × 1e5 inside a PDF", &inside) != Err(Refusal::TooSlow));
}

#[test]
fn deep_nesting_ends_one_worker_at_most() {
    let deep = |open: &str, close: &str| [open.repeat(300_000), close.repeat(300_000)].concat().into_bytes();
    let page_tree = |number: usize| format!("<< /Type /Pages /Count 1 /Kids [{} 0 R] >>", number + 1).into_bytes();
    let mut objects = vec![b"<< /Type /Catalog /Pages 2 0 R >>".to_vec()];
    objects.extend((2..50_000).map(page_tree));
    objects.push(b"<< /Type /Page /MediaBox [0 0 595 842] >>".to_vec());
    let form = "/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /XObject << /I 5 0 R >> >>";
    for (what, document) in [
        ("arrays in the content", one_page(&deep("[", "]"), "", &[])),
        ("dictionaries in the content", one_page(&deep("<</A ", ">>"), "", &[])),
        ("saved states", one_page(&deep("q ", "Q "), "", &[])),
        ("clips", one_page(&deep("q 0 0 500 500 re W n ", "Q "), "", &[])),
        ("a form within itself", one_page(b"/I Do", "/XObject << /I 5 0 R >>", &[stream(form, b"/I Do /I Do /I Do")])),
        ("arrays in an object", one_page(b"", "/A 5 0 R", &[deep("[", "]")])),
        ("a page tree", pdf(&objects)),
    ] {
        let result = survives(what, &document);
        assert!(matches!(result, Ok(()) | Err(Refusal::Broken | Refusal::TooSlow)), "{what}: {result:?}");
    }
}

#[test]
fn decompression_bombs_are_bounded_in_time_and_memory() {
    // 10 MB that become 1.6 GB: as a page's content, and as a picture on it. As a picture of its own: 0.4 MB that become 392.
    let image = "/Type /XObject /Subtype /Image /Width 30000 /Height 30000 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode";
    let packed = stream(image, &bomb(b' ', 80_000_000 / 13));
    let drawn = one_page(b"q 595 0 0 842 0 0 cm /I Do Q", "/XObject << /I 5 0 R >>", &[packed]);
    for (what, document) in [("content", pdf_bomb()), ("picture", drawn), ("PNG", png_bomb())] {
        let result = survives(what, &document);
        assert!(matches!(result, Ok(()) | Err(Refusal::Broken | Refusal::TooSlow)), "{what}: {result:?}");
    }
}

#[test]
fn documents_broken_anywhere_are_answered() {
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        (chance % below as u64) as usize
    };
    let mut shown = 0;
    let samples = [
        sample("form-drawn.pdf"),
        sample("scan-jbig2.pdf"),
        sample("noembed-rksj.pdf"),
        jpeg(300, 200, Some(3)),
        png(90, 60, [9; 4]),
    ];
    for good in &samples {
        for _ in 0..12 {
            let mut bad = good.clone();
            bad.truncate(good.len() / 2 + next(good.len() / 2));
            for _ in 0..20 {
                let place = next(bad.len());
                bad[place] = next(256) as u8;
            }
            shown += usize::from(survives("a broken document", &bad).is_ok());
        }
    }
    assert!(shown > 0, "what can be mended is shown");
}

#[test]
fn a_worker_that_tries_what_is_forbidden_is_killed_by_the_kernel() {
    for (name, trespass) in Trespass::ALL {
        let begun = Instant::now();
        let refused = open(&Studio::new(ENGAWA, 1).trespassing(trespass), &sample("colours.pdf")).unwrap_err();
        let expected = if trespass == Trespass::Loop { Refusal::TooSlow } else { Refusal::Broken };
        assert_eq!(refused, expected, "{name}");
        assert!(begun.elapsed() < WITHIN, "{name}: {:?}", begun.elapsed());
    }
    assert!(children().is_empty(), "{:?}", children());
    for call in ["read-file", "open-socket", "start-process", "start-thread"] {
        let mut worker = worker(&["--trespass", call]);
        write_document(&mut worker, &sample("colours.pdf"));
        let signal = worker.wait().unwrap().signal();
        assert_eq!(signal, Some(nix::libc::SIGSYS), "{call}");
    }
}

#[test]
fn a_worker_holds_nothing_but_its_pipes_and_fonts() {
    // Something that the worker inherits unless it lets go of it.
    let (held, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    nix::fcntl::fcntl(&held, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    let mut worker = worker(&[]);
    let mut ready = [0; 3];
    std::io::Read::read_exact(worker.stdout.as_mut().unwrap(), &mut ready).unwrap();
    assert_eq!(ready[2], 1, "packaging/apt-run.txt names the fonts");
    let room = format!("/proc/{}", worker.id());
    let status = std::fs::read_to_string(format!("{room}/status")).unwrap();
    for (key, value) in [("NoNewPrivs", "1"), ("Seccomp", "2"), ("Threads", "1")] {
        let found = status.lines().find_map(|line| line.strip_prefix(&format!("{key}:"))).unwrap();
        assert_eq!(found.trim(), value, "{key}");
    }
    // Only root may look further into a process that does not let itself be read.
    if let Ok(open) = std::fs::read_dir(format!("{room}/fd")) {
        let open: Vec<_> = open.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect();
        let fonts = open.iter().filter(|path| path.starts_with("/usr/share/fonts")).count();
        let sockets = open.iter().filter(|path| path.to_string_lossy().starts_with("socket:")).count();
        assert!(open.len() == 6 && fonts == 3 && sockets == 0, "{open:?}");
    }
    drop(worker.stdin.take());
    assert!(worker.wait().unwrap().success(), "it ends when its pipe is closed");
}

#[test]
fn a_worker_that_is_talked_to_wrongly_ends() {
    for talk in [
        &b"\x02"[..],
        b"\x07",
        b"\x01\xff\xff\xff\xff",
        b"\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80\x3f\0\0\x80\x3f\x10\0\0\0\x10\0\0\0",
    ] {
        let mut worker = worker(&[]);
        worker.stdin.take().unwrap().write_all(talk).unwrap();
        assert_eq!(worker.wait().unwrap().code(), Some(1), "{talk:?}");
    }
}

fn worker(arguments: &[&str]) -> std::process::Child {
    let mut command = Command::new(ENGAWA);
    command.arg("draw-pages").args(arguments).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn write_document(worker: &mut std::process::Child, document: &[u8]) {
    let mut to = worker.stdin.take().unwrap();
    // The worker may be dead before it has read all.
    let _ = engawa::pages::wire::Order::write_open(document, &mut to);
}
