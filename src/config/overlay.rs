//! What the installer's page laid over the configuration: `installer.toml` in the state directory. The same notation, few keys.
//!
//! ```text
//!   engawa.toml ─ valid ─► its state directory ─► installer.toml ─ both together valid? ─┬─ yes ─► what it says counts
//!                                                                                        └─ no ──► engawa.toml counts
//! ```
//! May be relied on: it is read and checked by the very code that reads the configuration, before it is written and when it
//! is loaded. Whoever writes it sits at a browser, so nothing in it can name a device, a file, a program or an address.

use super::raw::{Complaint, Value, Written};
use super::room::Look;
use super::{Config, ConfigError, DEFAULTS, bounded, text};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where it lies, and over what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlay {
    main: PathBuf,
    file: PathBuf,
}

/// A configuration with what was laid over it.
#[derive(Debug)]
pub struct Loaded {
    /// What counts.
    pub config: Config,
    /// Where more can be laid over it.
    pub overlay: Overlay,
    /// Whether something was.
    pub overlaid: Overlaid,
}

/// What became of `installer.toml`.
#[derive(Debug)]
pub enum Overlaid {
    /// There is none.
    Absent,
    /// It counts.
    Counts,
    /// It cannot be read or has a mistake: the main file counts.
    Refused(ConfigError),
}

/// Settings by section and key, as in the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(toml::Table);

impl Overlay {
    /// Reads both files.
    ///
    /// # Errors
    /// When the main file cannot be read or has a mistake. One in the overlay is told in [`Loaded::overlaid`].
    pub fn load(main: &Path) -> Result<Loaded, ConfigError> {
        let main_text = text(main)?;
        let config = Config::parse(&main_text, main)?;
        let overlay = Self { main: main.to_owned(), file: config.state_directory.join(NAME) };
        let laid = text(&overlay.file).and_then(|laid| overlay.lay(&config, &main_text, &laid));
        let (config, overlaid) = match laid {
            Ok(both) => (both, Overlaid::Counts),
            Err(ConfigError::Unreadable { source, .. }) if source.kind() == ErrorKind::NotFound => {
                (config, Overlaid::Absent)
            }
            Err(error) => (config, Overlaid::Refused(error)),
        };
        Ok(Loaded { config, overlay, overlaid })
    }

    /// The configuration that it lies over.
    pub fn main(&self) -> &Path {
        &self.main
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What counts now of all that can be set here.
    ///
    /// # Errors
    /// When the main file cannot be read.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let main_text = text(&self.main)?;
        let laid = text(&self.file).unwrap_or_default();
        let counts = Config::parse(&main_text, &self.main).is_ok_and(|main| self.lay(&main, &main_text, &laid).is_ok());
        let mut written = Written::new(&main_text, &self.main, DEFAULTS);
        if counts {
            written.lay_over(&laid, &self.file, &KEYS);
        }
        Ok(Settings::of(&written))
    }

    /// The text of the file with which these settings count. What is not among them is as in the main file.
    ///
    /// # Errors
    /// What the configuration says to them; the main file's own mistakes too.
    pub fn text(&self, settings: &Settings) -> Result<String, ConfigError> {
        let main_text = text(&self.main)?;
        let main = Config::parse(&main_text, &self.main)?;
        let Settings(same) = Settings::of(&Written::new(&main_text, &self.main, DEFAULTS));
        let Settings(mut differing) = settings.clone();
        for (section, keys) in &mut differing {
            if let (Some(keys), Some(same)) = (keys.as_table_mut(), same.get(section)) {
                keys.retain(|key, value| same.get(key) != Some(value));
            }
        }
        differing.retain(|_, keys| keys.as_table().is_none_or(|keys| !keys.is_empty()));
        let laid = format!("{HEAD}{differing}");
        self.lay(&main, &main_text, &laid)?;
        Ok(laid)
    }

    fn lay(&self, main: &Config, main_text: &str, laid: &str) -> Result<Config, ConfigError> {
        let mut written = Written::new(main_text, &self.main, DEFAULTS);
        written.lay_over(bounded(laid, &self.file)?, &self.file, &KEYS);
        let config = Config::read(&mut written, self.main.parent().unwrap_or(Path::new("")));
        let mut looks = config.room.views.iter().map(|view| &view.look);
        if looks.any(|look| is_camera(look) && !main.room.views.iter().any(|view| view.look == *look)) {
            let complaint = Complaint::new(
                "has a camera that the main file does not have",
                "a second camera is set in the main file",
            );
            written.refuse(&[("camera", "views")], complaint);
        }
        written.settle(config)
    }
}

impl Settings {
    /// Names of what `newer` has otherwise.
    pub fn changes(&self, newer: &Self) -> Vec<String> {
        let differs = |(section, key): &(&str, &str)| self.text(section, key) != newer.text(section, key);
        KEYS.iter().filter(|setting| differs(setting)).map(|(section, key)| format!("{section}.{key}")).collect()
    }

