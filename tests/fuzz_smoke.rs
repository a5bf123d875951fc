//! What the fuzz targets ask of any bytes, asked on every run of some thousands: good ones, changed in a few places, the same
//! ones every time. `fuzz/` goes further, with a nightly toolchain.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../fuzz/judge.rs"]
mod judge;
mod printer_support;

use engawa::asking;
use engawa::core::memory::Remembered;
use engawa::pages::wire::{Answer, Kind, Order};
use engawa::pages::{Drawing, PageSize, Picture, Refusal};
use engawa::printer::ipp::{self, Attribute, Group, Value};
use engawa::system::board_file::{self, BoardKeeper};
use engawa::system::kept::KeptDocuments;
use engawa::system::room_memory::{self, Keeper};
use printer_support::raster::{Ink, Sheet, pwg, urf};
use printer_support::{GET_PRINTER_ATTRIBUTES, PRINT_JOB, name, request};
use std::path::Path;

#[test]
fn what_the_peer_sends() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let frames = std::fs::read_dir(golden).unwrap().flatten();
    let mut good: Vec<(String, Vec<u8>)> = frames
        .map(|file| (file.path().display().to_string(), std::fs::read(file.path()).unwrap()[4..].to_vec()))
        .collect();
    // Those that no file holds.
    for word in [
        r#"{"say":"ink","marks":[{"document":"ID","placed":[1,7],"page":3,"at":[9,7],"offerer":true,"points":[[0,1],[9999,10000]]}]}"#,
        r#"{"say":"point","document":"ID","page":3,"at":[1,10000]}"#,
    ] {
        good.push((word.into(), word.replace("ID", &"ab".repeat(32)).into_bytes()));
    }
    good.sort();
    for (name, bytes) in &good {
        assert!(judge::message(bytes), "{name} is understood: {:?}", engawa::trunk::message::decode_signal(bytes));
    }
    changed(&good.into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>(), 200_000, judge::message);
}

