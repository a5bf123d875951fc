//! The identity and the pin on disk: made once, never replaced, never readable by others; the installer's text.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may panic at anything else")]

use engawa::trunk::identity::{Export, Identity, IdentityError, pin_peer, pinned_peer};
use engawa::trunk::key::{NotAKey, PeerKey};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_identity_is_made_once_and_only_the_owner_can_read_it() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    let first = Identity::load_or_create(&state).unwrap();
    let path = state.join("identity.key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);
    let bytes = fs::read(&path).unwrap();
    let again = Identity::load_or_create(&state).unwrap();
    assert_eq!(again.public_key(), first.public_key());
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(names(&state), ["identity.key"], "nothing is left beside it");
    assert_ne!(Identity::generate().unwrap().public_key(), first.public_key());
}

#[test]
fn starting_twice_at_once_gives_one_identity() {
    for _ in 0..20 {
        let home = tempfile::tempdir().unwrap();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let start = || Identity::load_or_create(home.path()).unwrap().public_key();
            let starts: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(names(home.path()), ["identity.key"]);
    }
}

#[test]
fn an_identity_that_others_can_read_is_refused_in_one_sentence() {
    let home = tempfile::tempdir().unwrap();
    Identity::load_or_create(home.path()).unwrap();
    let path = home.path().join("identity.key");
    for mode in [0o640, 0o604, 0o620, 0o602] {
        set_mode(&path, mode);
        let error = Identity::load_or_create(home.path()).unwrap_err();
        assert!(matches!(error, IdentityError::Exposed { mode: seen, .. } if seen == mode), "{error}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    set_mode(&path, 0o600);
    assert!(Identity::load_or_create(home.path()).is_ok());
}

#[test]
fn a_file_that_is_no_identity_is_left_for_a_person_to_look_at() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("identity.key");
    for content in [b"".as_slice(), b"not a key", &[0; 100_000]] {
        fs::write(&path, content).unwrap();
        set_mode(&path, 0o600);
        let error = Identity::load_or_create(home.path()).unwrap_err();
        assert!(matches!(error, IdentityError::NotAnIdentity { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), content, "nothing is overwritten");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    set_mode(&path, 0o700);
    let error = Identity::load_or_create(home.path()).unwrap_err();
    assert!(matches!(error, IdentityError::Unreadable { .. }), "{error}");
}

#[test]
fn a_place_that_cannot_be_written_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    let error = Identity::load_or_create(&home.path().join("file/state")).unwrap_err();
    assert!(matches!(error, IdentityError::Unreadable { .. } | IdentityError::NotStored { .. }), "{error}");
}

#[test]
fn a_pin_is_kept_replaced_and_never_half_written() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(pinned_peer(home.path()).unwrap(), None);
    for seed in [1, 2] {
        let key = PeerKey::from_raw(&[seed; 32]);
        pin_peer(home.path(), &key).unwrap();
        assert_eq!(pinned_peer(home.path()).unwrap(), Some(key));
    }
    assert_eq!(names(home.path()), ["peer.key"]);
}

#[test]
fn an_unreadable_pin_is_set_aside_and_the_box_is_unpaired() {
    let home = tempfile::tempdir().unwrap();
    for (round, content) in [b"engawa-key:AAAA".as_slice(), &[0xff; 10], &[b'x'; 100_000]].into_iter().enumerate() {
        fs::write(home.path().join("peer.key"), content).unwrap();
        let error = pinned_peer(home.path()).unwrap_err();
        let IdentityError::PinSetAside { kept_as, .. } = &error else { panic!("{error}") };
        assert_eq!(fs::read(kept_as).unwrap(), content);
        assert_eq!(pinned_peer(home.path()).unwrap(), None);
        assert_eq!(names(home.path()).len(), round + 1, "earlier ones are kept too");
    }
}

#[test]
fn an_installer_carries_names_and_public_keys_only() {
    let identity = Identity::generate().unwrap();
    let text = identity.export("市民課\u{7} 2F");
    assert_eq!(Export::parse(&text), Ok(Export { name: "市民課 2F".into(), key: identity.public_key() }));
    let bare = identity.public_key().to_string();
    assert_eq!(Export::parse(&bare).unwrap().key, identity.public_key());
    assert_eq!(Export::parse("name: x\n"), Err(NotAKey));
    assert_eq!(Export::parse(&format!("key: {bare}\nkey: {bare}\n")), Err(NotAKey));
    assert_eq!(Export::parse(&format!("key: {}x\n", bare)), Err(NotAKey));
}

#[test]
fn a_box_is_not_its_own_peer() {
    let identity = Identity::generate().unwrap();
    assert!(matches!(identity.check_peer(&identity.public_key()), Err(IdentityError::OwnKey)));
    assert!(identity.check_peer(&PeerKey::from_raw(&[1; 32])).is_ok());
}
