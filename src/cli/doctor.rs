//! `engawa doctor`: is this machine ready? One line per check, with what to do about it.
//!
//! The doctor changes nothing and may run beside the daemon. It finds what the installer can repair before leaving the room.

use crate::cli::{Failure, handover};
use crate::config::{Config, DEFAULTS};
use crate::model::Language;
use crate::system::check::{self, FONT_DIRECTORIES};
use gstreamer as gst;
use serde::Serialize;
use std::fmt;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

pub use crate::system::check::{Check, Grade};

/// Checks that others know how to make, such as keys and devices.
pub type Probe<'p> = &'p dyn Fn(&Config) -> Vec<Check>;

/// Both kinds.
#[derive(Clone, Copy)]
pub struct Probes<'p> {
    /// Of keys.
    pub keys: Probe<'p>,
    /// Of devices.
    pub devices: Probe<'p>,
}

/// Everything found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Of this form; 1.
    pub version: u32,
    /// No check failed.
    pub ready: bool,
    /// In the order in which an installer repairs.
    pub checks: Vec<Check>,
}

/// Prints the report; exit code 0 when no check failed, else 1.
///
/// With `handover` also the sheet of [`super::handover`]; it needs a configuration that can be read.
pub fn run(config: Option<&Path>, json: bool, handover: Option<&Path>, probes: Probes<'_>) -> ExitCode {
    let (config, mut checks) = read_config(config);
    checks.extend(examine(config.as_ref(), probes));
    let report = Report::new(checks);
    let text = if json { report.json() } else { report.to_string() };
    let paper_goes_out = handover.is_some_and(handover::is_standard_output);
    let written = if paper_goes_out {
        writeln!(std::io::stderr(), "{}", text.trim_end())
    } else {
        writeln!(std::io::stdout(), "{}", text.trim_end())
    };
    let sheet = match (handover, &config) {
        (Some(file), Some(config)) => handover::write(file, config, &report.checks),
        (Some(_), None) => Err(Failure::new("no sheet without a configuration that can be read")),
        (None, _) => Ok(()),
    };
    if let Err(failure) = &sheet {
        eprintln!("engawa: {}", failure.words);
    }
    if report.ready && written.is_ok() && sheet.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The same in words, for the support file.
pub fn report(config: Option<&Path>, probes: Probes<'_>) -> String {
    let (config, mut checks) = read_config(config);
    checks.extend(examine(config.as_ref(), probes));
    Report::new(checks).to_string()
}

impl Report {
    fn new(checks: Vec<Check>) -> Self {
        Self { version: 1, ready: checks.iter().all(|check| check.grade != Grade::Fail), checks }
    }

    fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Check { about, grade, found, advice } in &self.checks {
            let grade = match grade {
                Grade::Ok => "ok  ",
                Grade::Warn => "warn",
                Grade::Fail => "FAIL",
            };
            write!(f, "{grade}  {about:<ABOUT_WIDTH$}  {found}")?;
            if !advice.is_empty() {
                write!(f, " — {advice}")?;
            }
            writeln!(f)?;
        }
        let failed = self.checks.iter().filter(|check| check.grade == Grade::Fail).count();
        match failed {
            0 => writeln!(f, "This box is ready."),
            1 => writeln!(f, "This box is not ready: 1 check failed."),
            _ => writeln!(f, "This box is not ready: {failed} checks failed."),
        }
    }
}

fn examine(config: Option<&Config>, Probes { keys, devices }: Probes<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(config) = config {
        checks.push(check::state_directory(&config.state_directory));
        checks.extend(keys(config));
    }
    checks.extend(elements(&|element| gst::ElementFactory::find(element).is_some()));
    if let Some(config) = config {
        checks.extend(devices(config));
        checks.extend(check::ports(config));
        checks.push(check::peer_reachable(config));
    }
    let language = config.map_or(Language::default(), |config| config.language);
    checks.push(check::fonts(language, &FONT_DIRECTORIES.map(Path::new)));
    checks.push(check::wall_clock_now());
    checks
}

/// Without a path the installed file counts, and without that the documented defaults.
fn read_config(path: Option<&Path>) -> (Option<Config>, Vec<Check>) {
    const ABOUT: &str = "configuration";
    let installed = Path::new(INSTALLED);
    let Some(path) = path.or(installed.exists().then_some(installed)) else {
        let advice = "write one after the pattern of config/engawa.toml, or name another with --config";
        let check = Check::warn(ABOUT, format!("{INSTALLED} is absent, the defaults are looked at"), advice);
        return (Config::parse(DEFAULTS, installed).ok(), vec![check]);
    };
    match Config::load(path) {
        Ok(config) => (Some(config), vec![Check::ok(ABOUT, format!("{} is valid", path.display()))]),
        Err(error) => {
            let advice = "correct it; what depends on it was not checked";
            let fail = |mistake: &str| Check::fail(ABOUT, mistake, advice);
            (None, error.to_string().lines().map(fail).collect())
        }
    }
}

/// One line when all are there, else one line per missing package.
fn elements(is_there: &dyn Fn(&str) -> bool) -> Vec<Check> {
    const ABOUT: &str = "GStreamer";
    if let Err(error) = gst::init() {
        return vec![Check::fail(ABOUT, error.to_string(), "install the packages of packaging/apt-run.txt")];
    }
    let missing = |needs: &Needs| !needs.any_of.iter().any(|element| is_there(element));
    let mut checks: Vec<Check> = Vec::new();
    for needs in ELEMENTS.iter().filter(|needs| missing(needs)) {
        let found = format!("no {}, for {}", needs.any_of.join(" or "), needs.purpose);
        checks.push(Check::fail(ABOUT, found, format!("install the package {}", needs.package)));
    }
    if checks.is_empty() {
        checks.push(Check::ok(ABOUT, format!("{}, all elements are there", gst::version_string())));
    }
    checks
}

