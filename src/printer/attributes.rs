//! What the printer says of itself: IPP Everywhere (PWG 5100.14) and what AirPrint asks beside it, and nothing that is not so.
//!
//! Choices that mean something on paper only (copies, sides, trays) are named because clients insist, and ignored. Page ranges
//! are not offered: the PC picks the pages itself, so that nothing is shown that nobody chose.

use super::Shared;
use super::door::Arrival;
use super::ipp::{Attribute, CHARSET, KEYWORD, LANGUAGE, MIME, NAME, TEXT, UNKNOWN, URI, Value};
use super::jobs::{DOCUMENT_DUE_S, Job};
use crate::model::Language;
use std::net::SocketAddr;

/// What is said of the printer, to whoever came in here. `accepting`: a print would be taken now.
pub(super) fn printer(shared: &Shared, arrival: &Arrival, accepting: bool, language: Language) -> Vec<Attribute> {
    let settings = &shared.settings;
    let (queued, up) = (shared.jobs.queued(), integer(shared.jobs.up_s().cast_signed()));
    let tls = (shared.sources.tls)(None).is_some();
    let schemes: &[&str] = if tls { &["ipp", "ipps"] } else { &["ipp"] };
    let web = format!("http://{}/", arrival.local);
    let say = |ja: &'static str, en: &'static str| if language == Language::Japanese { ja } else { en };
    let mut all = Vec::new();
    let mut put = |name: &str, values: Vec<Value>| all.push(Attribute::new(name, values));
    put("printer-uri-supported", schemes.iter().map(|scheme| uri(&printer_uri(scheme, arrival.local))).collect());
    put(
        "uri-security-supported",
        schemes.iter().map(|scheme| keyword(if *scheme == "ipps" { "tls" } else { "none" })).collect(),
    );
    put("uri-authentication-supported", schemes.iter().map(|_| keyword("none")).collect());
    put("printer-name", vec![word(NAME, &settings.name)]);
    put("printer-dns-sd-name", vec![word(NAME, &settings.name)]);
    put("printer-info", vec![word(TEXT, &settings.name)]);
    put("printer-location", vec![word(TEXT, "")]);
    put("printer-geo-location", vec![Value::Nothing(UNKNOWN)]);
    put("printer-organization", vec![word(TEXT, "")]);
    put("printer-organizational-unit", vec![word(TEXT, "")]);
    put("printer-make-and-model", vec![word(TEXT, MODEL)]);
    put("printer-device-id", vec![word(TEXT, DEVICE_ID)]);
    put("printer-uuid", vec![uri(&settings.uuid())]);
    put("printer-more-info", vec![uri(&web)]);
    put("printer-supply-info-uri", vec![uri(&web)]);
    put("printer-icons", vec![uri(&format!("{web}icon.png"))]);
    put("printer-firmware-name", vec![word(NAME, "engawa")]);
    put("printer-firmware-string-version", vec![word(TEXT, env!("CARGO_PKG_VERSION"))]);
    put("printer-firmware-version", vec![Value::Octets(env!("CARGO_PKG_VERSION").into())]);
    put("printer-firmware-patches", vec![word(TEXT, "")]);
    put("printer-kind", ["document", "photo"].map(keyword).to_vec());
    put("printer-state", vec![Value::Enum(if queued == 0 { 3 } else { 4 })]);
    put("printer-state-reasons", vec![keyword(if accepting { "none" } else { "other-warning" })]);
    let message = match accepting {
        true => say("画面に写せます。", "Ready to show pages on the screens."),
        false => say("この部屋はいま新しい印刷を受け付けていません。", "This room takes no new prints now."),
    };
    put("printer-state-message", vec![word(TEXT, message)]);
    put("printer-is-accepting-jobs", vec![Value::Boolean(accepting)]);
    put("queued-job-count", vec![integer(i32::try_from(queued).unwrap_or(i32::MAX))]);
    put("printer-up-time", vec![up]);
    put("printer-current-time", vec![Value::DateTime(date_time((shared.sources.wall_ms)()))]);
    for what in ["printer-config-change", "printer-state-change"] {
        put(&format!("{what}-time"), vec![integer(1)]);
        put(&format!("{what}-date-time"), vec![Value::DateTime(date_time(shared.begun_ms))]);
    }
    put("printer-supply", vec![Value::Octets(SUPPLY.into())]);
    put("printer-supply-description", vec![word(TEXT, say("紙もトナーも要りません", "No paper, no toner"))]);
    put("printer-get-attributes-supported", vec![keyword("document-format")]);
    abilities(&mut put, language);
    all
}

