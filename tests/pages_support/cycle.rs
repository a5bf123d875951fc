//! Pages as offices write them, and documents that come and go between two real daemons.

#![allow(clippy::unwrap_used, reason = "test support: a failure is a failed test")]
#![allow(dead_code, reason = "each test binary uses a part")]

use crate::pages_support::{pdf, stream};
use crate::support::boxes::Pair;
use crate::support::lab::End;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A4 pages of 40 lines of 36 Japanese letters, no two alike; the font is not embedded, as in many an office's files.
pub fn text_pages(pages: usize, seed: usize) -> Vec<u8> {
    let kids: Vec<String> = (0..pages).map(|page| format!("{} 0 R", 6 + 2 * page)).collect();
    let letters: Vec<u16> = TEXT.encode_utf16().collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{}] /Count {pages} >>", kids.join(" ")).into_bytes(),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /MS-Gothic /Encoding /UniJIS-UTF16-H /DescendantFonts [4 0 R] >>".to_vec(),
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /MS-Gothic /FontDescriptor 5 0 R /DW 1000 \
          /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> >>"
            .to_vec(),
        b"<< /Type /FontDescriptor /FontName /MS-Gothic /Flags 4 /ItalicAngle 0 /Ascent 859 /Descent -140 /CapHeight 700 \
          /StemV 80 /FontBBox [0 -140 1000 859] >>"
            .to_vec(),
    ];
    for page in 0..pages {
        let line = |line: usize| -> String {
            let at = |letter: usize| (seed * 31 + page * 17 + line * 7 + letter * (1 + page % 5)) % letters.len();
            let words: String = (0..36).map(|letter| format!("{:04x}", letters[at(letter)])).collect();
            format!("<{words}> Tj 0 -18 Td\n")
        };
        let number: String = format!("{}", page + 1).encode_utf16().map(|digit| format!("{digit:04x}")).collect();
        let lines: String = (0..40).map(line).collect();
        let content = format!("BT /F1 24 Tf 290 790 Td <{number}> Tj ET BT /F1 13 Tf 60 750 Td\n{lines}ET");
        let contents = format!("/Contents {} 0 R /Resources << /Font << /F1 3 0 R >> >>", 7 + 2 * page);
        objects.push(format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] {contents} >>").into_bytes());
        objects.push(stream("", content.as_bytes()));
    }
    pdf(&objects)
}

/// Over the box's own socket, as the command line does; what it answers.
pub fn ask(pair: &Pair<'_>, end: End, wish: &Value) -> Value {
    asked_with(pair, end, wish, &[])
}

/// Puts a document on both screens.
pub fn share(pair: &Pair<'_>, end: End, name: &str, bytes: &[u8]) -> String {
    let answer = asked_with(pair, end, &json!({"ask": "share_file", "name": name, "length": bytes.len()}), bytes);
    assert_ne!(answer["answer"], "denied", "{name}: {answer}");
    engawa::documents::name_of(bytes).to_string()
}

/// Shared by one room, turned by the other, closed by the first; over when both boxes hold nothing of it.
pub fn open_and_close(pair: &Pair<'_>, turn: usize, name: &str, bytes: &[u8]) {
    let (one, other) = (End::BOTH[turn % 2], End::BOTH[1 - turn % 2]);
    let id = share(pair, one, name, bytes);
    let here = |page: u32| {
        let id = id.clone();
        move |status: &Value| {
            let front = &status["room"]["page"];
            front["document"] == id.as_str() && front["state"] == "here" && front["page"] == page
        }
    };
    End::BOTH.into_iter().for_each(|end| drop(pair.wait_status(end, LIMIT, name, here(0))));
    assert_ne!(ask(pair, other, &json!({"ask": "page", "page": 1}))["answer"], "denied");
    pair.wait_status(one, LIMIT, "turned", here(1));
    assert_eq!(ask(pair, one, &json!({"ask": "close_document", "document": id}))["answer"], "accepted");
    let gone = |status: &Value| status["room"]["documents"] == json!([]);
    End::BOTH.into_iter().for_each(|end| drop(pair.wait_status(end, LIMIT, "closed", gone)));
}

pub fn resident_mb(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
}

/// Processes that a daemon started.
pub fn children_of(process: u32) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    children.map(|list| list.split_whitespace().count()).sum()
}

/// Bytes of all files.
pub fn size_of(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let size = entries.map(|entry| match entry.metadata() {
        Ok(of) if of.is_dir() => size_of(&entry.path()),
        Ok(of) => of.len(),
        Err(_) => 0,
    });
    size.sum()
}

fn asked_with(pair: &Pair<'_>, end: End, wish: &Value, more: &[u8]) -> Value {
    let mut socket = UnixStream::connect(pair.socket(end)).unwrap();
    socket.write_all(format!("{}\n", json!({"ask": wish})).as_bytes()).unwrap();
    socket.write_all(more).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

const TEXT: &str = "令和八年度町民説明会第一回公共施設の再配置についてご意見を伺います。窓口業務の時間は午前八時三十分から午後五時十五分までです。\
    町長は本日ご多用のところ午後二時からお集まりいただきありがとうございますと述べた。予算案の概要と今後の予定、カタカナとひらがなの資料。";
const LIMIT: Duration = Duration::from_secs(30);
