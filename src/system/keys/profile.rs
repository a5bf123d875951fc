//! What is known of keypads: which device a profile is for, and which of its keys mean what. The files stand in hw/keypads.

use crate::model::Key;
use evdev::KeyCode;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Profiles in the order in which they are tried.
#[derive(Clone, Debug)]
pub struct Profiles(Vec<Profile>);

/// One kind of keypad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// For the log.
    pub about: String,
    names: Vec<String>,
    usb: Vec<(u16, u16)>,
    /// Nobody else gets its keys.
    pub grab: bool,
    keys: BTreeMap<u16, Key>,
}

/// What a device says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// As the kernel calls it.
    pub name: String,
    /// Its names under /dev/input/by-id.
    pub by_id: Vec<String>,
    /// Vendor and product.
    pub usb: (u16, u16),
    /// Codes of the keys it has, or says it has (linux/input-event-codes.h).
    pub codes: Vec<u16>,
}

/// A profile that is none.
#[derive(Debug, thiserror::Error)]
pub enum WrongProfile {
    /// Not the settings of a profile.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A word that is no key.
    #[error("{0} is no key; names are as in linux/input-event-codes.h, such as KEY_KP1")]
    Key(String),
    /// Not four digits, a colon and four digits.
    #[error("{0} is no USB name; write vendor and product, such as \"1189:8890\"")]
    Usb(String),
    /// A key that means two things, or a meaning without a key.
    #[error("each of talk, meet, view, curtain and more needs a key of its own, and so does stop_share if it is there")]
    Ambiguous,
}

impl Profiles {
    /// Those that are compiled in, the most particular first.
    ///
    /// # Panics
    /// When one of them is wrong: a bug, which a test finds.
    pub fn built_in() -> Self {
        let parse = |text| Profile::parse(text).expect("bug: a profile in hw/keypads is wrong");
        Self(BUILT_IN.into_iter().map(parse).collect())
    }

    /// Before them all `*.toml` of a directory, by name; one that is wrong is told and left out.
    pub fn with_directory(mut self, directory: &Path) -> Self {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
        paths.sort();
        for path in paths.into_iter().take(MOST_EXTRA).rev() {
            let text = crate::durable::read(&path, LONGEST).map(|bytes| bytes.unwrap_or_default());
            let text = text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            match text
                .map_err(|error| error.to_string())
                .and_then(|text| Profile::parse(&text).map_err(|e| e.to_string()))
            {
                Ok(profile) => self.0.insert(0, profile),
                Err(error) => tracing::warn!(path = %path.display(), error, "this keypad profile is not used"),
            }
        }
        self
    }

    /// The first that fits.
    pub fn fitting(&self, identity: &Identity) -> Option<&Profile> {
        self.0.iter().find(|profile| profile.fits(identity))
    }
}

