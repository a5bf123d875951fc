//! The documents' part of the state.

use super::words::pick;
use crate::asking::page_state_name;
use crate::core::face::{PageFace, PageState};
use crate::core::share::{self, Keeping};
use crate::core::snapshot::RoomSnapshot;
use crate::model::Language;
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct DocumentRow<'s> {
    id: String,
    name: &'s str,
    page: u32,
    pages: u32,
    front: bool,
    zoom: u16,
    corner: [u16; 2],
    ink: u32,
    keeping: &'static str,
    here: bool,
}

#[derive(Serialize)]
pub(super) struct PageWords {
    state: &'static str,
    percent: Option<u8>,
    text: Option<String>,
}

/// Every open document.
pub(super) fn documents(room: &RoomSnapshot) -> Vec<DocumentRow<'_>> {
    let front = room.share.word().in_front().map(|front| front.id);
    let rows = room.share.open().map(|document| DocumentRow {
        id: document.id.to_string(),
        name: &document.name,
        page: document.look.page,
        pages: document.pages,
        front: front == Some(document.id),
        zoom: document.look.zoom,
        corner: document.look.corner,
        ink: room.share.ink_revision(document.id, document.look.page),
        keeping: keeping_name(room.share.keeping(document.id)),
        here: room.share.is_here(document.id),
    });
    rows.collect()
}

const fn keeping_name(keeping: Keeping) -> &'static str {
    match keeping {
        Keeping::Nobody => "nobody",
        Keeping::Near => "near",
        Keeping::Far => "far",
        Keeping::Both => "both",
        Keeping::Kept => "kept",
        Keeping::NoPlace => "no_place",
    }
}

/// How far the one in front is.
pub(super) fn page_words(page: &PageFace, language: Language) -> PageWords {
    let (percent, text) = match page.state {
        PageState::Here => (None, None),
        PageState::Opening => (None, Some(pick(language, "資料を開いています。", "Opening the document.").to_owned())),
        PageState::Arriving(percent) => {
            let words = pick(language, "資料を受け取っています", "The document is coming");
            (Some(percent), Some(format!("{words} {percent} %")))
        }
        PageState::Refused(why) => (None, Some(unshowable(&page.name, why, language))),
    };
    PageWords { state: page_state_name(page.state), percent, text }
}

/// Why one is not shown.
pub(super) fn unshowable(name: &str, why: share::Refusal, language: Language) -> String {
    format!("{name}{}{}", pick(language, "：", ": "), why.reason(language))
}