    /// Whether with `newer` something may be seen that was hidden: a mask that went or moved, a view that looks elsewhere,
    /// a new one that looks where none did.
    pub fn uncovers(&self, newer: &Self) -> bool {
        let parts = |settings: &Self, key: &str| -> Vec<String> {
            let text = settings.text("camera", key);
            let parts = text.trim_matches('"').split(';').map(|part| part.split_whitespace().collect::<String>());
            parts.filter(|part| !part.is_empty()).collect()
        };
        let (masks, views) = (parts(newer, "masks"), parts(newer, "views"));
        let name = |view: &str| view.split('=').next().unwrap_or_default().to_owned();
        let moved = |view: &String| !views.contains(view) && views.iter().any(|new| name(new) == name(view));
        let (old, look) = (parts(self, "views"), |view: &String| view.split_once('=').map(|(_, look)| look.to_owned()));
        let saw_all = old.is_empty() || old.iter().any(|view| look(view).is_some_and(|look| look == "all"));
        let within = |new: &String| look(new).is_some_and(|new| saw_all && (new == "all" || new.starts_with("crop:")));
        let seen = |new: &String| within(new) || old.iter().any(|view| look(view) == look(new));
        parts(self, "masks").iter().any(|mask| !masks.contains(mask))
            || old.iter().any(moved)
            || !views.iter().all(seen)
            || views.is_empty() && !saw_all
    }

    fn text(&self, section: &str, key: &str) -> String {
        self.0.get(section).and_then(|keys| keys.get(key)).map(ToString::to_string).unwrap_or_default()
    }

    fn of(written: &Written<'_>) -> Self {
        let mut table = toml::Table::new();
        for (section, key) in KEYS {
            let value = match written.as_written(section, key) {
                Some(Value::Text(text)) => toml::Value::String(text.clone()),
                Some(Value::Number(number)) => toml::Value::Integer(*number),
                Some(Value::Switch(switch)) => toml::Value::Boolean(*switch),
                None => continue,
            };
            let keys = table.entry(section).or_insert_with(|| toml::Table::new().into());
            if let Some(keys) = keys.as_table_mut() {
                keys.insert(key.to_owned(), value);
            }
        }
        Self(table)
    }
}

fn is_camera(look: &Look) -> bool {
    match look {
        Look::Camera(_) => true,
        Look::Whole | Look::Crop(_) | Look::Preset { .. } => false,
    }
}

/// In the state directory.
const NAME: &str = "installer.toml";

/// All that can be set from the installer's page.
const KEYS: [(&str, &str); 8] = [
    ("camera", "views"),
    ("camera", "masks"),
    ("meeting", "view"),
    ("meeting", "follow_turns"),
    ("room", "hours"),
    ("room", "holidays"),
    ("room", "quiet_after_seconds"),
    ("line", "ceiling_kbps"),
];