impl Profile {
    /// Reads one.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, WrongProfile> {
        let written: Written = toml::from_str(text)?;
        let mut keys = BTreeMap::new();
        for (key, names) in written.keys.all() {
            for name in &names {
                let code: KeyCode = name.parse().map_err(|_| WrongProfile::Key(name.clone()))?;
                if keys.insert(code.0, key).is_some() {
                    return Err(WrongProfile::Ambiguous);
                }
            }
            if names.is_empty() && key != Key::StopShare {
                return Err(WrongProfile::Ambiguous);
            }
        }
        let usb =
            written.usb.into_iter().map(|name| usb(&name).ok_or(WrongProfile::Usb(name))).collect::<Result<_, _>>()?;
        let names = written.names.iter().map(|name| name.to_lowercase()).collect();
        Ok(Self { about: written.about, names, usb, grab: written.grab, keys })
    }

    /// What a key means.
    pub fn key(&self, code: u16) -> Option<Key> {
        self.keys.get(&code).copied()
    }

    /// The same, and nobody else gets its keys.
    pub fn grabbed(self) -> Self {
        Self { grab: true, ..self }
    }

    /// Called so, if the profile asks for a name, and with a key for each of the five.
    pub fn fits(&self, identity: &Identity) -> bool {
        let anything = self.names.is_empty() && self.usb.is_empty();
        let called = |name: &String| {
            let plain = name.to_lowercase().replace('_', " ");
            self.names.iter().any(|word| plain.contains(word.as_str()))
        };
        let named = called(&identity.name) || identity.by_id.iter().any(called) || self.usb.contains(&identity.usb);
        (anything || named) && self.has_all(identity)
    }

    fn has_all(&self, identity: &Identity) -> bool {
        let has = |key| identity.codes.iter().any(|code| self.key(*code) == Some(key));
        [Key::Talk, Key::Meet, Key::View, Key::Curtain, Key::More].into_iter().all(has)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    about: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    usb: Vec<String>,
    grab: bool,
    keys: WrittenKeys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKeys {
    talk: Vec<String>,
    meet: Vec<String>,
    view: Vec<String>,
    curtain: Vec<String>,
    more: Vec<String>,
    /// For keypads with six keys or more.
    #[serde(default)]
    stop_share: Vec<String>,
}

impl WrittenKeys {
    fn all(self) -> [(Key, Vec<String>); 6] {
        let Self { talk, meet, view, curtain, more, stop_share } = self;
        [
            (Key::Talk, talk),
            (Key::Meet, meet),
            (Key::View, view),
            (Key::Curtain, curtain),
            (Key::More, more),
            (Key::StopShare, stop_share),
        ]
    }
}

fn usb(name: &str) -> Option<(u16, u16)> {
    let (vendor, product) = name.split_once(':')?;
    let number = |digits: &str| u16::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 4);
    Some((number(vendor)?, number(product)?))
}

const BUILT_IN: [&str; 3] = [
    include_str!("../../../hw/keypads/macro-pad.toml"),
    include_str!("../../../hw/keypads/numeric.toml"),
    include_str!("../../../hw/keypads/keyboard.toml"),
];
const MOST_EXTRA: usize = 32;
const LONGEST: u64 = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, by_id: &str, usb: (u16, u16), codes: std::ops::RangeInclusive<u16>) -> Identity {
        Identity { name: name.into(), by_id: vec![by_id.into()], usb, codes: codes.collect() }
    }

    #[test]
    fn every_device_finds_its_profile() {
        let profiles = Profiles::built_in();
        let about = |identity: &Identity| profiles.fitting(identity).map(|profile| (profile.grab, profile.keys.len()));
        let everything = 1..=248;
        assert_eq!(
            about(&device("SEM USB Keyboard", "usb-SEM_Numeric_Keypad-event-kbd", (1, 2), everything.clone())),
            Some((true, 6))
        );
        assert_eq!(about(&device("HID 1189:8890", "", (0x1189, 0x8890), everything.clone())), Some((true, 6)));
        assert_eq!(about(&device("USB Keyboard", "", (0x0c45, 0x7603), everything)), Some((false, 12)));
        assert_eq!(about(&device("Power Button", "", (0, 0), 116..=116)), None);
        let one_key_short = device("My Keypad", "", (0, 0), 59..=62);
        assert_eq!(about(&one_key_short), None);
    }

    #[test]
    fn a_wrong_profile_is_told_apart_and_others_go_before_the_built_in() {
        let good = include_str!("../../../hw/keypads/numeric.toml");
        for (wrong, instead) in
            [("KEY_KP1", "KEY_NOSUCH"), ("KEY_KP2", "KEY_KP1"), ("usb = []", "usb = [\"12:34\"]"), ("grab", "grip")]
        {
            assert!(Profile::parse(&good.replace(wrong, instead)).is_err(), "{instead}");
        }
        let of_five = good.replace("stop_share", "# stop_share");
        assert_eq!(Profile::parse(&of_five).expect("five will do").keys.len(), 5);
        let home = tempfile::tempdir().expect("a directory");
        let own = good.replace("numeric keypad", "own").replace("\"keypad\"", "\"power\"").replace("KEY_KP", "KEY_");
        std::fs::write(home.path().join("a.toml"), "nonsense").expect("written");
        std::fs::write(home.path().join("b.toml"), own).expect("written");
        let profiles = Profiles::built_in().with_directory(home.path());
        let own = profiles.fitting(&device("Power Pad", "", (0, 0), 1..=248)).expect("one");
        assert_eq!((own.about.as_str(), own.key(KeyCode::KEY_1.0)), ("own", Some(Key::Talk)));
    }
}
