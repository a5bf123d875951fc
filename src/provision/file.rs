//! The file of one box: what the installer's PC writes and the box takes.
//!
//! ```text
//!   [file]     format, id, pair, room, words, identity, peer, mac      what it is, and for whom
//!   [public]   engawa = '''engawa.toml'''  network = '''network.toml'''
//!   [private]  identity = "…"              as many zeros once it was taken: overwritten in place, never moved
//!   [end]      sha256 = "…"                of every byte above this line
//! ```
//! May be relied on: a [`BoxFile`] is whole, of this format, and its parts belong together: the private key is that of the public
//! one, the words are those of the pair. Mistakes name the line of this very file.

use super::network::NetworkConfig;
use super::refusal::Refusal;
use crate::config::{Config, ConfigError, DEFAULTS};
use crate::trunk::identity::Identity;
use crate::trunk::key::PeerKey;
use crate::trunk::words::six_words;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use zeroize::Zeroizing;

/// The file of one box, checked.
#[derive(Debug)]
pub struct BoxFile {
    /// Its name in the world: no two files have the same.
    pub id: String,
    /// What the installer calls the pair.
    pub pair: String,
    /// The box's name.
    pub room: String,
    /// The six words of the pair.
    pub words: String,
    /// Who the box is.
    pub identity: Identity,
    /// Whom it trusts.
    pub peer: PeerKey,
    /// The only box that may take it, by the address of a network card; none: any box.
    pub mac: Option<String>,
    /// `engawa.toml`
    pub engawa: String,
    /// `network.toml`
    pub network: String,
}

impl BoxFile {
    /// The file's text.
    pub fn render(&self) -> Zeroizing<String> {
        let mut text = String::with_capacity(8192);
        text.push_str(HEAD);
        let mac = self.mac.as_ref().map(|mac| format!("mac = {}\n", quoted(mac))).unwrap_or_default();
        let lines = [
            format!("[file]\nformat = {FORMAT}\nid = {}\n", quoted(&self.id)),
            format!("pair = {}\nroom = {}\nwords = {}\n", quoted(&self.pair), quoted(&self.room), quoted(&self.words)),
            format!("identity = \"{}\"\npeer = \"{}\"\n{mac}\n", self.identity.public_key(), self.peer),
            format!("[public]\nengawa = '''\n{}'''\nnetwork = '''\n{}'''\n\n", self.engawa, self.network),
        ];
        lines.iter().for_each(|line| text.push_str(line));
        text.push_str("[private]\nidentity = \"");
        text.push_str(&hex(self.identity.secret()));
        text.push_str("\"\n\n[end]\n");
        let sum = hex(digest(&SHA256, text.as_bytes()).as_ref());
        text.push_str("sha256 = \"");
        text.push_str(&sum);
        text.push_str("\"\n");
        Zeroizing::new(text)
    }

    /// Reads and checks a file's bytes.
    ///
    /// # Errors
    /// What is wrong with it, with the line where there is one; [`Refusal::Used`] when its private part was overwritten.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(bytes).map_err(|_| Refusal::NotText)?;
        let format = toml::from_str::<Form>(text).map(|form| form.file.format);
        if let Ok(format) = format
            && format != FORMAT
        {
            return Err(Refusal::Version(format));
        }
        let checked = toml::from_str::<Written>(text)
            .map_err(|error| {
                let line = error.span().map_or(1, |span| line_of(text, span.start));
                Refusal::Wrong { line, what: error.message().to_owned() }
            })
            .and_then(|written| written.check(text));
        match (checked, sum_fits(text)) {
            (Err(used @ Refusal::Used { .. }), _) => Err(used),
            (checked, true) => checked,
            (Err(Refusal::Wrong { line, what }), false) => Err(Refusal::Damaged { at: Some((line, what)) }),
            (Ok(_) | Err(_), false) => Err(Refusal::Damaged { at: None }),
        }
    }

    /// Id of a file whose private part was overwritten, or of a whole one; none when there is no telling.
    pub fn id_of(bytes: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(bytes).ok()?;
        toml::from_str::<Written>(text).ok().map(|written| written.file.id.into_inner())
    }
}

/// Where the digits of the private key stand in a file.
pub fn private_part(bytes: &[u8]) -> Option<Range<usize>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let written = toml::from_str::<Private>(text).ok()?;
    // With its quotes.
    let span = written.private.identity.span();
    (span.len() > 2).then(|| span.start + 1..span.end - 1)
}

/// A basic string of TOML without an apostrophe, so that it can stand between three of them.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\'' => quoted.push_str("\\u0027"),
            _ if letter.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(letter))),
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[derive(Deserialize)]
struct Form {
    file: FormOfFile,
}

