//! The keypad: recorded bytes of the kernel's input events; plugged, unplugged and plugged in again.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use engawa::core::input::{Input, RoomInput};
use engawa::inbox::{Inbox, Mail};
use engawa::model::Key;
use engawa::system::keys::{Identity, Profile, Profiles, follow, read};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;

/// A numeric keypad: presses of 1 to 5 among bounces, repeats, a key without a meaning, an overflow and a clock set back.
const RECORDED: &[u8] = include_bytes!("data/keypad.events");
const PRESSED: [Key; 10] = [
    Key::Talk,
    Key::Meet, // its contact bounced twice
    Key::View, // held for two seconds
    Key::Curtain,
    Key::More, // before it a key without a meaning, after it an overflow
    Key::Talk,
    Key::Curtain, // at the same time
    Key::Talk,
    Key::Talk, // ten years earlier
    Key::Meet,
];

fn numeric() -> Profile {
    let identity = Identity { name: "A Numeric Keypad".into(), codes: (1..=248).collect(), ..Identity::default() };
    Profiles::built_in().fitting(&identity).unwrap().clone()
}

#[tokio::test]
async fn only_presses_count_once_each_however_the_bytes_arrive() {
    for piece in [24, 1, 23, 1000, RECORDED.len()] {
        let (mut writer, reader) = tokio::io::duplex(64);
        let write = async move {
            for bytes in RECORDED.chunks(piece) {
                tokio::io::AsyncWriteExt::write_all(&mut writer, bytes).await.unwrap();
            }
        };
        let (mut keys, profile) = (Vec::new(), numeric());
        let (ended, ()) = tokio::join!(read(reader, &profile, |key| keys.push(key)), write);
        ended.unwrap();
        assert_eq!(keys, PRESSED, "in pieces of {piece}");
    }
}

