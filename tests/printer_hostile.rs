//! PCs that mean harm, or vanish: each gets a clear answer or a closed line, and nothing of them stays.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test waits in real time and tells what it took"
)]

mod printer_support;

use engawa::config::IpNetwork;
use engawa::printer::ipp::{self, Attribute, Group, Message, Value};
use printer_support::kiosk::Kiosk;
use printer_support::*;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[test]
fn nobody_outside_the_room_gets_a_byte() {
    let kiosk = Kiosk::in_room(true, IpNetwork { address: [192, 0, 2, 0].into(), prefix: 24 });
    let mut line = connect(kiosk.address());
    let _closed_already = line.write_all(b"POST / HTTP/1.1\r\n\r\n");
    assert!(matches!(line.read(&mut [0; 16]), Ok(0) | Err(_)));
}

#[test]
fn what_is_no_ipp_is_a_bad_request() {
    let kiosk = Kiosk::start(true);
    let good = request(GET_PRINTER_ATTRIBUTES, []);
    let mut orphan = good.write();
    orphan.insert(8, 0x44);
    for garbage in [&b""[..], b"\x02", b"GET / HTTP/1.1", &[0xff; 70_000], &good.write()[..40], &orphan] {
        let (status, answer) = post(kiosk.address(), garbage);
        let (answer, _) = Message::read(&answer).unwrap();
        assert_eq!(status, 200);
        assert!([BAD_REQUEST, TOO_LONG].contains(&answer.code), "{:?}: {answer:?}", &garbage[..garbage.len().min(20)]);
    }
    let mut nameless = good.clone();
    nameless.groups[0].attributes.swap(0, 1);
    assert_eq!(say(kiosk.address(), &nameless, &[]).code, BAD_REQUEST);
    let unknown = Message { code: 0x4001, ..good.clone() };
    assert_eq!(say(kiosk.address(), &unknown, &[]).code, 0x0501);
    assert_eq!(say(kiosk.address(), &good, &[]).code, 0, "and it goes on");
}

#[test]
fn too_many_bytes_of_attributes_and_too_deep_a_nest_are_too_much() {
    let kiosk = Kiosk::start(true);
    let mut long = request(GET_PRINTER_ATTRIBUTES, []);
    let words = (0..40).map(|_| Value::Word(ipp::KEYWORD, "x".repeat(2_000)));
    long.groups[0].attributes.push(Attribute::new("requested-attributes", words));
    assert_eq!(say(kiosk.address(), &long, &[]).code, TOO_LONG);
    let nest = |deep| {
        let within = |inner, _| Value::Collection(vec![Attribute::new("media-col", [inner])]);
        (0..deep).fold(Value::Integer(1), within)
    };
    let nested = |deep| {
        let mut message = request(VALIDATE_JOB, []);
        message.groups.push(Group { tag: ipp::JOB, attributes: vec![Attribute::new("media-col", [nest(deep)])] });
        message
    };
    assert_eq!(say(kiosk.address(), &nested(ipp::DEEPEST), &[]).code, 0);
    for deep in [ipp::DEEPEST + 1, 3_000] {
        assert_eq!(say(kiosk.address(), &nested(deep), &[]).code, TOO_LONG, "{deep}");
    }
    // Begun and never ended.
    let open = [&request(VALIDATE_JOB, []).write()[..8], &[2], &[0x34, 0, 1, b'a', 0, 0].repeat(10_000)].concat();
    let (_, answer) = post(kiosk.address(), &open);
    assert_eq!(Message::read(&answer).unwrap().0.code, TOO_LONG);
}