fn abilities(put: &mut impl FnMut(&str, Vec<Value>), language: Language) {
    put("ipp-versions-supported", ["1.1", "2.0"].map(keyword).to_vec());
    put("ipp-features-supported", ["ipp-everywhere", "airprint-1.7"].map(keyword).to_vec());
    put("operations-supported", super::operations::ALL.map(|operation| Value::Enum(i32::from(operation))).to_vec());
    put("charset-configured", vec![word(CHARSET, "utf-8")]);
    put("charset-supported", ["utf-8", "us-ascii"].map(|name| word(CHARSET, name)).to_vec());
    let own = if language == Language::Japanese { "ja" } else { "en" };
    put("natural-language-configured", vec![word(LANGUAGE, own)]);
    put("generated-natural-language-supported", ["ja", "en"].map(|name| word(LANGUAGE, name)).to_vec());
    put("document-format-default", vec![word(MIME, "application/octet-stream")]);
    put("document-format-preferred", vec![word(MIME, "application/pdf")]);
    put("document-format-supported", FORMATS.map(|name| word(MIME, name)).to_vec());
    put("compression-supported", vec![keyword("none")]);
    put("pdl-override-supported", vec![keyword("not-attempted")]);
    put(
        "pdf-versions-supported",
        ["adobe-1.3", "adobe-1.4", "adobe-1.5", "adobe-1.6", "iso-32000-1_2008"].map(keyword).to_vec(),
    );
    put("jpeg-k-octets-supported", vec![Value::Range(0, 102_400)]);
    put("pdf-k-octets-supported", vec![Value::Range(0, 102_400)]);
    put("job-k-octets-supported", vec![Value::Range(0, 102_400)]);
    put("pwg-raster-document-type-supported", ["sgray_8", "srgb_8", "black_1"].map(keyword).to_vec());
    put("pwg-raster-document-resolution-supported", [150, 300].map(dpi).to_vec());
    put("pwg-raster-document-sheet-back", vec![keyword("normal")]);
    put("urf-supported", ["V1.4", "W8", "SRGB24", "CP1", "RS150-300", "PQ4", "DM1"].map(keyword).to_vec());
    put("color-supported", vec![Value::Boolean(true)]);
    put("pages-per-minute", vec![integer(60)]);
    put("pages-per-minute-color", vec![integer(60)]);
    put("job-creation-attributes-supported", TEMPLATE.map(keyword).to_vec());
    put("job-ids-supported", vec![Value::Boolean(true)]);
    put("which-jobs-supported", ["completed", "not-completed", "all"].map(keyword).to_vec());
    put("multiple-document-jobs-supported", vec![Value::Boolean(false)]);
    put("multiple-operation-time-out", vec![integer(DOCUMENT_DUE_S.cast_signed())]);
    put("multiple-operation-time-out-action", vec![keyword("abort-job")]);
    put("preferred-attributes-supported", vec![Value::Boolean(false)]);
    put("page-ranges-supported", vec![Value::Boolean(false)]);
    put("identify-actions-default", vec![keyword("display")]);
    put("identify-actions-supported", vec![keyword("display")]);
    put("copies-default", vec![integer(1)]);
    put("copies-supported", vec![Value::Range(1, 1)]);
    put("finishings-default", vec![Value::Enum(3)]);
    put("finishings-supported", vec![Value::Enum(3)]);
    put("orientation-requested-default", vec![Value::Enum(3)]);
    put("orientation-requested-supported", [3, 4, 5, 6].map(Value::Enum).to_vec());
    put("output-bin-default", vec![keyword("face-up")]);
    put("output-bin-supported", vec![keyword("face-up")]);
    put("sides-default", vec![keyword("one-sided")]);
    put("sides-supported", vec![keyword("one-sided")]);
    put("print-color-mode-default", vec![keyword("auto")]);
    put("print-color-mode-supported", ["auto", "color", "monochrome"].map(keyword).to_vec());
    put("print-content-optimize-default", vec![keyword("auto")]);
    put("print-content-optimize-supported", vec![keyword("auto")]);
    put("print-rendering-intent-default", vec![keyword("auto")]);
    put("print-rendering-intent-supported", vec![keyword("auto")]);
    put("print-quality-default", vec![Value::Enum(4)]);
    put("print-quality-supported", vec![Value::Enum(4)]);
    put("print-scaling-default", vec![keyword("auto")]);
    put("print-scaling-supported", vec![keyword("auto")]);
    put("printer-resolution-default", vec![dpi(300)]);
    put("printer-resolution-supported", [150, 300].map(dpi).to_vec());
    media(put);
}

