//! The TOML as written: sections, keys, values and their lines. Unknown sections and keys are refused.
//!
//! ```text
//!   text ─ parse ─▶ Written ─ setting("camera", "fps", check) ─▶ value ─▶ Config
//!                      │ what the file says; else what engawa.toml says, through the same check
//!                      └─ every mistake is collected, none stops the reading
//! ```
//!
//! The known keys *are* the keys of `config/engawa.toml`, so a setting without documentation cannot exist.

use super::error::Mistake;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// A file as written, and the mistakes found in it so far.
pub(super) struct Written<'t> {
    file: &'t Path,
    text: &'t str,
    settings: Settings,
    defaults: Settings,
    mistakes: Vec<Mistake>,
}

/// One value, of the three kinds that settings have.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    Switch(bool),
}

/// What is wrong with a value and what was meant.
pub(super) struct Complaint {
    pub what: String,
    pub hint: String,
}

/// A kind of value that a setting is read as.
pub(super) trait FromValue: Sized {
    fn from_value(value: &Value) -> Result<Self, Complaint>;
}

struct Entry {
    value: Value,
    line: usize,
}

type Settings = BTreeMap<String, BTreeMap<String, Entry>>;

impl<'t> Written<'t> {
    /// Reads `text`; `defaults` is the text of `engawa.toml`.
    pub fn new(text: &'t str, file: &'t Path, defaults: &str) -> Self {
        let mut default_file = Written::bare(defaults, file);
        default_file.parse(None);
        assert!(default_file.mistakes.is_empty(), "bug: engawa.toml: {:?}", default_file.mistakes);
        let mut written = Written::bare(text, file);
        written.defaults = default_file.settings;
        let known = std::mem::take(&mut written.defaults);
        written.parse(Some(&known));
        written.defaults = known;
        written
    }

    /// The value of a setting after `check`. A refused value is a mistake, and the default stands in for it.
    ///
    /// # Panics
    /// When `engawa.toml` has no such setting or a refused value: a bug, found by the first test that reads any file.
    pub fn setting<V: FromValue, T>(
        &mut self,
        section: &str,
        key: &str,
        check: impl Fn(V) -> Result<T, Complaint>,
    ) -> T {
        let read = |entry: &Entry| V::from_value(&entry.value).and_then(&check);
        if let Some(entry) = self.entry(section, key) {
            match read(entry) {
                Ok(value) => return value,
                Err(complaint) => {
                    let mistake = self.mistake(section, key, complaint);
                    self.mistakes.push(mistake);
                }
            }
        }
        let default = self.defaults.get(section).and_then(|keys| keys.get(key));
        let Some(Ok(value)) = default.map(read) else { panic!("bug: engawa.toml: {section}.{key}") };
        value
    }

    /// Adds a mistake that lies between several settings, told at the first of them that the file has.
    pub fn refuse(&mut self, settings: &[(&str, &str)], complaint: Complaint) {
        let at = settings.iter().find(|(section, key)| self.entry(section, key).is_some()).or(settings.first());
        if let Some((section, key)) = at {
            let mistake = self.mistake(section, key, complaint);
            self.mistakes.push(mistake);
        }
    }

    /// All mistakes, in the order of the file.
    pub fn into_mistakes(mut self) -> Vec<Mistake> {
        self.mistakes.sort_by_key(|mistake| mistake.line);
        self.mistakes.truncate(MISTAKES_TOLD);
        self.mistakes
    }

    fn bare(text: &'t str, file: &'t Path) -> Self {
        Self { file, text, settings: Settings::new(), defaults: Settings::new(), mistakes: Vec::new() }
    }