const HEAD: &str = "# Written by the installer's page. What stands here counts instead of the main file; without this file that one does.\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Area;
    use crate::model::Bitrate;
    use std::fs;

    const MAIN: &str = "[box]\nstate_directory = \"state\"\n[camera]\nviews = \"部屋=all; 扉=camera:test\"\n\
                        [line]\nceiling_kbps = 2000\n";

    struct Box {
        home: tempfile::TempDir,
    }

    impl Box {
        fn new(laid: Option<&str>) -> Self {
            let home = tempfile::tempdir().expect("a directory");
            fs::create_dir(home.path().join("state")).expect("a directory");
            fs::write(home.path().join("engawa.toml"), MAIN).expect("written");
            if let Some(laid) = laid {
                fs::write(home.path().join("state").join(NAME), laid).expect("written");
            }
            Self { home }
        }

        fn load(&self) -> Loaded {
            Overlay::load(&self.home.path().join("engawa.toml")).expect("the main file is valid")
        }

        fn refusal(&self, settings: &str) -> String {
            let error = self.load().overlay.text(&parsed(settings)).expect_err("refused");
            error.to_string().replace(&*self.home.path().to_string_lossy(), "")
        }
    }

    fn parsed(text: &str) -> Settings {
        Settings(text.parse().expect("TOML"))
    }

    #[test]
    fn what_the_installer_wrote_counts_and_the_rest_stays() {
        let text = "[camera]\nmasks = \"0,0,25,50\"\n[line]\nceiling_kbps = 1000\n[meeting]\nview = \"扉\"\n";
        let Loaded { config, overlaid, .. } = Box::new(Some(text)).load();
        assert!(matches!(overlaid, Overlaid::Counts), "{overlaid:?}");
        assert_eq!(config.room.masks, [Area { x: 0, y: 0, width: 250, height: 500 }]);
        assert_eq!((config.ceiling, config.room.meeting_view), (Bitrate::from_kbps(1000), Some(1)));
        assert_eq!(config.room.views.len(), 2);
        assert!(matches!(Box::new(None).load().overlaid, Overlaid::Absent));
    }

    #[test]
    fn a_refused_overlay_leaves_the_main_file_as_it_is() {
        for (laid, complaint) in [
            ("[line]\nceiling_kbps = 10\n", "state/installer.toml:2: line.ceiling_kbps = 10: is too small"),
            ("[peer]\naddress = \"192.0.2.9:1\"\n", "state/installer.toml:1: peer: there is no such section"),
            ("[camera]\nsource = \"test\"\n", "state/installer.toml:2: camera.source: there is no such setting"),
            ("[camera]\nviews = \"a=camera:gst:filesrc\"\n", "has a camera that the main file does not have"),
            ("[meeting]\nview = \"机\"\n", "is not the name of a view"),
            ("[camera\n", "state/installer.toml:1: "),
        ] {
            let Loaded { config, overlaid, .. } = Box::new(Some(laid)).load();
            let Overlaid::Refused(error) = overlaid else { panic!("{laid}: {overlaid:?}") };
            assert!(error.to_string().contains(complaint), "{error}");
            assert_eq!(config.ceiling, Bitrate::from_kbps(2000), "{laid}");
            assert_eq!(config.room.views.len(), 2, "{laid}");
        }
        let folder = Box::new(None);
        fs::create_dir(folder.home.path().join("state").join(NAME)).expect("a directory");
        assert!(matches!(folder.load().overlaid, Overlaid::Refused(ConfigError::Unreadable { .. })));
    }

    #[test]
    fn only_what_differs_from_the_main_file_is_written_and_it_reads_as_it_was_meant() {
        let home = Box::new(None);
        let overlay = home.load().overlay;
        let mut settings = overlay.settings().expect("readable");
        assert_eq!(overlay.text(&settings).expect("valid"), HEAD, "nothing differs");
        for (section, key, value) in [
            ("camera", "views", "部屋=all; 机=crop:25,25,50,50; 扉=camera:test"),
            ("room", "hours", "mon-fri 08:30-17:15"),
        ] {
            settings.0[section].as_table_mut().expect("a section").insert(key.into(), value.into());
        }
        let text = overlay.text(&settings).expect("valid");
        assert!(!text.contains("ceiling") && !text.contains("holidays"), "{text}");
        fs::write(overlay.file(), text).expect("written");
        assert_eq!(overlay.settings().expect("readable"), settings);
        let config = home.load().config;
        assert_eq!((config.room.views.len(), config.room.hours.map(|hours| hours.from)), (3, Some(510)));
    }

    #[test]
    fn what_was_hidden_and_will_not_be_is_noticed() {
        let before = parsed("camera.masks = \"0,0,25,50; 50,0,10,10\"\ncamera.views = \"a=all; b=crop:0,0,50,50\"");
        let uncovers = |text: &str| before.uncovers(&parsed(text));
        assert!(!uncovers(
            "camera.masks = \"50,0,10,10;0,0,25,50;1,1,1,1\"\ncamera.views = \"a=all;b=crop:0,0,50,50;c=all\""
        ));
        assert!(uncovers("camera.masks = \"0,0,25,50\"\ncamera.views = \"a=all; b=crop:0,0,50,50\""));
        assert!(uncovers("camera.masks = \"0,0,25,50; 50,0,10,9\"\ncamera.views = \"a=all; b=crop:0,0,50,50\""));
        assert!(uncovers("camera.masks = \"0,0,25,50; 50,0,10,10\"\ncamera.views = \"a=all; b=crop:0,0,60,50\""));
        let part = parsed("camera.views = \"b=crop:0,0,50,50\"");
        for (views, wider) in
            [("b=crop:0,0,50,50; c=all", true), ("b=crop:0,0,50,50; c=crop:9,9,9,9", true), ("", true)]
        {
            assert_eq!(part.uncovers(&parsed(&format!("camera.views = \"{views}\""))), wider, "{views}");
        }
        assert!(uncovers(
            "camera.masks = \"0,0,25,50; 50,0,10,10\"\ncamera.views = \"a=all; b=crop:0,0,50,50; c=preset:1,2,3\""
        ));
        let newer = parsed("camera.masks = \"\"\ncamera.views = \"a=all; b=crop:0,0,50,50\"\nline.ceiling_kbps = 900");
        assert_eq!(before.changes(&newer), ["camera.masks", "line.ceiling_kbps"]);
    }

    #[test]
    fn a_bad_value_is_answered_with_the_configurations_own_complaint() {
        let home = Box::new(None);
        for (settings, complaint) in [
            ("line.ceiling_kbps = 10", "line.ceiling_kbps = 10: is too small; voice alone needs 64 kbit/s"),
            ("line.ceiling_kbps = 2.5", "line.ceiling_kbps = 2.5: is not a whole number"),
            ("camera.masks = \"90,0,20,10\"", "has an area that is not one: 90,0,20,10; write X,Y,W,H in percent"),
            (
                "camera.views = \"机=all\"\nmeeting.view = \"部屋\"",
                "meeting.view = \"部屋\": is not the name of a view",
            ),
            ("camera.views = \"a=camera:file:/etc/passwd\"", "a second camera is set in the main file"),
            ("panel.pin = \"\"", "there is no such section"),
            ("line = 3", "line: is a section"),
        ] {
            let refusal = home.refusal(settings);
            assert!(refusal.contains(complaint), "{refusal}");
        }
    }
}