fn media(put: &mut impl FnMut(&str, Vec<Value>)) {
    let columns = || SIZES.iter().map(|(_, across, down)| media_col(*across, *down)).collect::<Vec<_>>();
    let (name, across, down) = SIZES[0];
    put("media-default", vec![keyword(name)]);
    put("media-supported", SIZES.iter().map(|(name, ..)| keyword(name)).collect());
    put("media-ready", SIZES.iter().map(|(name, ..)| keyword(name)).collect());
    put("media-size-supported", SIZES.iter().map(|(_, across, down)| media_size(*across, *down)).collect());
    put("media-col-default", vec![media_col(across, down)]);
    put("media-col-ready", columns());
    put("media-col-database", columns());
    let members = ["media-size", "media-bottom-margin", "media-left-margin", "media-right-margin", "media-top-margin"];
    put("media-col-supported", members.into_iter().chain(["media-source", "media-type"]).map(keyword).collect());
    for side in &members[1..] {
        put(&format!("{side}-supported"), vec![integer(0)]);
    }
    put("media-source-supported", vec![keyword("auto")]);
    put("media-type-supported", vec![keyword("auto")]);
}

/// What is said of a job.
pub(super) fn job(job: &Job, up_s: u32, local: SocketAddr, scheme: &str, language: Language) -> Vec<Attribute> {
    let printer = printer_uri(scheme, local);
    let at = |at: Option<u32>| at.map_or(Value::Nothing(super::ipp::NO_VALUE), |s| integer(s.cast_signed()));
    let octets = i32::try_from(job.octets.div_ceil(1024)).unwrap_or(i32::MAX);
    let values = [
        ("job-id", integer(job.id.0.cast_signed())),
        ("job-uri", uri(&job_uri(job, scheme, local))),
        ("job-printer-uri", uri(&printer)),
        ("job-name", word(NAME, &job.name)),
        ("job-originating-user-name", word(NAME, &job.user)),
        ("job-state", Value::Enum(job.state.number())),
        ("job-state-reasons", keyword(job.state.reason())),
        ("job-state-message", word(TEXT, job.state.text(language))),
        ("job-printer-up-time", integer(up_s.cast_signed())),
        ("time-at-creation", integer(job.created_s.cast_signed())),
        ("time-at-processing", at(job.asked_s)),
        ("time-at-completed", at(job.over_s)),
        ("job-k-octets", integer(octets)),
        ("number-of-documents", integer(i32::from(job.asked_s.is_some()))),
    ];
    values.into_iter().map(|(name, value)| Attribute::new(name, [value])).collect()
}

/// Where a job is asked for.
pub(super) fn job_uri(job: &Job, scheme: &str, local: SocketAddr) -> String {
    format!("{}/{}", printer_uri(scheme, local), job.id.0)
}

/// By address: no name is ever needed.
pub(super) fn printer_uri(scheme: &str, local: SocketAddr) -> String {
    format!("{scheme}://{local}/ipp/print")
}

pub(super) fn keyword(name: &str) -> Value {
    word(KEYWORD, name)
}

pub(super) fn uri(address: &str) -> Value {
    word(URI, address)
}

pub(super) fn word(tag: u8, text: &str) -> Value {
    Value::Word(tag, text.into())
}

fn integer(number: i32) -> Value {
    Value::Integer(number)
}

fn dpi(dots: i32) -> Value {
    Value::Resolution(dots, dots, 3)
}

/// Hundredths of a millimetre.
fn media_size(across: i32, down: i32) -> Value {
    Value::Collection(vec![
        Attribute::new("x-dimension", [integer(across)]),
        Attribute::new("y-dimension", [integer(down)]),
    ])
}

