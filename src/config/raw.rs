//! The TOML as written: sections, keys, values and their lines. Unknown sections and keys are refused.
//!
//! ```text
//!   text ─ parse ─▶ Written ─ setting("camera", "fps", check) ─▶ value ─▶ Config
//!                      │ what the file says; else what engawa.toml says, through the same check
//!                      └─ every mistake is collected, none stops the reading
//! ```
//!
//! The known keys *are* the keys of `config/engawa.toml`, so a setting without documentation cannot exist.

use super::error::{ConfigError, Mistake};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// A file as written, and the mistakes found in it so far.
pub(super) struct Written<'t> {
    file: &'t Path,
    settings: Settings<'t>,
    defaults: Settings<'t>,
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

#[derive(Clone)]
struct Entry<'t> {
    value: Value,
    file: &'t Path,
    line: usize,
}

type Keys<'t> = BTreeMap<String, Entry<'t>>;
type Settings<'t> = BTreeMap<String, Keys<'t>>;

/// A text that is being read, and what it may say.
struct Text<'t, 'k> {
    text: &'t str,
    file: &'t Path,
    known: Option<&'k Settings<'t>>,
}

impl<'t> Written<'t> {
    /// Reads `text`; `defaults` is the text of `engawa.toml`.
    pub fn new(text: &'t str, file: &'t Path, defaults: &'t str) -> Self {
        let mut written = Self { file, settings: Settings::new(), defaults: Settings::new(), mistakes: Vec::new() };
        written.parse(&Text { text: defaults, file, known: None });
        assert!(written.mistakes.is_empty(), "bug: engawa.toml: {:?}", written.mistakes);
        written.defaults = std::mem::take(&mut written.settings);
        let known = written.defaults.clone();
        written.parse(&Text { text, file, known: Some(&known) });
        written
    }

    /// Lays a second file over the first: what it says counts. It may say `keys` and nothing else.
    pub fn lay_over(&mut self, text: &'t str, file: &'t Path, keys: &[(&str, &str)]) {
        let mut known = Settings::new();
        for (section, key) in keys {
            if let Some(entry) = self.defaults.get(*section).and_then(|keys| keys.get(*key)) {
                known.entry((*section).into()).or_default().insert((*key).into(), entry.clone());
            }
        }
        self.parse(&Text { text, file, known: Some(&known) });
    }

    /// A setting as it is written, in whichever file counts.
    pub fn as_written(&self, section: &str, key: &str) -> Option<&Value> {
        let default = || self.defaults.get(section)?.get(key);
        self.entry(section, key).or_else(default).map(|entry| &entry.value)
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
        let read = |entry: &Entry<'_>| V::from_value(&entry.value).and_then(&check);
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

    /// What was read, unless there was a mistake: then all of them, in the order of the file.
    pub fn settle<T>(mut self, read: T) -> Result<T, ConfigError> {
        if self.mistakes.is_empty() {
            return Ok(read);
        }
        self.mistakes.sort_by_key(|mistake| mistake.line);
        self.mistakes.truncate(MISTAKES_TOLD);
        Err(ConfigError::Wrong(self.mistakes))
    }

    fn parse(&mut self, text: &Text<'t, '_>) {
        let (table, errors) = DeTable::parse_recoverable(text.text);
        for error in errors {
            let line = error.span().map_or(1, |span| text.line(&span));
            self.add(text.file, line, String::new(), None, error.message(), "");
        }
        for (section, content) in table.get_ref() {
            let line = text.line(&section.span());
            let section = section.get_ref().as_ref();
            let mut wrong = |what, hint| self.add(text.file, line, section.into(), None, what, hint);
            if let Some(known) = text.known
                && !known.contains_key(section)
            {
                wrong("there is no such section", meant_section(section, known));
                continue;
            }
            let DeValue::Table(keys) = content.get_ref() else {
                wrong("is a section", format!("write [{section}] on a line of its own"));
                continue;
            };
            for (key, value) in keys {
                self.take(text, section, key.get_ref(), text.line(&key.span()), value.get_ref());
            }
        }
    }

    fn take(&mut self, text: &Text<'t, '_>, section: &str, key: &str, line: usize, value: &DeValue<'_>) {
        let (file, name) = (text.file, format!("{section}.{key}"));
        if let Some(known) = text.known
            && !known.get(section).is_some_and(|keys| keys.contains_key(key))
        {
            return self.add(file, line, name, None, "there is no such setting", meant_key(section, key, known));
        }
        let value = match value {
            DeValue::String(text) => Value::Text(text.clone().into_owned()),
            DeValue::Boolean(switch) => Value::Switch(*switch),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Number(number),
                Err(_) => return self.add(file, line, name, Some(number.to_string()), "is too large a number", ""),
            },
            DeValue::Float(number) => {
                return self.add(file, line, name, Some(number.to_string()), "is not a whole number", "");
            }
            DeValue::Datetime(date) => return self.add(file, line, name, Some(date.to_string()), "is a date", ""),
            DeValue::Array(_) => return self.add(file, line, name, None, "is a list", "write one value"),
            DeValue::Table(_) => return self.add(file, line, name, None, "is a section", "write one value"),
        };
        self.settings.entry(section.into()).or_default().insert(key.into(), Entry { value, file, line });
    }

    fn entry(&self, section: &str, key: &str) -> Option<&Entry<'t>> {
        self.settings.get(section)?.get(key)
    }

    fn mistake(&self, section: &str, key: &str, complaint: Complaint) -> Mistake {
        let entry = self.entry(section, key);
        Mistake {
            file: entry.map_or(self.file, |entry| entry.file).to_owned(),
            line: entry.map_or(1, |entry| entry.line),
            key: format!("{section}.{key}"),
            value: entry.map(|entry| entry.value.to_string().chars().take(LONGEST_VALUE_TOLD).collect()),
            what: complaint.what,
            hint: complaint.hint,
        }
    }

    fn add(
        &mut self,
        file: &Path,
        line: usize,
        key: String,
        value: Option<String>,
        what: &str,
        hint: impl Into<String>,
    ) {
        let file = file.to_owned();
        self.mistakes.push(Mistake { file, line, key, value, what: what.into(), hint: hint.into() });
    }
}

impl Text<'_, '_> {
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

fn meant_section(section: &str, known: &Settings<'_>) -> String {
    if let Some(name) = nearest(section, known.keys().map(String::as_str)) {
        return format!("did you mean [{name}]?");
    }
    match known.iter().find(|(_, keys)| keys.contains_key(section)) {
        Some((home, _)) => format!("{section} belongs into [{home}]"),
        None => format!("the sections are {}", list(known.keys())),
    }
}

fn meant_key(section: &str, key: &str, known: &Settings<'_>) -> String {
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