#[test]
fn a_pc_that_vanishes_in_the_middle_of_a_document_leaves_an_aborted_job_and_no_bytes() {
    let kiosk = Kiosk::start(true);
    let printer = kiosk.address();
    let message = request(PRINT_JOB, [("job-name", name("half.pdf"))]).write();
    let mut line = connect(printer);
    let head =
        format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/ipp\r\nContent-Length: {}\r\n\r\n", 1 << 20);
    line.write_all(&[head.as_bytes(), &message, b"%PDF-1.7", &[b' '; 100_000]].concat()).unwrap();
    wait("it comes", || jobs(printer, "not-completed").len() == 1);
    drop(line);
    wait("it is over", || jobs(printer, "not-completed").is_empty());
    let [job] = jobs(printer, "completed")[..] else { panic!("one job") };
    let (was, _, why) = state(printer, job);
    assert!(was == ABORTED && why.contains("did not come whole"), "{was} {why}");
    assert!(kiosk.documents.is_empty());
    // Its place is free again, for one at a time.
    let head =
        format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/ipp\r\nContent-Length: {}\r\n\r\n", 1 << 20);
    let mut line = connect(printer);
    line.write_all(&[head.as_bytes(), &message, &[b' '; 70_000]].concat()).unwrap();
    wait("it comes", || jobs(printer, "not-completed").len() == 1);
    let created = number(&say(printer, &request(CREATE_JOB, []), &[]), "job-id");
    let words = [("job-id", Value::Integer(created)), ("last-document", Value::Boolean(true))];
    assert_eq!(say(printer, &request(SEND_DOCUMENT, words.clone()), b"%PDF-1.3").code, BUSY);
    drop(line);
    wait("it is over", || jobs(printer, "not-completed") == [created]);
    assert_eq!(say(printer, &request(SEND_DOCUMENT, words), b"%PDF-1.3").code, 0, "tried again");
    assert_eq!(print(printer, b"%PDF-1.7").code, 0);
}

#[test]
fn dripping_holds_nobody_up_and_ends() {
    let kiosk = Kiosk::start(true);
    let printer = kiosk.address();
    // Heads that never end, a connection that says nothing, a TLS hello where there is no certificate.
    let mut dripping: Vec<_> = (0..80).map(|_| connect(printer)).collect();
    for line in &mut dripping[..40] {
        let _put_out = line.write_all(b"POST /ipp/print HTTP/1.1\r\nX: ");
    }
    let begun = Instant::now();
    assert_eq!(say(printer, &request(GET_PRINTER_ATTRIBUTES, []), &[]).code, 0);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let mut hello = connect(printer);
    hello.write_all(&[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]).unwrap();
    assert!(matches!(hello.read(&mut [0; 16]), Ok(0) | Err(_)), "closed");
    let mut silent = connect(printer);
    assert!(matches!(silent.read(&mut [0; 16]), Ok(0) | Err(_)), "closed after its deadline");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn two_pcs_that_drip_keep_no_third_one_from_printing() {
    let kiosk = Kiosk::start(true);
    let printer = kiosk.address();
    let message = request(PRINT_JOB, [("job-name", name("slow.pdf"))]).write();
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/ipp\r\nConnection: close\r\nContent-Length: 90000000\r\n\r\n";
    let over = Arc::new(AtomicBool::new(false));
    // One a byte at a time, one as fast as the least that a bad line has.
    let slow: Vec<_> = [(2, 1), (3, 9_000)]
        .map(|(source, piece)| {
            let mut line = connect_from([127, 0, 0, source], printer);
            line.write_all(&[head.as_bytes(), &message, b"%PDF-1.7", &[b' '; 70_000]].concat()).unwrap();
            let over = over.clone();
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) && line.write_all(&vec![b' '; piece]).is_ok() {
                    std::thread::sleep(Duration::from_millis(200));
                }
                line
            })
        })
        .into();
    wait("both come", || queued(printer) == 2);
    for number in 0..3 {
        let begun = Instant::now();
        let printed = print(printer, format!("%PDF-1.{number}").as_bytes());
        println!("beside two that drip: printed after {:?}", begun.elapsed());
        assert_eq!(printed.code, 0, "{printed:?}");
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
        wait("it is shown", || state(printer, number_of(&printed)).0 == COMPLETED);
    }
    over.store(true, Ordering::Relaxed);
    // Whoever gave way is told that it may try again.
    let told = slow.into_iter().filter_map(|slow| {
        let mut said = Vec::new();
        let _put_out = slow.join().unwrap().read_to_end(&mut said);
        let head = said.windows(4).position(|end| end == b"\r\n\r\n")?;
        Some(Message::read(&said[head + 4..]).unwrap().0.code)
    });
    assert!(told.collect::<Vec<_>>().contains(&BUSY));
}

