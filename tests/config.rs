//! What an installer may write, what it means, and what a mistake is answered with.

use engawa::config::{Config, ConfigError, DEFAULTS, Sink, Source};
use engawa::model::{Bitrate, InputShows, Language, VideoCodec};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

#[test]
fn an_empty_file_means_the_documented_defaults() {
    let config = parse("");
    assert_eq!(config, Config::parse(DEFAULTS, file()).expect("engawa.toml is valid"));
    assert_eq!(config.language, Language::Japanese);
    assert_eq!(config.state_directory, Path::new("/var/lib/engawa"));
    assert_eq!(config.trunk.listen, "[::]:7420".parse().ok());
    assert!(!config.trunk.dial, "nobody to dial");
    assert_eq!((config.camera.size, config.camera.fps), ((1280, 720), 30));
    assert_eq!(config.camera.codec, VideoCodec::H264);
    assert_eq!(config.ceiling, Bitrate::from_kbps(3000));
    assert!(!config.sound.microphone_open, "nothing private opens by itself");
}

#[test]
fn every_setting_is_read() {
    let config = parse(
        r#"
        [box]
        name = "支所"
        language = "en"
        state_directory = "state"
        status_socket = "run/status.sock"
        [peer]
        address = "[2001:db8::2]:7420"
        key = "abc"
        [trunk]
        listen = ""
        dial = true
        [session]
        port = 40000
        [camera]
        source = "file:clip.mp4"
        size = "640x360"
        fps = 15
        codec = "vp8"
        [sound]
        source = "alsa:hw:CARD=Jabra,DEV=0"
        sink = "gst:audioconvert ! fakesink"
        microphone = "open"
        [screen]
        sink = "none"
        [line]
        ceiling_kbps = 64
        [share]
        input = "v4l2:usb-capture"
        input_shows = "at_once"
        "#,
    );
    assert_eq!(config.share.input, Source::V4l2("usb-capture".into()));
    assert_eq!(config.share.input_shows, InputShows::AtOnce);
    assert_eq!(config.name, "支所");
    assert_eq!(config.language, Language::English);
    assert_eq!(config.state_directory, Path::new("/etc/engawa/state"));
    assert_eq!(config.status_socket, Path::new("/etc/engawa/run/status.sock"));
    assert_eq!(config.peer.address, "[2001:db8::2]:7420".parse().ok());
    assert_eq!(config.peer.key.as_deref(), Some("abc"));
    assert_eq!((config.trunk.listen, config.trunk.dial), (None, true));
    assert_eq!(config.session_port, 40000);
    assert_eq!(config.camera.source, Source::File("/etc/engawa/clip.mp4".into()));
    assert_eq!((config.camera.size, config.camera.fps), ((640, 360), 15));
    assert_eq!(config.camera.codec, VideoCodec::Vp8);
    assert_eq!(config.sound.source, Source::Alsa("hw:CARD=Jabra,DEV=0".into()));
    assert_eq!(config.sound.sink, Sink::Gst("audioconvert ! fakesink".into()));
    assert!(config.sound.microphone_open);
    assert_eq!(config.screen, Sink::None);
    assert_eq!(config.ceiling, Bitrate::from_kbps(64));
}

