//! What is known of cameras and sound devices, and when somebody tried them: the files in hw/profiles. For people only; nothing here
//! changes what the daemon does.
//!
//! ```text
//!   /usr/share/engawa/hw/profiles/*/*.toml ─► Profiles ─ fitting(name, USB) ─► "Logitech …, not tried yet"
//! ```

use crate::durable;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// All that are there.
#[derive(Clone, Debug, Default)]
pub struct Profiles(Vec<Profile>);

/// One kind of device, as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// As people call it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Vendor and product, `046d:082d`.
    #[serde(default)]
    usb: Vec<String>,
    /// Words in the kernel's name for it.
    #[serde(default)]
    called: Vec<String>,
    /// What it is known to do.
    #[serde(default)]
    pub settings: Settings,
    /// Who has seen it work, oldest first; nobody, if empty.
    #[serde(default)]
    pub tried: Vec<Tried>,
}

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Picture of the room.
    Camera,
    /// Picture of something that is plugged in.
    Capture,
    /// Microphone and speaker.
    Speakerphone,
    /// A camera with motors.
    Ptz,
}

/// What to write into the configuration, and what to know beside it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `[camera] size`.
    pub size: Option<String>,
    /// `[camera] fps`.
    pub fps: Option<u32>,
    /// What it gives.
    #[serde(default)]
    pub formats: Vec<Format>,
    /// It cancels its own echo.
    pub echo_canceller: Option<bool>,
}

/// How a camera gives its picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Uncompressed.
    Raw,
    /// Each picture by itself.
    Jpeg,
    /// Encoded.
    H264,
}

/// Once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// YYYY-MM-DD.
    pub date: String,
    /// Where.
    pub place: String,
    /// What happened.
    pub result: String,
    /// By which command.
    pub command: String,
}

/// A profile that is none.
#[derive(Debug, thiserror::Error)]
pub enum WrongProfile {
    /// Not the settings of a profile.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// It would fit nothing, or everything.
    #[error("a profile needs a name, and usb or called")]
    Nameless,
    /// Not four digits, a colon and four digits.
    #[error("{0} is no USB name; write vendor and product, such as \"046d:082d\"")]
    Usb(String),
    /// Not a picture's size.
    #[error("{0} is no size; write WIDTHxHEIGHT")]
    Size(String),
    /// A day that is none, or something left out.
    #[error("{0} is no entry of [[tried]]: date (YYYY-MM-DD), place, result and command")]
    Tried(String),
}

impl Profiles {
    /// `*.toml` one directory below this one; what is wrong is told and left out.
    pub fn of(home: &Path) -> Self {
        let paths = toml_files(home);
        let read = |path: &PathBuf| {
            let bytes = durable::read(path, LONGEST).map_err(|error| error.to_string())?.unwrap_or_default();
            Profile::parse(&String::from_utf8_lossy(&bytes)).map_err(|error| error.to_string())
        };
        let usable = |path: PathBuf| {
            let read = read(&path);
            read.map_err(|error| tracing::warn!(path = %path.display(), error, "this hardware profile is not used"))
                .ok()
        };
        Self(paths.into_iter().take(MOST).filter_map(usable).collect())
    }

    /// Those that the package brings.
    pub fn installed() -> Self {
        Self::of(Path::new(INSTALLED))
    }

    /// For a device that the kernel calls so, with this vendor and product if it is on USB. What USB says counts more.
    pub fn fitting(&self, kinds: &[Kind], name: &str, usb: Option<&str>) -> Option<&Profile> {
        let of_kind = || self.0.iter().filter(|profile| kinds.contains(&profile.kind));
        let by_usb = || of_kind().find(|profile| usb.is_some_and(|usb| profile.usb.iter().any(|own| own == usb)));
        let name = name.to_lowercase();
        by_usb()
            .or_else(|| of_kind().find(|profile| profile.called.iter().any(|word| name.contains(&word.to_lowercase()))))
    }
}

impl Profile {
    /// Reads one.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, WrongProfile> {
        let profile: Self = toml::from_str(text)?;
        let said = |words: &[&String]| words.iter().all(|word| !word.trim().is_empty());
        if !said(&[&profile.name]) || (profile.usb.is_empty() && profile.called.is_empty()) {
            return Err(WrongProfile::Nameless);
        }
        if profile.called.iter().any(|word| word.trim().is_empty()) {
            return Err(WrongProfile::Nameless);
        }
        if let Some(wrong) = profile.usb.iter().find(|usb| !is_usb(usb)) {
            return Err(WrongProfile::Usb(wrong.clone()));
        }
        if let Some(wrong) = profile.settings.size.as_ref().filter(|size| !is_size(size)) {
            return Err(WrongProfile::Size(wrong.clone()));
        }
        let whole = |tried: &&Tried| is_date(&tried.date) && said(&[&tried.place, &tried.result, &tried.command]);
        match profile.tried.iter().find(|tried| !whole(tried)) {
            Some(tried) => Err(WrongProfile::Tried(tried.date.clone())),
            None => Ok(profile),
        }
    }

    /// Its name, and when it was tried last, for whoever looks after boxes.
    pub fn text(&self) -> String {
        match self.tried.last() {
            Some(Tried { date, place, result, .. }) => format!("{}, tried {date} ({place}): {result}", self.name),
            None => format!("{}, not tried yet", self.name),
        }
    }
}

/// Vendor and product of the camera at this device file, if it is on USB.
pub fn usb_of_camera(node: &Path) -> Option<String> {
    let node = fs::canonicalize(node).ok()?;
    let interface =
        fs::canonicalize(Path::new("/sys/class/video4linux").join(node.file_name()?).join("device")).ok()?;
    let part = |name| Some(fs::read_to_string(interface.parent()?.join(name)).ok()?.trim().to_owned());
    Some(format!("{}:{}", part("idVendor")?, part("idProduct")?))
}

/// Vendor and product of the sound card with this short name, if it is on USB.
pub fn usb_of_card(card: &str) -> Option<String> {
    let plain = !card.contains('/') && !card.starts_with('.');
    let text = plain.then(|| fs::read_to_string(Path::new("/proc/asound").join(card).join("usbid")).ok())??;
    Some(text.trim().to_owned())
}

fn toml_files(home: &Path) -> Vec<PathBuf> {
    let below = |home: &Path| fs::read_dir(home).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = below(home).flat_map(|room| below(&room).collect::<Vec<_>>()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    paths
}

fn is_usb(text: &str) -> bool {
    let digits =
        |part: &str| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    text.split_once(':').is_some_and(|(vendor, product)| digits(vendor) && digits(product))
}

fn is_size(text: &str) -> bool {
    let pixels = |part: &str| part.parse::<u32>().is_ok_and(|pixels| (16..=8192).contains(&pixels));
    text.split_once('x').is_some_and(|(width, height)| pixels(width) && pixels(height))
}

fn is_date(text: &str) -> bool {
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() && text.len() == 10
}

/// Where the package puts them.
pub const INSTALLED: &str = "/usr/share/engawa/hw/profiles";
/// Bytes of a file, and files.
const LONGEST: u64 = 64 * 1024;
const MOST: usize = 1000;
