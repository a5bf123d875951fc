//! The installer's table: one line of CSV for each pair of boxes.
//!
//! ```text
//!   pair,room_a,room_b,address_a,address_b,gateway_a,gateway_b,ceiling_kbps
//!   本庁と北支所,市民課,北支所,192.0.2.10/24,198.51.100.10/24,192.0.2.1,198.51.100.1,2000
//! ```
//! May be relied on: what comes out is valid for every line or there is nothing; the settings were checked by the very code that reads
//! `engawa.toml`; no pair, address or network card stands twice. UTF-8 with or without its mark. Excel's Shift_JIS is refused, not guessed at:
//! a room's name that was decoded wrongly would hang on a wall.

use super::columns::Columns;
use super::network::{self, Address, NetworkConfig};
use super::settings::{self, Dials};
use crate::config::{Config, ConfigError};
use csv::{ReaderBuilder, StringRecord, Trim};
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;

/// A pair that can be made.
#[derive(Clone, Debug)]
pub struct PairPlan {
    /// As the installer calls it; a folder has this name.
    pub name: String,
    /// Both boxes.
    pub sides: [SidePlan; 2],
}

/// One box of a pair.
#[derive(Clone, Debug)]
pub struct SidePlan {
    /// The box's name.
    pub room: String,
    /// `network.toml`
    pub network: NetworkConfig,
    /// The only box that may take it.
    pub mac: Option<String>,
    /// `engawa.toml`
    pub engawa: String,
}

/// Something wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Of the table, from 1.
    pub line: u64,
    /// As it is called; empty where it is about the whole line.
    pub column: String,
    /// As written; empty where there is none.
    pub value: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match (self.column.as_str(), self.value.as_str()) {
            ("", _) => {}
            (column, "") => write!(f, "{column}: ")?,
            (column, value) => write!(f, "{column} = {value}: ")?,
        }
        f.write_str(&self.what)
    }
}

/// Reads a table.
///
/// # Errors
/// All mistakes, in the order of the lines, [`MISTAKES_TOLD`] at most.
pub fn read(bytes: &[u8]) -> Result<Vec<PairPlan>, Vec<Mistake>> {
    let whole = |line, what: &str| vec![Mistake::of_line(line, what)];
    if bytes.len() > LONGEST_TABLE {
        return Err(whole(1, "the table is longer than 1 MiB"));
    }
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(whole(1, NOT_UTF8));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if let Err(error) = std::str::from_utf8(bytes) {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        return Err(whole(line as u64, NOT_UTF8));
    }
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(bytes);
    let header = reader.headers().cloned().map_err(|error| vec![Mistake::of_csv(&error)])?;
    let columns = Columns::of(&header)?;
    let mut reading = Reading::default();
    for record in reader.records() {
        match record {
            Ok(record) if record.iter().all(str::is_empty) => {}
            Ok(record) => reading.take(&Row { columns: &columns, record: &record }),
            Err(error) => reading.mistakes.push(Mistake::of_csv(&error)),
        }
    }
    reading.settle()
}

impl Mistake {
    fn of_line(line: u64, what: &str) -> Self {
        Self { line, column: String::new(), value: String::new(), what: what.to_owned() }
    }

    fn of_csv(error: &csv::Error) -> Self {
        let line = error.position().map_or(1, csv::Position::line);
        if let csv::ErrorKind::UnequalLengths { expected_len, len, .. } = error.kind() {
            return Self::of_line(line, &format!("has {len} fields, and the first line has {expected_len}"));
        }
        Self::of_line(line, &error.to_string())
    }
}

struct Row<'r> {
    columns: &'r Columns,
    record: &'r StringRecord,
}

impl Row<'_> {
    fn line(&self) -> u64 {
        self.record.position().map_or(1, csv::Position::line)
    }

    fn field(&self, column: &str) -> &str {
        self.columns.field(self.record, column)
    }

    fn mistake(&self, column: &str, what: impl Into<String>) -> Mistake {
        // A PIN is nobody's business, not even that of a log.
        let value = if column == "pin" { String::new() } else { self.field(column).to_owned() };
        Mistake { line: self.line(), column: self.columns.as_written(column).into(), value, what: what.into() }
    }
}

#[derive(Default)]
struct Reading {
    pairs: Vec<PairPlan>,
    mistakes: Vec<Mistake>,
    /// What may stand once only, and where it stood.
    seen: HashMap<String, (u64, &'static str)>,
}

impl Reading {
    fn settle(mut self) -> Result<Vec<PairPlan>, Vec<Mistake>> {
        if self.pairs.is_empty() && self.mistakes.is_empty() {
            self.mistakes.push(Mistake::of_line(2, "the table has no pair"));
        }
        if self.pairs.len() > MOST_PAIRS {
            self.mistakes.push(Mistake::of_line(1, &format!("the table has more than {MOST_PAIRS} pairs")));
        }
        self.mistakes.sort_by_key(|mistake| mistake.line);
        self.mistakes.truncate(MISTAKES_TOLD);
        if self.mistakes.is_empty() { Ok(self.pairs) } else { Err(self.mistakes) }
    }