#[test]
fn a_mistake_is_told_with_file_line_key_value_and_what_was_meant() {
    for (text, sentence) in [
        (
            "[share]\ninput = \"auto\"",
            "2: share.input = \"auto\": is no document input; write its name: \"v4l2:NAME\", from /dev/v4l/by-id",
        ),
        (
            "[share]\ninput = \"v4l2:card\"",
            "2: share.input = \"v4l2:card\": is a device that the camera may be too; write the camera's own name into \
             camera.source: \"auto\" might take the document input",
        ),
        (
            "[camera]\nsource = \"v4l2:card\"\n[share]\ninput = \"v4l2:card\"",
            "4: share.input = \"v4l2:card\": is a device that the camera may be too; write the camera's own name into \
             camera.source: \"auto\" might take the document input",
        ),
        ("[share]\ninput_shows = \"now\"", "2: share.input_shows = \"now\": is no rule; write \"ask\" or \"at_once\""),
        ("[trunk]\nlistne = \"[::]:1\"", "2: trunk.listne: there is no such setting; did you mean listen?"),
        ("[trunck]\ndial = true", "1: trunck: there is no such section; did you mean [trunk]?"),
        ("\n[box]\nport = 7", "3: box.port: there is no such setting; port belongs into [printer]"),
        ("fps = 7", "1: fps: there is no such section; fps belongs into [camera]"),
        ("[camera]\nfps = \"30\"", "2: camera.fps = \"30\": must be a number; leave the quotes out: 30"),
        ("[camera]\nfps = 29.97", "2: camera.fps = 29.97: is not a whole number"),
        ("[camera]\nfps = 0", "2: camera.fps = 0: is no frame rate a camera is sent at; 1 to 60 frames per second"),
        ("[box]\nname = 3", "2: box.name = 3: must be text; put it in quotes: \"3\""),
        ("[box]\nlanguage = \"jp\"", "2: box.language = \"jp\": is not one of the choices; write \"ja\" or \"en\""),
        ("[trunk]\ndial = \"yes\"", "2: trunk.dial = \"yes\": must be a switch; write true or false"),
        (
            "[peer]\naddress = \"box-b.local:7420\"",
            "2: peer.address = \"box-b.local:7420\": is a name, and names are never resolved; \
             write numbers, such as \"192.0.2.20:7420\"",
        ),
        ("[peer]\naddress = \"192.0.2.1\"", "2: peer.address = \"192.0.2.1\": has no port; write \"192.0.2.1:7420\""),
        (
            "[peer]\naddress = \"2001:db8::1\"",
            "2: peer.address = \"2001:db8::1\": has no port; write \"[2001:db8::1]:7420\"",
        ),
        (
            "[peer]\naddress = \"0.0.0.0:7420\"",
            "2: peer.address = \"0.0.0.0:7420\": is no address of one box; write the address that the other box listens on",
        ),
        (
            "[peer]\naddress = \"[fe80::1]:7420\"",
            "2: peer.address = \"[fe80::1]:7420\": is a link-local address; give both boxes fixed addresses",
        ),
        (
            "[peer]\naddress = \"[fe80::1%eth0]:7420\"",
            "2: peer.address = \"[fe80::1%eth0]:7420\": is a link-local address; give both boxes fixed addresses",
        ),
        (
            "[peer]\naddress = \"[::ffff:169.254.0.1]:7420\"",
            "2: peer.address = \"[::ffff:169.254.0.1]:7420\": is a link-local address; give both boxes fixed addresses",
        ),
        (
            "[trunk]\nlisten = \"[fe80::1%2]:7420\"",
            "2: trunk.listen = \"[fe80::1%2]:7420\": is a link-local address; give both boxes fixed addresses",
        ),
        ("[peer]\naddress = \"192.0.2.1:0\"", "2: peer.address = \"192.0.2.1:0\": is port 0; ports are 1 to 65535"),
        (
            "[peer]\naddress = \"192.0.2.1:7420\"\n[trunk]\nlisten = \"192.0.2.1:7420\"",
            "2: peer.address = \"192.0.2.1:7420\": is this box's own trunk.listen; write the other box's address",
        ),
        (
            "[session]\nport = 65535",
            "2: session.port = 65535: is no port for two; 1024 to 65534: this port and the next are used alternately",
        ),
        (
            "[trunk]\nlisten = \"0.0.0.0:443\"",
            "2: trunk.listen = \"0.0.0.0:443\": is a port below 1024; the daemon has no right to such a port; \
             take 1024 to 65535",
        ),
        (
            "[trunk]\nlisten = \"\"",
            "2: trunk.listen = \"\": this box would neither dial nor listen, and never link; \
             give [peer] an address and let it dial, or give [trunk] an address to listen on",
        ),
        (
            "[camera]\nsize = \"1281x720\"",
            "2: camera.size = \"1281x720\": is odd; both must be even: colour has half the resolution",
        ),
        ("[camera]\nsize = \"3840x2160\"", "2: camera.size = \"3840x2160\": is too large; 1920x1080 at most"),
        (
            "[camera]\nsize = \"hd\"",
            "2: camera.size = \"hd\": is not a size; write width x height in pixels, such as \"1280x720\"",
        ),
        (
            "[camera]\nsource = \"vl42:cam\"",
            "2: camera.source = \"vl42:cam\": is not a form this setting has; did you mean v4l2:NAME?",
        ),
        (
            "[camera]\nsource = \"alsa:hw:0\"",
            "2: camera.source = \"alsa:hw:0\": is not a form this setting has; \
             write auto, none, test, v4l2:NAME, file:PATH, gst:DESCRIPTION",
        ),
        ("[camera]\nsource = \"file:\"", "2: camera.source = \"file:\": has nothing after the colon"),
        ("[line]\nceiling_kbps = 63", "2: line.ceiling_kbps = 63: is too small; voice alone needs 64 kbit/s"),
        ("[line]\nceiling_kbps = [1]", "2: line.ceiling_kbps: is a list; write one value"),
    ] {
        assert_eq!(refusal(text), format!("/etc/engawa/engawa.toml:{sentence}"), "{text}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let told = refusal("[line]\nceiling_kbps = 1\n[box]\nnmae = \"a\"\n[camera]\nfps = 500\nsize = \"9x9\"");
    let lines: Vec<&str> = told.lines().map(|line| line.split(": ").nth(1).expect("a key")).collect();
    assert_eq!(lines, ["line.ceiling_kbps = 1", "box.nmae", "camera.fps = 500", "camera.size = \"9x9\""]);
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    let told = refusal("[box]\nname = \"a\"\nlanguage = ja\n");
    assert!(told.starts_with("/etc/engawa/engawa.toml:3: "), "{told}");
    let told = refusal("[box]\nname = \"a\"\nname = \"b\"\n");
    assert!(told.starts_with("/etc/engawa/engawa.toml:3: ") && told.contains("duplicate key"), "{told}");
}

#[test]
fn a_file_that_is_missing_or_no_text_or_huge_gets_one_sentence() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("engawa.toml");
    assert!(matches!(Config::load(&path), Err(ConfigError::Unreadable { .. })));
    assert!(matches!(Config::load(directory.path()), Err(ConfigError::Unreadable { .. })));
    std::fs::write(&path, [0xff, 0xfe]).expect("written");
    assert!(matches!(Config::load(&path), Err(ConfigError::NotText { .. })));
    std::fs::write(&path, "#".repeat(70_000)).expect("written");
    let error = Config::load(&path).expect_err("too long");
    assert_eq!(error.to_string(), format!("{}: is not a configuration: it is longer than 64 KiB", path.display()));
}