#[test]
fn what_a_browser_asks() {
    let id = "ab".repeat(32);
    let wishes = [
        r#"{"ask":"knock"}"#.to_owned(),
        r#"{"ask":"microphone","open":true}"#.into(),
        r#"{"ask":"mode","mode":"meeting"}"#.into(),
        r#"{"ask":"zoom","zoom":2000,"corner":[0,500]}"#.into(),
        r#"{"ask":"note","text":"15時から配線工事"}"#.into(),
        r#"{"ask":"drawn_note","strokes":[[1,2,3,4],[5,6,7,8]]}"#.into(),
        r#"{"ask":"hand","up":true}"#.into(),
        r#"{"ask":"poll","question":"昼休みは?","choices":["12時","13時"]}"#.into(),
        format!(r#"{{"ask":"front","document":"{id}"}}"#),
        format!(r#"{{"ask":"point","document":"{id}","page":1,"at":[1,10000]}}"#),
        format!(r#"{{"ask":"draw","document":"{id}","page":1,"points":[[0,0],[10000,10000]]}}"#),
        format!(r#"{{"ask":"keep","document":"{id}","keep":true}}"#),
    ];
    for wish in &wishes {
        assert!(judge::wish(wish.as_bytes()), "{wish} is a wish: {:?}", asking::request(wish.as_bytes()));
    }
    changed(&wishes.map(String::into_bytes), 200_000, judge::wish);
    let addresses = [
        format!("document={id}&page=3&width=800"),
        "name=%E4%BA%88%E7%AE%97%E6%A1%88%20%F0%9F%8D%B5.pdf".into(),
        "name=..%2F..%2Fetc%2Fpasswd&name=b".into(),
        "x=1&name=C%3A%5Ca%E2%80%AEfdp.exe".into(),
    ];
    assert!(addresses.iter().all(|address| judge::address(address.as_bytes())));
    changed(&addresses.map(String::into_bytes), 200_000, judge::address);
}

#[test]
fn what_a_pc_offers_to_share() {
    let (chromium, now) = (include_bytes!("data/chromium.sdp"), tokio::time::Instant::now().into_std());
    assert!(judge::offer(chromium, now));
    let stun: &[u8] = &[0, 0, 1, 0, 0, 0, 0x21, 0x12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    let rtp: &[u8] = &[0, 0, 0x80, 0x60, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9];
    let both_ways = String::from_utf8(chromium.to_vec()).unwrap().replace("a=sendonly", "a=sendrecv").into_bytes();
    assert!(judge::offer(&both_ways, now));
    let good = [both_ways, chromium.to_vec(), [chromium, stun].concat(), [chromium, rtp].concat()];
    // Each one that is taken makes a key of its own.
    changed(&good, 3_000, |bytes| judge::offer(bytes, now));
}

#[test]
fn what_a_worker_says_and_hears() {
    let order = |order: Order| {
        let mut said = Vec::new();
        order.write(&mut said).unwrap();
        said
    };
    let answer = |answer: Answer| {
        let mut said = Vec::new();
        answer.write(&mut said).unwrap();
        said
    };
    let pages = vec![PageSize { width: 595.0, height: 842.0 }; 3];
    let good = [
        order(Order::Open(b"%PDF-1.7".to_vec())),
        order(Order::Draw(Drawing::whole(2, 300, 400))),
        answer(Answer::Ready { landlock: true, fonts: false }),
        answer(Answer::Opened { kind: Kind::Pdf, pages, first: vec![0..5, 9..20] }),
        answer(Answer::Drawn(Picture { width: 8, height: 8, bgrx: vec![7; 256] })),
        answer(Answer::Refused(Refusal::Locked)),
    ];
    assert!(good.iter().all(|bytes| judge::pages(bytes)));
    changed(&good, 200_000, judge::pages);
}

#[test]
fn what_a_pc_prints() {
    let member = |inner| Value::Collection(vec![Attribute::new("media-size", [inner, Value::Integer(3)])]);
    let mut asked = request(PRINT_JOB, [("job-name", name("会議資料.pdf")), ("last-document", Value::Boolean(true))]);
    asked.groups.push(Group {
        tag: ipp::JOB,
        attributes: vec![
            Attribute::new("media-col", [member(member(Value::Range(1, 2)))]),
            Attribute::new("printer-resolution", [Value::Resolution(300, 300, 3), Value::Enum(4)]),
            Attribute::new("date", [Value::DateTime([7; 11]), Value::Octets(vec![0xff; 9]), Value::Nothing(0x13)]),
        ],
    });
    let messages = [asked.write(), request(GET_PRINTER_ATTRIBUTES, []).write(), asked.write()[..70].to_vec()];
    assert!(messages[..2].iter().all(|message| judge::ipp(message)));
    changed(&messages, 200_000, judge::ipp);
    let question = b"\0\x07\0\0\0\x02\0\0\0\0\0\0\x0a_universal\x04_sub\x04_ipp\x04_tcp\x05local\0\0\x0c\0\x01\xc0\x1c\0\xff\0\x01".to_vec();
    assert!(judge::announcement(&question));
    changed(&[question], 100_000, judge::announcement);
    let sheets = [Sheet::with_bar(40, 30, [200, 30, 30]), Sheet::with_bar(9, 20, [0; 3])];
    let files =
        [pwg(&sheets, Ink::Srgb8, 300), pwg(&sheets, Ink::Sgray8, 300), pwg(&sheets, Ink::Black1, 150), urf(&sheets)];
    assert!(files.iter().all(|file| judge::raster(file)));
    changed(&files, 20_000, judge::raster);
}

#[test]
fn what_lies_on_the_disk() {
    let home = tempfile::tempdir().unwrap();
    let board = BoardKeeper::start(home.path()).unwrap();
    board.keep(board_file::read(BOARD.as_bytes()).expect("a board"));
    drop(board);
    let room = Keeper::start(home.path(), &["room".into()]).unwrap();
    room.keep(&Remembered { volume: 70, ..Remembered::UNREADABLE });
    drop(room);
    let views = ["room".to_owned()];
    assert_eq!(room_memory::load(home.path(), &views).volume, 70);
    let files = ["board", "room"].map(|name| std::fs::read(home.path().join(name)).unwrap());
    assert!(files.iter().all(|bytes| judge::file(bytes)));
    changed(&files, 200_000, judge::file);

    let document = b"%PDF".to_vec();
    let kept = KeptDocuments::open(home.path(), 7, false);
    kept.keep(engawa::documents::name_of(&document), "a.pdf", &document.into()).unwrap();
    let note = std::fs::read_dir(home.path().join("kept")).unwrap().flatten().map(|entry| entry.path());
    let note = std::fs::read(note.into_iter().find(|path| path.extension().unwrap() == "json").unwrap()).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    assert!(judge::kept(&note, elsewhere.path()));
    changed(&[note], 300, |bytes| judge::kept(bytes, elsewhere.path()));
}

/// So many of these, each changed in a few places. Some are still understood, or the changes would be too coarse to reach far.
fn changed(good: &[Vec<u8>], times: usize, judge: impl Fn(&[u8]) -> bool) {
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    let mut roll = |below: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice % below.max(1) as u64) as usize
    };
    let mut understood = 0;
    for _ in 0..times {
        let mut bytes = good[roll(good.len())].clone();
        for _ in 0..1 + roll(4) {
            let (at, length) = (roll(bytes.len()), roll(12));
            let to = bytes.len().min(at + length);
            match roll(7) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << roll(8),
                1 if !bytes.is_empty() => bytes[at] = roll(256) as u8,
                2 => drop(bytes.drain(at..to)),
                3 => bytes.truncate(at),
                4 => {
                    let again = bytes[at..to].to_vec();
                    bytes.splice(at..at, again);
                }
                5 => {
                    let (from, other) = (&good[roll(good.len())], roll(64));
                    let start = roll(from.len());
                    bytes.splice(at..to, from[start..from.len().min(start + other)].iter().copied());
                }
                _ => drop(bytes.splice(at..to, EXTREMES[roll(EXTREMES.len())].bytes())),
            }
        }
        understood += usize::from(judge(&bytes));
    }
    assert!(understood * 100 > times, "{understood} of {times} changed ones were understood");
}

/// What a parser may stumble over.
const EXTREMES: [&str; 14] = [
    "0",
    "-1",
    "255",
    "65535",
    "4294967295",
    "18446744073709551615",
    "1e309",
    "null",
    "[]",
    "{}",
    "\"\"",
    "\\u0000",
    "\\ud83d",
    "%",
];
const BOARD: &str = r#"{"version":1,"peer":null,"newest":3,"notes":[{"stamp":"1-0707070707070707","offerer":true,"name":"窓口","written_ms":1700000000000,"text":"15時から","minutes":3}],"gone":[]}"#;