#[test]
fn a_locked_room_takes_no_print_of_its_own_guests_either() {
    let kiosk = Kiosk::start(true);
    let printer = kiosk.address();
    let accepts = || {
        let said = say(printer, &request(GET_PRINTER_ATTRIBUTES, []), &[]);
        let reason = of(&said, "printer-state-reasons").and_then(Value::word).unwrap().to_owned();
        (of(&said, "printer-is-accepting-jobs") == Some(&Value::Boolean(true)), reason)
    };
    assert_eq!(accepts(), (true, "none".into()));
    assert_eq!(print(printer, b"%PDF-1.7").code, 0);
    let created = number(&say(printer, &request(CREATE_JOB, []), &[]), "job-id");
    kiosk.lock(true);
    wait("it is locked", || !accepts().0);
    assert_eq!(accepts().1, "other-warning");
    let words = [("job-id", Value::Integer(created)), ("last-document", Value::Boolean(true))];
    for (operation, words) in
        [(PRINT_JOB, None), (VALIDATE_JOB, None), (CREATE_JOB, None), (SEND_DOCUMENT, Some(words.clone()))]
    {
        let brings = matches!(operation, PRINT_JOB | SEND_DOCUMENT);
        let refused =
            say(printer, &request(operation, words.into_iter().flatten()), if brings { b"%PDF-1.6" } else { &[] });
        let text = refused.word("status-message").unwrap_or_default();
        assert_eq!((refused.code, text.contains("locked")), (NOT_ACCEPTING, true), "{refused:?}");
    }
    kiosk.lock(false);
    wait("it is open again", || accepts().0);
    assert_eq!(say(printer, &request(SEND_DOCUMENT, words), b"%PDF-1.6").code, 0, "the job waited for its document");
}

