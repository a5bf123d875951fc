//! Printing as PCs do it: with CUPS' own tool, and by hand where no tool would.

#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "test support: a failure is a failed test")]

pub mod cups;
pub mod kiosk;
pub mod raster;

use engawa::printer::ipp::{self, Attribute, Group, Message, Value};
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// What `ipptool` said of one test of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub name: String,
    /// "PASS", "FAIL" or "SKIP".
    pub verdict: String,
    /// The lines below it.
    pub why: String,
}

/// Runs one of CUPS' test files, or one of ours, against a printer. `file`: what it prints.
pub fn ipptool(printer: SocketAddr, scheme: &str, test: &str, file: Option<&Path>, words: &[&str]) -> Output {
    let mut command = Command::new("ipptool");
    command.args(["-t", "-T", "20", "-I"]).args(words);
    if let Some(file) = file {
        command.arg("-f").arg(file);
    }
    command.arg(format!("{scheme}://{printer}/ipp/print")).arg(test);
    command.stdin(Stdio::null()).env("HOME", std::env::temp_dir()).output().expect("cups-ipp-utils is installed")
}

/// Every test of a run, in order.
pub fn told(output: &Output) -> Vec<Told> {
    let text = String::from_utf8_lossy(&output.stdout);
    let mut told: Vec<Told> = Vec::new();
    for line in text.lines() {
        let verdict = ["PASS", "FAIL", "SKIP"].into_iter().find(|verdict| line.ends_with(&format!("[{verdict}]")));
        match (verdict, told.last_mut()) {
            (Some(verdict), _) => {
                let name = line.trim_end_matches(']').trim_end_matches(verdict).trim_end_matches('[').trim();
                told.push(Told { name: name.into(), verdict: verdict.into(), why: String::new() });
            }
            (None, Some(last)) => last.why += &format!("{}\n", line.trim()),
            (None, None) => {}
        }
    }
    told
}

/// Operations by their numbers.
pub const PRINT_JOB: u16 = 0x0002;
pub const VALIDATE_JOB: u16 = 0x0004;
pub const CREATE_JOB: u16 = 0x0005;
pub const SEND_DOCUMENT: u16 = 0x0006;
pub const CANCEL_JOB: u16 = 0x0008;
pub const GET_JOB_ATTRIBUTES: u16 = 0x0009;
pub const GET_JOBS: u16 = 0x000a;
pub const GET_PRINTER_ATTRIBUTES: u16 = 0x000b;
pub const CANCEL_MY_JOBS: u16 = 0x0039;
pub const CLOSE_JOB: u16 = 0x003b;
pub const IDENTIFY_PRINTER: u16 = 0x003c;

/// A request in English with these attributes more.
pub fn request(operation: u16, more: impl IntoIterator<Item = (&'static str, Value)>) -> Message {
    let word = |tag, text: &str| Value::Word(tag, text.into());
    let first = [
        ("attributes-charset", word(ipp::CHARSET, "utf-8")),
        ("attributes-natural-language", word(ipp::LANGUAGE, "en")),
        ("printer-uri", word(ipp::URI, "ipp://127.0.0.1/ipp/print")),
        ("requesting-user-name", word(ipp::NAME, "tanaka")),
    ];
    let attributes = first.into_iter().chain(more).map(|(name, value)| Attribute::new(name, [value])).collect();
    let groups = vec![Group { tag: ipp::OPERATION, attributes }];
    Message { version: (2, 0), code: operation, number: 7, groups }
}

pub fn name(text: &str) -> Value {
    Value::Word(ipp::NAME, text.into())
}

/// Prints a document called `plan.pdf`, whatever it is.
pub fn print(printer: SocketAddr, document: &[u8]) -> Message {
    say(printer, &request(PRINT_JOB, [("job-name", name("plan.pdf"))]), document)
}

/// One request with its document, and its answer.
pub fn say(printer: SocketAddr, message: &Message, document: &[u8]) -> Message {
    let (status, answer) = post(printer, &[message.write(), document.to_vec()].concat());
    assert_eq!(status, 200);
    Message::read(&answer).expect("IPP").0
}

/// The state of a job, and why: of the answer that created it, or asked for.
pub fn state(printer: SocketAddr, job: i32) -> (i32, String, String) {
    let answer = say(printer, &request(GET_JOB_ATTRIBUTES, [("job-id", Value::Integer(job))]), &[]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let word = |name| of(&answer, name).and_then(|value| value.word().map(str::to_owned)).unwrap_or_default();
    (number(&answer, "job-state"), word("job-state-reasons"), word("job-state-message"))
}

/// An attribute of a job or of the printer as a number.
pub fn number(answer: &Message, name: &str) -> i32 {
    match of(answer, name) {
        Some(Value::Integer(number) | Value::Enum(number)) => *number,
        other => panic!("{name} is {other:?} in {answer:?}"),
    }
}

/// An attribute of a job or of the printer.
pub fn of<'m>(answer: &'m Message, name: &str) -> Option<&'m Value> {
    let groups = answer.groups.iter().filter(|group| [ipp::JOB, ipp::PRINTER].contains(&group.tag));
    groups.flat_map(|group| &group.attributes).find(|attribute| attribute.name == name)?.values.first()
}

/// Sends a body as a PC does; the HTTP status and what came back.
pub fn post(printer: SocketAddr, body: &[u8]) -> (u16, Vec<u8>) {
    let mut line = connect(printer);
    let head = format!(
        "POST /ipp/print HTTP/1.1\r\nHost: {printer}\r\nContent-Type: application/ipp\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    // It may be refused before all of it is sent.
    let _sent = line.write_all(head.as_bytes()).and_then(|()| line.write_all(body));
    answer(&mut line)
}

pub fn connect(printer: SocketAddr) -> TcpStream {
    ready(TcpStream::connect(printer).expect("the printer listens"))
}

/// From a PC at another address of this machine.
pub fn connect_from(source: [u8; 4], printer: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
    socket.connect(&printer.into()).expect("the printer listens");
    ready(socket.into())
}

fn ready(line: TcpStream) -> TcpStream {
    line.set_read_timeout(Some(PATIENCE)).unwrap();
    line.set_write_timeout(Some(PATIENCE)).unwrap();
    line
}

/// Status and body of an answer that ends the connection.
pub fn answer(line: &mut TcpStream) -> (u16, Vec<u8>) {
    let mut said = Vec::new();
    line.read_to_end(&mut said).expect("an answer in time");
    let head = said.windows(4).position(|end| end == b"\r\n\r\n").expect("a head");
    let status = std::str::from_utf8(&said[9..12]).unwrap().parse().unwrap();
    (status, said.split_off(head + 4))
}

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);
