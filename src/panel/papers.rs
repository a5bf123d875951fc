//! What others of this box know and the panel shows: the picture that leaves, the ledger, the devices.
//!
//! Asked beside the panel's own thread, two at a time, each with a deadline: a slow disk costs the page, never the stream.

use super::Shared;
use super::reply::{self, Reply};
use super::words::{Refusal, pick};
use hyper::StatusCode;
use hyper::body::Bytes;
use serde::Serialize;
use std::time::Duration;
use tokio::time::timeout;

/// One line of the ledger, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerLine {
    /// Its place in the chain.
    pub number: u64,
    /// The box's local time, "2026-11-22 10:00:00".
    pub time: String,
    /// What happened, in the box's language.
    pub text: String,
}

/// What is plugged in, and what of it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Devices {
    /// Cameras.
    pub cameras: Vec<Found>,
    /// Microphones.
    pub microphones: Vec<Found>,
    /// Speakers.
    pub speakers: Vec<Found>,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// As the configuration names it, "v4l2:…" or "alsa:…".
    pub id: String,
    /// For people.
    pub name: String,
    /// It is the one in use.
    pub used: bool,
}

/// What this box writes about itself on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// The hand-over sheet, PDF; watches the line for ten seconds first.
    Handover,
    /// Text for whoever helps from afar.
    Support,
}

/// `GET /api/handover.pdf` and `GET /api/support.txt`: one at a time.
pub(super) async fn written(shared: &Shared, paper: Paper) -> Result<Reply, Refusal> {
    let _one = shared.writing.try_acquire().map_err(|_| Refusal::Busy)?;
    let written = timeout(WRITTEN_WITHIN, (shared.sources.paper)(paper)).await;
    let bytes = Bytes::from(written.ok().flatten().ok_or(Refusal::Busy)?);
    Ok(match paper {
        Paper::Handover => reply::file("application/pdf", "attachment; filename=\"engawa-handover.pdf\"", bytes),
        Paper::Support => {
            reply::file("text/plain; charset=utf-8", "attachment; filename=\"engawa-support.txt\"", bytes)
        }
    })
}

/// `GET /api/own.jpg`
pub(super) async fn own_picture(shared: &Shared) -> Result<Reply, Refusal> {
    let picture = shared.sources.own_picture.clone();
    let jpeg = aside(shared, move || picture()).await?.ok_or(Refusal::NothingSent)?;
    Ok(reply::bytes("image/jpeg", Bytes::from(jpeg)))
}

/// `GET /api/ledger`
pub(super) async fn ledger(shared: &Shared) -> Result<Reply, Refusal> {
    let lines = lines(shared).await?;
    let newest = &lines[lines.len().saturating_sub(NEWEST)..];
    Ok(reply::json(StatusCode::OK, &serde_json::json!({ "lines": newest })))
}

/// `GET /api/ledger.csv`
pub(super) async fn ledger_csv(shared: &Shared) -> Result<Reply, Refusal> {
    let language = shared.facts.language;
    // Spreadsheets take UTF-8 for what it is only behind this mark.
    let mut text = format!("\u{feff}{}\r\n", pick(language, "番号,時刻,内容", "number,time,what"));
    for line in lines(shared).await? {
        text.push_str(&format!("{},{},{}\r\n", line.number, cell(&line.time), cell(&line.text)));
    }
    Ok(reply::file("text/csv; charset=utf-8", "attachment; filename=\"engawa-ledger.csv\"", Bytes::from(text)))
}

/// `GET /api/devices`
pub(super) async fn devices(shared: &Shared) -> Result<Reply, Refusal> {
    #[derive(Serialize)]
    struct Answer {
        #[serde(flatten)]
        devices: Devices,
        missing: Vec<&'static str>,
        levels: super::state::Levels,
    }
    let devices = shared.sources.devices.clone();
    let devices = aside(shared, move || devices()).await?;
    let shown = shared.shown.borrow().clone();
    Ok(reply::json(StatusCode::OK, &Answer { devices, missing: shown.missing(), levels: shown.levels() }))
}

/// Something that may wait for a disk or a device.
pub(super) async fn aside<T: Send + 'static>(
    shared: &Shared,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    // The permit goes along: work that hangs keeps its place.
    let permit = timeout(PATIENCE, shared.asides.clone().acquire_owned()).await;
    let permit = permit.map_err(|_| Refusal::Busy)?.map_err(|_| Refusal::Busy)?;
    let work = tokio::task::spawn_blocking(move || (work(), permit).0);
    timeout(PATIENCE, work).await.map_err(|_| Refusal::Busy)?.map_err(|_| Refusal::Busy)
}

async fn lines(shared: &Shared) -> Result<Vec<LedgerLine>, Refusal> {
    let ledger = shared.sources.ledger.clone();
    aside(shared, move || ledger()).await
}

/// Quoted, and never a formula: guests choose their names.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
}

/// At a time.
pub(super) const ASIDES: usize = 2;
const PATIENCE: Duration = Duration::from_secs(2);
const NEWEST: usize = 200;
/// Ten seconds of watching, and as much again on a slow box.
const WRITTEN_WITHIN: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guests_name_is_no_formula_in_a_spreadsheet() {
        assert_eq!(cell("マイクを開けた"), "\"マイクを開けた\"");
        assert_eq!(cell("=1+1"), "\"'=1+1\"");
        assert_eq!(cell("a\",b"), "\"a\"\",b\"");
    }
}