fn media_col(across: i32, down: i32) -> Value {
    let margins = ["bottom", "left", "right", "top"];
    let margins = margins.map(|side| Attribute::new(&format!("media-{side}-margin"), [integer(0)]));
    let others = ["media-source", "media-type"].map(|name| Attribute::new(name, [keyword("auto")]));
    let size = Attribute::new("media-size", [media_size(across, down)]);
    Value::Collection([size].into_iter().chain(margins).chain(others).collect())
}

/// RFC 2579's eleven bytes, in universal time. From days to the calendar by counting from March, where leap days come last.
fn date_time(unix_ms: u64) -> [u8; 11] {
    let (seconds, days) = (unix_ms / 1000, unix_ms / 86_400_000);
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let [.., high, low] = year.to_be_bytes();
    let byte = |number: u64| u8::try_from(number).unwrap_or_default();
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let tenths = unix_ms / 100 % 10;
    [high, low, byte(month), byte(day), byte(hour), byte(minute), byte(second), byte(tenths), b'+', 0, 0]
}

/// Named only by whoever asks for it: it is long.
pub(super) const ON_REQUEST: &str = "media-col-database";
/// What may be sent.
pub(super) const FORMATS: [&str; 6] =
    ["application/octet-stream", "application/pdf", "image/jpeg", "image/png", "image/pwg-raster", "image/urf"];
/// What a job may say of itself; everything but its name is for paper.
pub(super) const TEMPLATE: [&str; 16] = [
    "copies",
    "finishings",
    "ipp-attribute-fidelity",
    "job-name",
    "media",
    "media-col",
    "multiple-document-handling",
    "orientation-requested",
    "output-bin",
    "print-color-mode",
    "print-content-optimize",
    "print-quality",
    "print-rendering-intent",
    "print-scaling",
    "printer-resolution",
    "sides",
];
/// The first is the usual one.
const SIZES: [(&str, i32, i32); 8] = [
    ("iso_a4_210x297mm", 21_000, 29_700),
    ("iso_a3_297x420mm", 29_700, 42_000),
    ("iso_a5_148x210mm", 14_800, 21_000),
    ("jis_b4_257x364mm", 25_700, 36_400),
    ("jis_b5_182x257mm", 18_200, 25_700),
    ("jpn_hagaki_100x148mm", 10_000, 14_800),
    ("na_letter_8.5x11in", 21_590, 27_940),
    ("na_index-4x6_4x6in", 10_160, 15_240),
];
const MODEL: &str = "Engawa Print-to-Room";
/// The same in short, for who looks for printers.
pub(super) const ABOUT: [&str; 12] = [
    "txtvers=1",
    "qtotal=1",
    "rp=ipp/print",
    "ty=Engawa Print-to-Room",
    "product=(Engawa Print-to-Room)",
    "note=",
    "priority=50",
    "pdl=application/pdf,image/jpeg,image/png,image/pwg-raster,image/urf",
    "URF=V1.4,W8,SRGB24,CP1,RS150-300,PQ4,DM1",
    "Color=T",
    "Duplex=F",
    "kind=document,photo",
];
const DEVICE_ID: &str = "MFG:Engawa;MDL:Print-to-Room;CMD:PDF,JPEG,PWGRaster,AppleRaster;";
const SUPPLY: &str = "index=1;class=other;type=other;unit=percent;maxcapacity=100;level=100;colorantname=none;";

#[cfg(test)]
mod tests {
    use super::date_time;

    #[test]
    fn a_date_is_written_as_the_standard_wants_it() {
        for (unix_ms, year, rest) in [
            (0, 1970, [1, 1, 0, 0, 0, 0]),
            (951_782_400_000, 2000, [2, 29, 0, 0, 0, 0]),
            (1_795_312_856_700, 2026, [11, 22, 2, 0, 56, 7]),
            (4_102_444_799_900, 2099, [12, 31, 23, 59, 59, 9]),
        ] {
            let [high, low, month, day, hour, minute, second, tenths, zone @ ..] = date_time(unix_ms);
            assert_eq!((u16::from_be_bytes([high, low]), [month, day, hour, minute, second, tenths]), (year, rest));
            assert_eq!(zone, [b'+', 0, 0]);
        }
    }
}