    fn parse(&mut self, known: Option<&Settings>) {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let line = error.span().map_or(1, |span| self.line(&span));
            self.add(line, String::new(), None, error.message(), "");
        }
        for (section, content) in table.get_ref() {
            let line = self.line(&section.span());
            let section = section.get_ref().as_ref();
            let known_keys = match known {
                None => None,
                Some(known) => match known.get(section) {
                    Some(keys) => Some(keys),
                    None => {
                        self.add(line, section.into(), None, "there is no such section", meant_section(section, known));
                        continue;
                    }
                },
            };
            let DeValue::Table(keys) = content.get_ref() else {
                self.add(line, section.into(), None, "is a section", format!("write [{section}] on a line of its own"));
                continue;
            };
            for (key, value) in keys {
                self.take(section, key.get_ref(), self.line(&key.span()), value.get_ref(), known_keys, known);
            }
        }
    }

    fn take(
        &mut self,
        section: &str,
        key: &str,
        line: usize,
        value: &DeValue<'_>,
        known_keys: Option<&BTreeMap<String, Entry>>,
        known: Option<&Settings>,
    ) {
        let name = format!("{section}.{key}");
        if let (Some(keys), Some(known)) = (known_keys, known)
            && !keys.contains_key(key)
        {
            return self.add(line, name, None, "there is no such setting", meant_key(section, key, known));
        }
        let value = match value {
            DeValue::String(text) => Value::Text(text.clone().into_owned()),
            DeValue::Boolean(switch) => Value::Switch(*switch),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Number(number),
                Err(_) => return self.add(line, name, Some(number.to_string()), "is too large a number", ""),
            },
            DeValue::Float(number) => {
                return self.add(line, name, Some(number.to_string()), "is not a whole number", "");
            }
            DeValue::Datetime(date) => return self.add(line, name, Some(date.to_string()), "is a date", ""),
            DeValue::Array(_) => return self.add(line, name, None, "is a list", "write one value"),
            DeValue::Table(_) => return self.add(line, name, None, "is a section", "write one value"),
        };
        self.settings.entry(section.into()).or_default().insert(key.into(), Entry { value, line });
    }

    fn entry(&self, section: &str, key: &str) -> Option<&Entry> {
        self.settings.get(section)?.get(key)
    }

    fn mistake(&self, section: &str, key: &str, complaint: Complaint) -> Mistake {
        let entry = self.entry(section, key);
        Mistake {
            file: self.file.to_owned(),
            line: entry.map_or(1, |entry| entry.line),
            key: format!("{section}.{key}"),
            value: entry.map(|entry| entry.value.to_string().chars().take(LONGEST_VALUE_TOLD).collect()),
            what: complaint.what,
            hint: complaint.hint,
        }
    }

    fn add(&mut self, line: usize, key: String, value: Option<String>, what: &str, hint: impl Into<String>) {
        let file = self.file.to_owned();
        self.mistakes.push(Mistake { file, line, key, value, what: what.into(), hint: hint.into() });
    }

    fn line(&self, span: &Range<usize>) -> usize {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }
}

impl Complaint {
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Switch(switch) => write!(f, "{switch}"),
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Result<Self, Complaint> {
        match value {
            Value::Text(text) => Ok(text.clone()),
            Value::Number(_) | Value::Switch(_) => {
                Err(Complaint::new("must be text", format!("put it in quotes: \"{value}\"")))
            }
        }
    }
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Result<Self, Complaint> {
        match value {
            Value::Number(number) => Ok(*number),
            Value::Text(text) if text.parse::<i64>().is_ok() => {
                Err(Complaint::new("must be a number", format!("leave the quotes out: {text}")))
            }
            Value::Text(_) | Value::Switch(_) => Err(Complaint::new("must be a number", "")),
        }
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Result<Self, Complaint> {
        match value {
            Value::Switch(switch) => Ok(*switch),
            Value::Text(_) | Value::Number(_) => Err(Complaint::new("must be a switch", "write true or false")),
        }
    }
}

/// The nearest of `known` to `written` by edit distance, if it is near enough to have been meant.
pub(super) fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let short: String = written.chars().take(LONGEST_TYPO).collect();
    let (distance, name) = known.into_iter().map(|name| (edit_distance(&short, name), name)).min()?;
    (distance <= 1 + name.chars().count() / 3).then_some(name)
}

fn meant_section(section: &str, known: &Settings) -> String {
    if let Some(name) = nearest(section, known.keys().map(String::as_str)) {
        return format!("did you mean [{name}]?");
    }
    match known.iter().find(|(_, keys)| keys.contains_key(section)) {
        Some((home, _)) => format!("{section} belongs into [{home}]"),
        None => format!("the sections are {}", list(known.keys())),
    }
}

fn meant_key(section: &str, key: &str, known: &Settings) -> String {
    if let Some((home, _)) = known.iter().find(|(_, keys)| keys.contains_key(key)) {
        return format!("{key} belongs into [{home}]");
    }
    let Some(keys) = known.get(section) else { return String::new() };
    match nearest(key, keys.keys().map(String::as_str)) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("[{section}] has {}", list(keys.keys())),
    }
}

fn list<'k>(names: impl Iterator<Item = &'k String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn edit_distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, have) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, want) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(have != *want);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

/// More mistakes than this are not worth reading.
const MISTAKES_TOLD: usize = 20;
/// Characters of a value that are told.
const LONGEST_VALUE_TOLD: usize = 120;
/// Characters of an unknown key that are compared: bounds the work on hostile text.
const LONGEST_TYPO: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_the_key_that_was_meant() {
        let known = ["address", "key", "listen", "dial", "ceiling_kbps"];
        assert_eq!(nearest("listne", known), Some("listen"));
        assert_eq!(nearest("adress", known), Some("address"));
        assert_eq!(nearest("ceiling_kpbs", known), Some("ceiling_kbps"));
        assert_eq!(nearest("bandwidth_limit", known), None);
    }

    #[test]
    fn edit_distance_counts_single_changes() {
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("abc", ""), 3);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("縁側", "縁"), 1);
    }
}