#[tokio::test]
async fn a_recording_cut_anywhere_and_noise_end_quietly() {
    for length in 0..RECORDED.len() {
        let mut keys = 0;
        read(&RECORDED[..length], &numeric(), |_| keys += 1).await.unwrap();
        assert!(keys <= PRESSED.len());
    }
    let noise: Vec<u8> = (0..24_000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    read(noise.as_slice(), &numeric(), |_| {}).await.unwrap();
}

#[tokio::test]
async fn a_keypad_works_again_after_it_was_unplugged_and_others_beside_it_all_the_time() {
    let home = tempfile::tempdir().unwrap();
    let inbox = Inbox::default();
    let plug = |name: &str| {
        let path = home.path().join(name);
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        path
    };
    std::fs::write(home.path().join("event0"), "a device that cannot be opened").unwrap();
    std::fs::write(home.path().join("mouse0"), "no event device").unwrap();
    let (first, other) = (plug("event3"), plug("event12"));
    tokio::spawn(follow(home.path().to_owned(), "auto".into(), Profiles::built_in(), inbox.clone(), open_fifo));
    let mut writer = plugged_in(&first).await;
    let mut beside = plugged_in(&other).await;
    writer.write_all(RECORDED).unwrap();
    assert_eq!(keys(&inbox, PRESSED.len()).await, PRESSED);

    // Unplugged, and plugged in again under the same name.
    std::fs::remove_file(&first).unwrap();
    drop(writer);
    beside.write_all(&RECORDED[..72]).unwrap();
    assert_eq!(keys(&inbox, 1).await, [Key::Talk]);
    let mut writer = plugged_in(&plug("event3")).await;
    writer.write_all(&RECORDED[..72]).unwrap();
    assert_eq!(keys(&inbox, 1).await, [Key::Talk]);
    assert_eq!(inbox.take(), None);
}

#[tokio::test]
async fn a_named_keypad_is_the_only_one_and_is_grabbed() {
    let home = tempfile::tempdir().unwrap();
    let inbox = Inbox::default();
    for name in ["event1", "event2"] {
        mkfifo(&home.path().join(name), Mode::S_IRWXU).unwrap();
    }
    std::fs::create_dir(home.path().join("by-id")).unwrap();
    std::os::unix::fs::symlink("../event2", home.path().join("by-id/usb-Five_Keys-event-kbd")).unwrap();
    let setting = "usb-Five_Keys-event-kbd".to_owned();
    tokio::spawn(follow(home.path().to_owned(), setting, Profiles::built_in(), inbox.clone(), |path, choose| {
        let opened = open_fifo(path, choose)?;
        assert!(opened.as_ref().is_none_or(|(_, profile)| profile.grab), "it is the room's own");
        Ok(opened)
    }));
    let mut named = plugged_in(&home.path().join("event2")).await;
    named.write_all(&RECORDED[..72]).unwrap();
    assert_eq!(keys(&inbox, 1).await, [Key::Talk]);
    let other = OpenOptions::new().write(true).custom_flags(nix::libc::O_NONBLOCK).open(home.path().join("event1"));
    assert!(other.is_err(), "nobody reads it");
}

#[tokio::test]
async fn a_sixth_key_stops_the_share_on_every_keypad_that_has_one() {
    let profiles = Profiles::built_in();
    let anything = Identity { codes: (1..=248).collect(), ..Identity::default() };
    let macro_pad = Identity { usb: (0x1189, 0x8890), ..anything.clone() };
    // KEY_KP6 of a numeric keypad, KEY_F6 and KEY_KP6 of a keyboard, KEY_F18 of a macro pad.
    for (profile, code) in [
        (numeric(), 77_u16),
        (profiles.fitting(&anything).unwrap().clone(), 64),
        (profiles.fitting(&anything).unwrap().clone(), 77),
        (profiles.fitting(&macro_pad).unwrap().clone(), 188),
    ] {
        let event = |value: i32| {
            let kind = 1_u16;
            [&[0; 16][..], &kind.to_ne_bytes(), &code.to_ne_bytes(), &value.to_ne_bytes()].concat()
        };
        let mut keys = Vec::new();
        read([event(1), event(2), event(0)].concat().as_slice(), &profile, |key| keys.push(key)).await.unwrap();
        assert_eq!(keys, [Key::StopShare], "{}", profile.about);
    }
    // A keypad without it is a keypad all the same.
    let of_five = Identity { codes: vec![79, 80, 81, 75, 76], ..Identity::default() };
    assert!(profiles.fitting(&of_five).is_some_and(|profile| profile.key(77) == Some(Key::StopShare)));
}

/// Any keyboard, for whoever has no evdev.
fn open_fifo(
    path: &Path,
    choose: &dyn Fn(&Identity) -> Option<Profile>,
) -> std::io::Result<Option<(OwnedFd, Profile)>> {
    if !std::os::unix::fs::FileTypeExt::is_fifo(&std::fs::metadata(path)?.file_type()) {
        return Err(ErrorKind::InvalidInput.into());
    }
    let Some(profile) = choose(&Identity { codes: (1..=248).collect(), ..Identity::default() }) else {
        return Ok(None);
    };
    let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path)?;
    Ok(Some((file.into(), profile)))
}

/// A writer, as soon as somebody reads.
async fn plugged_in(path: &PathBuf) -> File {
    for _ in 0..500 {
        if let Ok(file) = OpenOptions::new().write(true).custom_flags(nix::libc::O_NONBLOCK).open(path) {
            return file;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody opened {} within five seconds", path.display());
}

async fn keys(inbox: &Inbox, count: usize) -> Vec<Key> {
    let mut keys = Vec::new();
    while keys.len() < count {
        let mail = timeout(Duration::from_secs(5), inbox.next()).await.expect("a key within five seconds");
        let Mail::Urgent(Input::Room(RoomInput::KeyPressed(key))) = mail else { panic!("{mail:?}") };
        keys.push(key);
    }
    keys
}