/// Elements that serve the same purpose; one of them must be there.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// GStreamer element names, best first.
    pub any_of: &'static [&'static str],
    /// The Debian package with the first of them.
    pub package: &'static str,
    /// For people.
    pub purpose: &'static str,
}

/// What the daemon is built from, and the Debian 12 and 13 packages that have it.
pub const ELEMENTS: &[Needs] = &[
    needs(&["webrtcbin"], "gstreamer1.0-plugins-bad", "the session"),
    needs(&["nicesrc"], "gstreamer1.0-nice", "the session's path"),
    needs(&["dtlssrtpenc"], "gstreamer1.0-plugins-bad", "the session's keys"),
    needs(&["srtpenc"], "gstreamer1.0-plugins-bad", "encrypted media"),
    needs(&["rtpbin"], "gstreamer1.0-plugins-good", "the session"),
    needs(&["rtph264pay"], "gstreamer1.0-plugins-good", "media packets"),
    needs(&["x264enc"], "gstreamer1.0-plugins-ugly", "sending H.264"),
    needs(&["h264parse"], "gstreamer1.0-plugins-bad", "H.264"),
    needs(&["avdec_h264", "openh264dec"], "gstreamer1.0-libav", "receiving H.264"),
    needs(&["vp8enc"], "gstreamer1.0-plugins-good", "sending VP8"),
    needs(&["vp8dec"], "gstreamer1.0-plugins-good", "receiving VP8"),
    needs(&["opusenc"], "gstreamer1.0-plugins-base", "sending voice"),
    needs(&["audioconvert"], "gstreamer1.0-plugins-base", "sound"),
    needs(&["audioresample"], "gstreamer1.0-plugins-base", "sound"),
    needs(&["alsasrc"], "gstreamer1.0-alsa", "microphone and speaker"),
    needs(&["v4l2src"], "gstreamer1.0-plugins-good", "the camera"),
    needs(&["jpegdec"], "gstreamer1.0-plugins-good", "cameras that speak MJPEG"),
    needs(&["videoconvert"], "gstreamer1.0-plugins-base", "pictures"),
    needs(&["decodebin"], "gstreamer1.0-plugins-base", "files"),
    needs(&["appsrc"], "gstreamer1.0-plugins-base", "all pipelines"),
    needs(&["textoverlay"], "gstreamer1.0-x", "sentences on the screen"),
    needs(&["waylandsink", "kmssink"], "gstreamer1.0-plugins-bad", "the kiosk's screen"),
    needs(&["ximagesink"], "gstreamer1.0-x", "a window under X11"),
];

const fn needs(any_of: &'static [&'static str], package: &'static str, purpose: &'static str) -> Needs {
    Needs { any_of, package, purpose }
}

/// Where the package puts it.
pub const INSTALLED: &str = "/etc/engawa/engawa.toml";
const ABOUT_WIDTH: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: &Config) -> Vec<Check> {
        Vec::new()
    }

    #[test]
    fn a_missing_element_names_its_package() {
        let checks = elements(&|element| element != "x264enc");
        assert_eq!(checks.len(), 1);
        assert_eq!(checks[0].grade, Grade::Fail);
        assert_eq!(checks[0].found, "no x264enc, for sending H.264");
        assert_eq!(checks[0].advice, "install the package gstreamer1.0-plugins-ugly");
        assert_eq!(elements(&|element| element != "avdec_h264").len(), 1, "openh264dec does as well");
        assert_eq!(elements(&|element| element != "avdec_h264")[0].grade, Grade::Ok);
    }

    #[test]
    fn a_wrong_configuration_is_told_and_the_machine_is_still_looked_at() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("engawa.toml");
        std::fs::write(&path, "[trunk]\nlistne = \"\"\n[camera]\nfps = 0\n").expect("written");
        let unasked = |_: &Config| -> Vec<Check> { panic!("there is no configuration to ask with") };
        let (config, mut checks) = read_config(Some(&path));
        checks.extend(examine(config.as_ref(), Probes { keys: &unasked, devices: &unasked }));
        assert_eq!(checks.iter().filter(|check| check.about == "configuration").count(), 2);
        assert!(checks.iter().any(|check| check.about == "GStreamer"));
        assert!(!Report::new(checks).ready);
    }

    #[test]
    fn findings_of_others_decide_with_the_rest_and_stand_in_order() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("engawa.toml");
        std::fs::write(
            &path,
            "[box]\nstate_directory = \".\"\nlanguage = \"en\"\n[trunk]\nlisten = \"127.0.0.1:7999\"\n",
        )
        .expect("written");
        let keys = |_: &Config| vec![Check::fail("identity", "no key", "engawa identity export makes one")];
        let (config, mut checks) = read_config(Some(&path));
        checks.extend(examine(config.as_ref(), Probes { keys: &keys, devices: &nothing }));
        let about: Vec<&str> = checks.iter().map(|check| check.about.as_str()).take(3).collect();
        assert_eq!(about, ["configuration", "state directory", "identity"]);
        let report = Report::new(checks);
        assert!(!report.ready);
        assert!(report.to_string().contains("FAIL  identity         no key — engawa identity export makes one\n"));
        assert!(report.json().contains("\"grade\": \"fail\""));
    }
}