#[derive(Deserialize)]
struct FormOfFile {
    format: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    file: WrittenFile,
    public: WrittenPublic,
    private: WrittenPrivate,
    #[serde(rename = "end")]
    _end: WrittenEnd,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFile {
    #[serde(rename = "format")]
    _format: u64,
    id: Spanned<String>,
    pair: String,
    room: String,
    words: String,
    identity: Spanned<String>,
    peer: Spanned<String>,
    mac: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPublic {
    engawa: Spanned<String>,
    network: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPrivate {
    identity: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEnd {
    #[serde(rename = "sha256")]
    _sha256: String,
}

#[derive(Deserialize)]
struct Private {
    private: SpannedPrivate,
}

#[derive(Deserialize)]
struct SpannedPrivate {
    identity: Spanned<String>,
}

impl Written {
    fn check(self, text: &str) -> Result<BoxFile, Refusal> {
        let file = self.file;
        if !self.private.identity.is_empty() && self.private.identity.bytes().all(|digit| digit == b'0') {
            return Err(Refusal::Used { id: file.id.into_inner() });
        }
        let wrong = |at: usize, what: &str| Refusal::Wrong { line: line_of(text, at), what: what.to_owned() };
        let key = |key: &Spanned<String>| {
            key.get_ref().parse::<PeerKey>().map_err(|error| wrong(key.span().start, &error.to_string()))
        };
        let (public, peer) = (key(&file.identity)?, key(&file.peer)?);
        let secret = Zeroizing::new(from_hex(&self.private.identity).ok_or(Refusal::ForeignKey)?);
        let identity = Identity::from_secret(&secret).ok_or(Refusal::ForeignKey)?;
        if identity.public_key() != public || peer == public || six_words(&public, &peer).join(" ") != file.words {
            return Err(Refusal::ForeignKey);
        }
        if !is_id(file.id.get_ref()) {
            return Err(wrong(file.id.span().start, "file.id: is not one"));
        }
        let mac = file.mac.map(|mac| {
            super::network::mac(mac.get_ref()).ok_or_else(|| wrong(mac.span().start, "file.mac: is no MAC address"))
        });
        // The first line within ''' is the line behind it.
        let first_line = |part: &Spanned<String>| line_of(text, part.span().start);
        check_config(self.public.engawa.get_ref(), first_line(&self.public.engawa))?;
        NetworkConfig::read(self.public.network.get_ref())
            .map_err(|(line, what)| Refusal::Wrong { line: line + first_line(&self.public.network), what })?;
        Ok(BoxFile {
            id: file.id.into_inner(),
            pair: file.pair,
            room: file.room,
            words: file.words,
            identity,
            peer,
            mac: mac.transpose()?,
            engawa: self.public.engawa.into_inner(),
            network: self.public.network.into_inner(),
        })
    }
}

/// As the daemon reads it, and nothing in it that leads away from what is taken.
fn check_config(text: &str, before: usize) -> Result<(), Refusal> {
    let path = Path::new(INSTALLED);
    let config = Config::parse(text, path).map_err(|error| match error {
        ConfigError::Wrong(mistakes) => {
            let line = before + mistakes.first().map_or(1, |mistake| mistake.line);
            let told = |mistake: &crate::config::Mistake| {
                let value = mistake.value.as_ref().map(|value| format!(" = {value}")).unwrap_or_default();
                format!("{}{value}: {}; {}", mistake.key, mistake.what, mistake.hint).trim_end_matches("; ").to_owned()
            };
            Refusal::Wrong { line, what: mistakes.first().map(told).unwrap_or_default() }
        }
        ConfigError::Unreadable { .. } | ConfigError::NotText { .. } => Refusal::TooLong,
    })?;
    let away = Config::parse(DEFAULTS, path).is_ok_and(|usual| usual.state_directory != config.state_directory);
    if away || config.peer.key.is_some() {
        let what = "box.state_directory and peer.key are not for a box's file: keys are taken from its private part";
        return Err(Refusal::Wrong { line: before, what: what.into() });
    }
    Ok(())
}

/// Whether the last line is the sum of everything above it.
fn sum_fits(text: &str) -> bool {
    const END: &str = "\n[end]\n";
    let Some(at) = text.rfind(END) else { return false };
    let (above, last) = text.split_at(at + END.len());
    last == format!("sha256 = \"{}\"\n", *hex(digest(&SHA256, above.as_bytes()).as_ref()))
}

fn is_id(id: &str) -> bool {
    id.len() == ID_DIGITS && id.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}

/// Two digits a byte.
pub(super) fn hex(bytes: &[u8]) -> Zeroizing<String> {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    Zeroizing::new(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// Of this program.
const FORMAT: u64 = 1;
/// Sixteen random bytes.
pub(super) const ID_DIGITS: usize = 32;
const INSTALLED: &str = "/etc/engawa/engawa.toml";
const HEAD: &str = "\
# Engawa: 箱1台分の設定です。秘密の鍵が入っています。その箱だけに、一度だけ使えます。書きかえないでください。
# Engawa: the settings of one box, with its secret key. For that box only, and only once. Do not change it.
";
