//! The page's files, inside the binary. No build step, nothing on the disk that could be exchanged.

use ring::digest::{SHA256, digest};
use std::fmt::Write;

/// One file of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asset {
    /// For `Content-Type`.
    pub(super) kind: &'static str,
    /// Its content.
    pub(super) bytes: &'static [u8],
}

impl Asset {
    /// Changes with the content: a browser asks whether its copy is still right.
    pub(super) fn etag(&self) -> String {
        let mut etag = String::from("\"");
        for byte in &digest(&SHA256, self.bytes).as_ref()[..12] {
            let _always_fits = write!(etag, "{byte:02x}");
        }
        etag + "\""
    }
}

pub(super) const PAGE: Asset = Asset { kind: "text/html; charset=utf-8", bytes: include_bytes!("assets/index.html") };
pub(super) const STYLE: Asset = Asset { kind: "text/css; charset=utf-8", bytes: include_bytes!("assets/app.css") };
pub(super) const SCRIPT: Asset = script(include_bytes!("assets/app.js"));
pub(super) const DOM: Asset = script(include_bytes!("assets/dom.js"));
pub(super) const REMOTE: Asset = script(include_bytes!("assets/remote.js"));
pub(super) const DOCUMENTS: Asset = script(include_bytes!("assets/documents.js"));
pub(super) const PAGES: Asset = script(include_bytes!("assets/pages.js"));
pub(super) const BOARD: Asset = script(include_bytes!("assets/board.js"));
pub(super) const FLOOR: Asset = script(include_bytes!("assets/floor.js"));
pub(super) const LIVE: Asset = script(include_bytes!("assets/live.js"));
pub(super) const INSTALLER: Asset = script(include_bytes!("assets/installer.js"));
pub(super) const UPDATE: Asset = script(include_bytes!("assets/update.js"));
pub(super) const WORDS: Asset = script(include_bytes!("assets/words.js"));
pub(super) const ICON: Asset = Asset { kind: "image/svg+xml", bytes: include_bytes!("assets/icon.svg") };

const fn script(bytes: &'static [u8]) -> Asset {
    Asset { kind: "text/javascript; charset=utf-8", bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_light_enough_for_a_phone() {
        let weight: usize =
            [PAGE, STYLE, SCRIPT, DOM, REMOTE, DOCUMENTS, PAGES, BOARD, FLOOR, LIVE, INSTALLER, UPDATE, WORDS, ICON]
                .iter()
                .map(|asset| asset.bytes.len())
                .sum();
        assert!(weight <= 200 * 1024, "{weight} bytes");
    }

    #[test]
    fn the_page_needs_nothing_that_its_policy_forbids() {
        let page = String::from_utf8_lossy(PAGE.bytes);
        for forbidden in ["<style", " style=", " onclick=", "http://", "https://", "javascript:"] {
            assert!(!page.contains(forbidden), "the page has {forbidden}");
        }
        let scripts = page.matches("<script").count();
        assert_eq!(
            scripts,
            page.matches("<script src=\"/").count()
                + page.matches("<script type=\"module\" src=\"/").count()
                + page.matches("<script defer src=\"/").count()
        );
    }
}
