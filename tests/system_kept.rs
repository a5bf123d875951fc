//! Documents kept beyond their meeting: until a date, whatever the clock says, and not one byte longer.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use engawa::documents::{DocumentBytes, name_of};
use engawa::model::DocumentId;
use engawa::system::kept::{KeptDocuments, MOST_KEPT};
use std::path::Path;
use std::time::Duration;

const DAY_S: u64 = 24 * 3600;

#[test]
fn a_kept_document_is_read_again_after_a_restart_and_taken_away_by_hand() {
    let home = tempfile::tempdir().unwrap();
    let id = keep(&KeptDocuments::open(home.path(), 7, false), "予算案.pdf", b"budget");
    let kept = KeptDocuments::open(home.path(), 7, false);
    assert_eq!(kept.read(id), Some(("予算案.pdf".into(), b"budget".to_vec())));
    assert!(kept.forget(id));
    assert!(!kept.forget(id));
    assert_eq!((kept.read(id), files(home.path())), (None, 0));
}

#[test]
fn the_date_ends_it_and_so_does_a_week_of_running_under_a_clock_that_stands_still() {
    let home = tempfile::tempdir().unwrap();
    let kept = KeptDocuments::open(home.path(), 7, false);
    let id = keep(&kept, "a.pdf", b"a");
    let until = until(&kept, id);
    kept.pass(Duration::from_secs(600), until - 1, until - 1);
    assert_eq!(kept.list().len(), 1, "a second before");
    kept.pass(Duration::from_secs(600), until, until);
    assert_eq!((kept.list().len(), files(home.path())), (0, 0));

    let id = keep(&kept, "b.pdf", b"b");
    let now = self::until(&kept, id) - 7 * DAY_S;
    for _ in 0..7 * 24 * 6 - 1 {
        kept.pass(Duration::from_secs(600), now, now);
    }
    assert_eq!(kept.list().len(), 1, "ten minutes before");
    kept.pass(Duration::from_secs(600), now, now);
    assert_eq!((kept.list().len(), files(home.path())), (0, 0));
}

#[test]
fn a_clock_that_is_set_takes_nothing_away_early_and_keeps_nothing_longer() {
    let home = tempfile::tempdir().unwrap();
    let kept = KeptDocuments::open(home.path(), 7, false);
    let id = keep(&kept, "a.pdf", b"a");
    let before = until(&kept, id);
    let now = before - 7 * DAY_S;
    let years = 10 * 365 * DAY_S;
    kept.pass(Duration::from_secs(600), now + 600, now + years);
    assert_eq!(until(&kept, id), before + years - 600);
    kept.pass(Duration::from_secs(600), now + years + 600, now + 1200);
    assert_eq!(until(&kept, id), before, "and back");
}

#[test]
fn a_box_that_is_switched_off_too_soon_each_time_forgets_all_the_same() {
    let home = tempfile::tempdir().unwrap();
    let id = keep(&KeptDocuments::open(home.path(), 1, false), "a.pdf", b"a");
    let left = |kept: &KeptDocuments| kept.read(id).is_some();
    let restarts = (0..200).take_while(|_| left(&KeptDocuments::open(home.path(), 1, true)));
    assert_eq!(restarts.count(), 24 * 6 - 1);
    let id = keep(&KeptDocuments::open(home.path(), 1, false), "b.pdf", b"b");
    let crashed = (0..200).all(|_| KeptDocuments::open(home.path(), 1, false).read(id).is_some());
    assert!(crashed, "a daemon that begins anew again and again costs nothing");
}

#[test]
fn nothing_lies_there_that_was_not_kept() {
    let home = tempfile::tempdir().unwrap();
    let id = keep(&KeptDocuments::open(home.path(), 7, false), "a.pdf", b"a");
    let place = home.path().join("kept");
    std::fs::write(place.join("notes.txt"), "x").unwrap();
    std::fs::write(place.join(format!("{}.document", "ab".repeat(32))), "half").unwrap();
    std::fs::write(place.join(format!("{}.json", "cd".repeat(32))), "{}").unwrap();
    assert_eq!(KeptDocuments::open(home.path(), 7, false).list().len(), 1);
    assert_eq!(files(home.path()), 2);
    std::fs::write(place.join(format!("{id}.document")), "longer").unwrap();
    assert_eq!(KeptDocuments::open(home.path(), 7, false).list().len(), 0, "another length: torn");
    assert_eq!(files(home.path()), 0);
}

#[test]
fn what_was_kept_with_another_box_is_not_for_this_pair() {
    let home = tempfile::tempdir().unwrap();
    let kept = KeptDocuments::open(home.path(), 7, false);
    kept.take_pair("neko umi sora hana ishi kawa");
    keep(&kept, "a.pdf", b"a");
    let kept = KeptDocuments::open(home.path(), 7, false);
    kept.take_pair("neko umi sora hana ishi kawa");
    assert_eq!(kept.list().len(), 1);
    kept.take_pair("tori yama kaze tsuki hoshi ame");
    assert_eq!((kept.list().len(), files(home.path())), (0, 1), "only whose they are");
}

#[test]
fn a_box_set_to_keep_nothing_and_a_full_one_say_so() {
    let home = tempfile::tempdir().unwrap();
    let refused = |kept: &KeptDocuments, text: &[u8]| {
        let bytes = DocumentBytes::from(text.to_vec());
        kept.keep(name_of(text), "a.pdf", &bytes).map_err(|error| error.kind())
    };
    assert_eq!(refused(&KeptDocuments::open(home.path(), 0, false), b"x"), Err(std::io::ErrorKind::StorageFull));
    let kept = KeptDocuments::open(home.path(), 7, false);
    for number in 0..MOST_KEPT {
        keep(&kept, "a.pdf", number.to_string().as_bytes());
    }
    assert_eq!(refused(&kept, b"x"), Err(std::io::ErrorKind::StorageFull));
    assert_eq!(refused(&kept, b"7"), Ok(false), "kept already");
}

fn keep(kept: &KeptDocuments, name: &str, bytes: &[u8]) -> DocumentId {
    let id = name_of(bytes);
    kept.keep(id, name, &DocumentBytes::from(bytes.to_vec())).unwrap();
    id
}

fn until(kept: &KeptDocuments, id: DocumentId) -> u64 {
    kept.list().into_iter().find(|(known, _)| *known == id).unwrap().1.until_s
}

fn files(home: &Path) -> usize {
    std::fs::read_dir(home.join("kept")).unwrap().count()
}