#[test]
fn the_documented_defaults_and_every_example_load() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    Config::load(&config.join("engawa.toml")).expect("engawa.toml is valid");
    let load = |name: &str| Config::load(&config.join("examples").join(name)).expect(name);
    let (a, b) = (load("site-a.toml"), load("site-b.toml"));
    assert!(a.trunk.dial && b.trunk.dial);
    assert_eq!((a.peer.address, b.peer.address), (b.trunk.listen, a.trunk.listen));
    assert_eq!(a.ceiling, b.ceiling);
    let (dials, listens) = (load("dial-only.toml"), load("listen-only.toml"));
    assert_eq!((dials.trunk.dial, dials.trunk.listen), (true, None));
    assert_eq!((listens.trunk.dial, listens.trunk.listen), (false, dials.peer.address));
    let named: Vec<PathBuf> = std::fs::read_dir(config.join("examples"))
        .expect("examples")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| Config::load(path).is_err())
        .collect();
    assert!(named.is_empty(), "every example is valid: {named:?}");
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = Config::parse(&text, file());
    }

    #[test]
    fn a_damaged_default_file_is_taken_or_refused_with_lines(
        at in 0..DEFAULTS.len(), gone in 0..40usize, put in "[\\[\\]=\"'.,{}a-z0-9\n -]{0,12}",
    ) {
        let mut text = DEFAULTS.as_bytes().to_vec();
        text.splice(at..(at + gone).min(DEFAULTS.len()), put.bytes());
        let Ok(text) = String::from_utf8(text) else { return Ok(()) };
        match Config::parse(&text, file()) {
            Ok(config) => prop_assert!(config.trunk.dial || config.trunk.listen.is_some()),
            Err(ConfigError::Wrong(mistakes)) => {
                prop_assert!(!mistakes.is_empty());
                prop_assert!(mistakes.iter().all(|mistake| (1..=text.lines().count() + 1).contains(&mistake.line)));
            }
            Err(error @ (ConfigError::Unreadable { .. } | ConfigError::NotText { .. })) => prop_assert!(false, "{error}"),
        }
    }

    #[test]
    fn any_value_in_any_setting_is_taken_or_refused_at_its_line(index in 0..64usize, value in "\"[ -~]{0,20}\"|[0-9]{1,20}|true") {
        let settings: Vec<&str> = DEFAULTS.lines().filter(|line| line.starts_with(char::is_alphabetic)).collect();
        let setting = settings[index % settings.len()];
        let key = setting.split(" = ").next().expect("a key");
        let section = DEFAULTS.lines().take_while(|line| *line != setting).filter(|line| line.starts_with('[')).last();
        let text = format!("{}\n{key} = {value}\n", section.expect("a section"));
        if let Err(ConfigError::Wrong(mistakes)) = Config::parse(&text, file()) {
            // Text that is never closed is noticed at the end, one line further.
            prop_assert!(mistakes.iter().all(|mistake| matches!(mistake.line, 2 | 3)), "{mistakes:?}");
        }
    }
}

fn file() -> &'static Path {
    Path::new("/etc/engawa/engawa.toml")
}

fn parse(text: &str) -> Config {
    Config::parse(text, file()).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(text: &str) -> String {
    Config::parse(text, file()).expect_err("a mistake").to_string()
}