    fn take(&mut self, row: &Row<'_>) {
        let before = self.mistakes.len();
        let mut refuse = |mistake: Result<(), Mistake>| self.mistakes.extend(mistake.err());
        for column in ["pair", "room_a", "room_b"] {
            refuse(folder(row.field(column)).map_err(|what| row.mistake(column, what)));
        }
        if row.field("room_a").to_lowercase() == row.field("room_b").to_lowercase() {
            refuse(Err(row.mistake("room_b", "is the name of the other room too")));
        }
        let sides = SIDES.map(|side| side_of(row, side));
        sides.iter().for_each(|side| refuse(side.as_ref().map(|_| ()).map_err(Clone::clone)));
        self.refuse_doubles(row, &sides);
        let [Ok(a), Ok(b)] = sides else { return };
        let (networks, macs) = ([a.0, b.0], [a.1, b.1]);
        self.mistakes.extend(unreachable(row, &networks));
        let dials = match dials(row, &networks) {
            Ok(dials) => dials,
            Err(mistake) => return self.mistakes.push(mistake),
        };
        let mut texts = Vec::new();
        for near in [0, 1] {
            match settings_of(row, near, &networks, dials) {
                Ok(text) => texts.push(text),
                // What both boxes have is told once.
                Err(mistakes) => {
                    for mistake in mistakes {
                        if !self.mistakes.contains(&mistake) {
                            self.mistakes.push(mistake);
                        }
                    }
                }
            }
        }
        if self.mistakes.len() > before {
            return;
        }
        let (mut networks, mut macs, mut texts) = (networks.into_iter(), macs.into_iter(), texts.into_iter());
        let mut side = |room: &str| {
            let (network, mac, engawa) = (networks.next()?, macs.next()?, texts.next()?);
            Some(SidePlan { room: row.field(room).to_owned(), network, mac, engawa })
        };
        if let (Some(a), Some(b)) = (side("room_a"), side("room_b")) {
            self.pairs.push(PairPlan { name: row.field("pair").to_owned(), sides: [a, b] });
        }
    }

    /// Of all lines: a pair's name, an address, a network card.
    fn refuse_doubles(&mut self, row: &Row<'_>, sides: &[Result<Side, Mistake>; 2]) {
        let mut once = vec![("pair", format!("pair {}", row.field("pair").to_lowercase()))];
        for (side, columns) in sides.iter().zip([["address_a", "mac_a"], ["address_b", "mac_b"]]) {
            let Ok((network, mac)) = side else { continue };
            if let Address::Fixed(own) = network.address {
                once.push((columns[0], own.address.to_string()));
            }
            once.extend(mac.as_ref().map(|mac| (columns[1], mac.clone())));
        }
        for (column, value) in once {
            if let Some((line, other)) = self.seen.insert(value, (row.line(), column)) {
                self.mistakes.push(row.mistake(column, format!("stands in line {line} ({other}) already")));
            }
        }
    }
}

type Side = (NetworkConfig, Option<String>);

fn side_of(row: &Row<'_>, [address, gateway, mac]: [&'static str; 3]) -> Result<Side, Mistake> {
    let place = Address::read(row.field(address)).map_err(|what| row.mistake(address, what))?;
    let way = match row.field(gateway) {
        "" => None,
        text => Some(place.gateway(text).map_err(|what| row.mistake(gateway, what))?),
    };
    let card = match row.field(mac) {
        "" => None,
        text => Some(network::mac(text).ok_or_else(|| row.mistake(mac, "is no MAC address: write 00:1a:2b:3c:4d:5e"))?),
    };
    Ok((NetworkConfig { address: place, gateway: way, interface: None }, card))
}

/// A box in another network than its peer needs a way out of its own.
fn unreachable(row: &Row<'_>, networks: &[NetworkConfig; 2]) -> Vec<Mistake> {
    let (own, other) = match (networks[0].address, networks[1].address) {
        (Address::Fixed(own), Address::Fixed(other)) => (own, other),
        (Address::Dhcp, Address::Fixed(_) | Address::Dhcp) | (Address::Fixed(_), Address::Dhcp) => return Vec::new(),
    };
    let lacks = |near: usize, reach: bool| networks[near].gateway.is_none() && !reach;
    let sides =
        [("gateway_a", lacks(0, own.contains(other.address))), ("gateway_b", lacks(1, other.contains(own.address)))];
    let missing = sides.iter().filter(|(_, lacks)| *lacks);
    missing.map(|(column, _)| row.mistake(column, "is missing: the other room is in another network")).collect()
}

