//! What must be true of any bytes: the fuzz targets ask, and so does `tests/fuzz_smoke.rs` on the stable toolchain.
#![allow(dead_code, reason = "each target uses a part")]

use engawa::asking;
use engawa::core::memory::Remembered;
use engawa::core::share;
use engawa::pages::Drawing;
use engawa::pages::wire::{Answer, Kind, Order};
use engawa::pages::worker::raster::Raster;
use engawa::panel::query;
use engawa::printer::dns::{Announced, From};
use engawa::printer::ipp::{LONGEST, Message};
use engawa::system::{board_file, kept::KeptDocuments, room_memory};
use engawa::trunk::message::{
    LENGTH_BYTES, decode_bulk, decode_hello, decode_signal, encode_bulk, encode_hello, encode_signal,
};
use std::path::Path;
use std::time::{Duration, Instant};

/// Whatever the peer sends: an error or a message that can itself be sent.
pub fn message(bytes: &[u8]) -> bool {
    let (hello, signal, bulk) = (decode_hello(bytes), decode_signal(bytes), decode_bulk(bytes));
    if let Ok(hello) = &hello {
        let frame = encode_hello(hello).expect("a heard hello can be said");
        assert_eq!(decode_hello(&frame[LENGTH_BYTES..]).as_ref(), Ok(hello));
    }
    if let Ok(Some(signal)) = &signal {
        let frame = encode_signal(signal).expect("a heard signal can be said");
        assert_eq!(decode_signal(&frame[LENGTH_BYTES..]).as_ref(), Ok(&Some(signal.clone())));
    }
    if let Ok(Some(message)) = &bulk {
        let frame = encode_bulk(message).expect("a heard message can be said");
        assert_eq!(decode_bulk(&frame[LENGTH_BYTES..]).as_ref(), Ok(&Some(message.clone())));
    }
    hello.is_ok() || matches!(signal, Ok(Some(_))) || matches!(bulk, Ok(Some(_)))
}

/// Whatever a PC offers to share and sends then: the offer, an empty line of its own, datagrams.
pub fn offer(bytes: &[u8], now: Instant) -> bool {
    let at = bytes.windows(2).position(|pair| pair == [0, 0]).unwrap_or(bytes.len());
    let (sdp, rest) = bytes.split_at(at);
    let Ok(sdp) = std::str::from_utf8(sdp) else { return false };
    engawa::whip::survives(sdp, &rest.chunks(120).collect::<Vec<_>>(), now)
}

/// Whatever a browser or somebody at the box's socket asks: refused, or a wish that can itself be asked.
pub fn wish(bytes: &[u8]) -> bool {
    let wish = asking::request(bytes);
    if let Ok(wish) = &wish {
        assert_eq!(asking::request(asking::json(wish).as_bytes()).as_ref(), Ok(wish));
    }
    wish.is_ok()
}

/// Whatever stands behind the question mark of an address: a name is words of at most 64 letters and no path.
pub fn address(bytes: &[u8]) -> bool {
    let Ok(query) = std::str::from_utf8(bytes) else { return false };
    let name = share::file_name(&query::file_name(query));
    assert!((1..=64).contains(&name.chars().count()), "{name:?}");
    assert!(!name.contains(['/', '\\']) && !name.chars().any(char::is_control), "{name:?}");
    assert_eq!(share::file_name(&name), name, "safe is safe");
    if let Some((document, _)) = query::page(query) {
        assert_eq!(query::document(query), Some(document));
    }
    query::document(query).is_some() || name != "–"
}

/// Whatever a worker that a document took over says, and whatever a worker hears.
pub fn pages(bytes: &[u8]) -> bool {
    let (mut understood, mut rest) = (Kind::of(bytes).is_some(), bytes);
    while let Ok(Some(order)) = Order::read(&mut rest) {
        let mut said = Vec::new();
        order.write(&mut said).expect("a heard order can be given");
        assert_eq!(Order::read(&mut said.as_slice()).expect("heard again"), Some(order));
        understood = true;
    }
    let asked = Drawing::whole(0, 8, 8);
    let mut rest = bytes;
    while let Ok(answer) = Answer::read(&mut rest, Some(&asked)) {
        let mut said = Vec::new();
        answer.write(&mut said).expect("a heard answer can be given");
        assert_eq!(Answer::read(&mut said.as_slice(), Some(&asked)).expect("heard again"), answer);
        understood = true;
    }
    understood
}

/// Whatever a PC sends to the printer: an error, or a message that can itself be sent.
pub fn ipp(bytes: &[u8]) -> bool {
    let read = Message::read(bytes);
    if let Ok((message, length)) = &read {
        assert!(*length <= bytes.len());
        let said = message.write();
        if said.len() <= LONGEST {
            assert_eq!(Message::read(&said).as_ref(), Ok(&(message.clone(), said.len())));
        }
    }
    read.is_ok()
}

/// Whatever somebody asks by multicast: left alone, or answered with a packet that is itself no question.
pub fn announcement(bytes: &[u8]) -> bool {
    let announced = Announced {
        name: "市民課".into(),
        host: "engawa-07070707".into(),
        port: 631,
        addresses: vec![[192, 0, 2, 7].into()],
        tls: true,
        about: vec!["rp=ipp/print".into()],
    };
    let answer = announced.answer(bytes, From::Simple);
    if let Some(answer) = &answer {
        assert_eq!(announced.answer(answer, From::Multicast), None);
    }
    answer.is_some()
}

/// Whatever a PC sends as a drawn page: refused, or pages of a size, and as many pixels as were promised.
pub fn raster(bytes: &[u8]) -> bool {
    let Ok(raster) = Raster::read(bytes.to_vec()) else { return false };
    let sizes = raster.sizes();
    assert!(!sizes.is_empty() && sizes.len() <= engawa::pages::MOST_PAGES);
    assert!(raster.first().iter().all(|part| part.end <= bytes.len()));
    for (page, size) in sizes.iter().enumerate().take(3) {
        // Large pages take their time, which a fuzzer has not.
        if size.width * size.height < 10_000.0 {
            let pixels = raster.unpack(page).expect("what was walked over can be unpacked");
            assert!(pixels.pixels().all(|pixel| pixel[3] == 255));
        }
    }
    assert!(raster.unpack(sizes.len()).is_err());
    true
}

/// Whatever lies in the files of board and room after a power cut.
pub fn file(bytes: &[u8]) -> bool {
    let views = ["room".to_owned(), "table".to_owned()];
    let room = room_memory::read(bytes, &views);
    if let Some(Remembered { view, usual_view, volume, .. }) = &room {
        assert!(*view < views.len() && *usual_view < views.len() && *volume <= 100);
    }
    board_file::read(bytes).is_some() || room.is_some()
}

/// Whatever lies where a kept document's note should: what is kept can be read, and ends.
pub fn kept(bytes: &[u8], home: &Path) -> bool {
    let note = home.join("kept").join(format!("{}.json", "ab".repeat(32)));
    std::fs::create_dir_all(home.join("kept")).expect("a directory");
    std::fs::write(note.with_extension("document"), b"%PDF").expect("written");
    std::fs::write(&note, bytes).expect("written");
    let kept = KeptDocuments::open(home, 7, false);
    let list = kept.list();
    for (id, _) in &list {
        assert_eq!(kept.read(*id).expect("it is here").1, b"%PDF");
    }
    assert!(list.len() <= 1);
    kept.pass(Duration::from_secs(u64::from(u32::MAX)), 0, u64::MAX);
    assert!(kept.list().is_empty(), "time is over");
    !list.is_empty()
}