#[test]
fn a_web_page_prints_nothing_and_only_ipp_is_read() {
    let kiosk = Kiosk::start(true);
    let ask = |head: &str| {
        let mut line = connect(kiosk.address());
        line.write_all(format!("{head}\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
        answer(&mut line).0
    };
    assert_eq!(ask("POST / HTTP/1.1\r\nContent-Type: application/ipp\r\nOrigin: https://example.org"), 403);
    assert_eq!(ask("POST / HTTP/1.1\r\nContent-Type: text/plain"), 415);
    assert_eq!(ask("PUT / HTTP/1.1"), 405);
    assert_eq!(ask("GET /../../etc/passwd HTTP/1.1"), 404);
    assert_eq!((ask("GET / HTTP/1.1"), ask("GET /icon.png HTTP/1.1")), (200, 200));
}

#[test]
fn a_flood_of_jobs_is_bounded_and_the_store_with_it() {
    let kiosk = Kiosk::start(false);
    let printer = kiosk.address();
    let answers: Vec<u16> = (0..12).map(|n| print(printer, format!("%PDF-1.{n}").as_bytes()).code).collect();
    assert_eq!(answers.iter().filter(|code| **code == 0).count(), 4, "{answers:?}");
    assert!(answers[4..].iter().all(|code| *code == BUSY), "{answers:?}");
    let held = (0..12)
        .filter(|n| kiosk.documents.bytes(engawa::documents::name_of(format!("%PDF-1.{n}").as_bytes())).is_some());
    assert_eq!(held.count(), 4, "only of those that wait");
    let created: Vec<u16> = (0..100).map(|_| say(printer, &request(CREATE_JOB, []), &[]).code).collect();
    assert_eq!(created.iter().filter(|code| **code == 0).count(), 4, "eight of one PC are open: {created:?}");
    assert_eq!(say(printer, &request(CANCEL_MY_JOBS, []), &[]).code, 0);
    assert!(jobs(printer, "not-completed").is_empty());
    wait("nothing is left", || kiosk.documents.is_empty());
}

#[test]
fn a_job_goes_its_way_in_pieces_as_cups_sends_it() {
    let kiosk = Kiosk::start(false);
    let printer = kiosk.address();
    let created = say(printer, &request(CREATE_JOB, [("job-name", name("会議資料.pdf"))]), &[]);
    let job = number(&created, "job-id");
    assert_eq!(state(printer, job).1, "job-incoming");
    let send =
        |last| request(SEND_DOCUMENT, [("job-id", Value::Integer(job)), ("last-document", Value::Boolean(last))]);
    // Chunked, after the printer said that it may come.
    let mut line = connect(printer);
    let head = "POST /ipp/print HTTP/1.1\r\nHost: x\r\nContent-Type: application/ipp\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";
    line.write_all(head.as_bytes()).unwrap();
    let mut go = [0; 25];
    line.read_exact(&mut go).unwrap();
    assert_eq!(&go, b"HTTP/1.1 100 Continue\r\n\r\n");
    for piece in [send(true).write(), b"%PDF".to_vec(), b"-1.7".to_vec(), Vec::new()] {
        line.write_all(&[format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat()).unwrap();
    }
    let sent = Message::read(&answer(&mut line).1).unwrap().0;
    assert_eq!((sent.code, number(&sent, "job-state")), (0, 4), "{sent:?}");
    assert_eq!(say(printer, &send(true), b"%PDF").code, 0x0509, "one document a job");
    kiosk.show(job);
    wait("shown", || state(printer, job).0 == COMPLETED);
    assert_eq!(say(printer, &request(CLOSE_JOB, [("job-id", Value::Integer(job))]), &[]).code, 0);
    assert_eq!(say(printer, &request(IDENTIFY_PRINTER, []), &[]).code, 0);
    // Chosen pages are the PC's affair: nothing is shown that nobody chose.
    let mut ranges = request(PRINT_JOB, []);
    let chosen = Attribute::new("page-ranges", [Value::Range(2, 2)]);
    ranges.groups.push(Group { tag: ipp::JOB, attributes: vec![chosen.clone()] });
    let refused = say(printer, &ranges, b"%PDF-1.4");
    assert_eq!((refused.code, refused.group(ipp::UNSUPPORTED)), (0x040b, &[chosen][..]));
}

/// Jobs of all PCs that are not over.
fn queued(printer: SocketAddr) -> i32 {
    number(&say(printer, &request(GET_PRINTER_ATTRIBUTES, []), &[]), "queued-job-count")
}

fn number_of(answer: &Message) -> i32 {
    number(answer, "job-id")
}

fn jobs(printer: SocketAddr, which: &str) -> Vec<i32> {
    let which = Value::Word(ipp::KEYWORD, which.into());
    let answer = say(printer, &request(GET_JOBS, [("which-jobs", which)]), &[]);
    let groups = answer.groups.iter().filter(|group| group.tag == ipp::JOB);
    let ids = groups.flat_map(|group| &group.attributes).filter(|attribute| attribute.name == "job-id");
    ids.map(|attribute| if let Value::Integer(id) = attribute.values[0] { id } else { panic!("{attribute:?}") })
        .collect()
}

fn wait(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !so() {
        assert!(Instant::now() < deadline, "{what}: not in time");
        std::thread::sleep(Duration::from_millis(20));
    }
}

const ABORTED: i32 = 8;
const COMPLETED: i32 = 9;
const BAD_REQUEST: u16 = 0x0400;
const TOO_LONG: u16 = 0x0408;
const NOT_ACCEPTING: u16 = 0x0506;
const BUSY: u16 = 0x0507;