fn dials(row: &Row<'_>, networks: &[NetworkConfig; 2]) -> Result<Dials, Mistake> {
    let fixed = [0, 1].map(|side: usize| fixed(&networks[side]).is_some());
    let (wanted, can) = (row.field("dials").to_lowercase(), [fixed[1], fixed[0]]);
    if can == [false, false] {
        return Err(
            row.mistake("address_b", "one of the two rooms needs a fixed address, or neither box finds the other")
        );
    }
    match wanted.as_str() {
        "" => Ok(Dials { a: can[0], b: can[1] }),
        "both" if can == [true, true] => Ok(Dials { a: true, b: true }),
        "a" if can[0] => Ok(Dials { a: true, b: false }),
        "b" if can[1] => Ok(Dials { a: false, b: true }),
        "both" | "a" | "b" => Err(row.mistake("dials", "cannot be: the other room has no fixed address")),
        _ => Err(row.mistake("dials", "is none of a, b, both; leave it empty for every side that can")),
    }
}

fn fixed(network: &NetworkConfig) -> Option<IpAddr> {
    match network.address {
        Address::Fixed(own) => Some(own.address),
        Address::Dhcp => None,
    }
}

/// `engawa.toml` of one box, as the daemon's own reader finds it right.
fn settings_of(
    row: &Row<'_>,
    near: usize,
    networks: &[NetworkConfig; 2],
    dials: Dials,
) -> Result<String, Vec<Mistake>> {
    let side = ["a", "b"][near];
    let room = ["room_a", "room_b"][near];
    let ceiling = match row.field("ceiling_kbps") {
        "" => None,
        text => Some(text.parse::<i64>().map_err(|_| vec![row.mistake("ceiling_kbps", "is no whole number")])?),
    };
    let printer = match row.field("printer").to_lowercase().as_str() {
        "" | "no" | "いいえ" | "無" => false,
        "yes" | "はい" | "有" => true,
        _ => return Err(vec![row.mistake("printer", "is neither yes nor no")]),
    };
    let text = settings::engawa_toml(&settings::Settings {
        pair: row.field("pair"),
        room: row.field(room),
        language: row.field("language"),
        peer: fixed(&networks[1 - near]),
        dials: if near == 0 { dials.a } else { dials.b },
        listens: if near == 0 { dials.b } else { dials.a },
        ceiling_kbps: ceiling,
        hours: row.field("hours"),
        pin: row.field("pin"),
        printer,
    });
    let wrong = match Config::parse(&text, Path::new("engawa.toml")) {
        Ok(_) => return Ok(text),
        Err(ConfigError::Wrong(mistakes)) => mistakes,
        Err(error) => return Err(vec![row.mistake(room, error.to_string())]),
    };
    let told = |mistake: crate::config::Mistake| {
        let column = settings::column_of(&mistake.key, side).unwrap_or(room);
        let hint = if mistake.hint.is_empty() { String::new() } else { format!("; {}", mistake.hint) };
        row.mistake(column, format!("{}{hint}", mistake.what))
    };
    Err(wrong.into_iter().map(told).collect())
}

/// A name that every PC takes for a folder, and people can read.
fn folder(name: &str) -> Result<(), &'static str> {
    let base = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let is_device = ["CON", "PRN", "AUX", "NUL"].contains(&base.as_str())
        || base.len() == 4
            && (base.starts_with("COM") || base.starts_with("LPT"))
            && base.ends_with(|c: char| c.is_ascii_digit());
    if name.is_empty() {
        return Err("is empty");
    }
    if name.chars().count() > LONGEST_NAME {
        return Err("is longer than 48 letters");
    }
    if name.chars().any(|letter| letter.is_control() || "\\/:*?\"<>|".contains(letter))
        || name.starts_with('.')
        || name.ends_with('.')
        || is_device
    {
        return Err("cannot be the name of a folder: leave out \\ / : * ? \" < > | and dots at its ends");
    }
    Ok(())
}

const SIDES: [[&str; 3]; 2] = [["address_a", "gateway_a", "mac_a"], ["address_b", "gateway_b", "mac_b"]];

const NOT_UTF8: &str = "the table is not UTF-8; save it in Excel as “CSV UTF-8（コンマ区切り）”. \
    この表はUTF-8ではありません。Excelでは「CSV UTF-8（コンマ区切り）」で保存してください";
const LONGEST_TABLE: usize = 1 << 20;
const MOST_PAIRS: usize = 1000;
const LONGEST_NAME: usize = 48;
/// More mistakes than this are not worth reading at once.
pub const MISTAKES_TOLD: usize = 20;
