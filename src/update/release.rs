//! Which release this is: the image's, else the program's.

use crate::durable;
use std::path::Path;
use std::sync::OnceLock;

/// What `engawa --version`, the screen and the other box are told: `0.1.0+20261123.0214` on a box, the package's version elsewhere.
pub fn release() -> &'static str {
    static RELEASE: OnceLock<String> = OnceLock::new();
    RELEASE.get_or_init(|| read(Path::new(FILE)).unwrap_or_else(|| PROGRAM.to_owned()))
}

/// The one word in this file, if it is a release: a Debian version, at most 64 letters.
pub fn read(file: &Path) -> Option<String> {
    let text = String::from_utf8(durable::read(file, LONGEST).ok()??).ok()?;
    let word = text.trim();
    is_release(word).then(|| word.to_owned())
}

/// Whether `dpkg --compare-versions` takes it for what it looks like.
pub fn is_release(word: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".+~-".contains(&byte);
    word.starts_with(|first: char| first.is_ascii_digit()) && word.len() <= 64 && word.bytes().all(legal)
}

/// Of the image.
pub const FILE: &str = "/usr/lib/engawa-image/release";
/// Of the package.
pub const PROGRAM: &str = env!("CARGO_PKG_VERSION");
const LONGEST: u64 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_version_is_no_release() {
        for word in ["0.1.0", "0.1.0+20261123.0214", "1.0~rc1-2"] {
            assert!(is_release(word), "{word}");
        }
        for word in ["", "latest", "1 2", "1.0\n2.0", "1.0;reboot", "--help"] {
            assert!(!is_release(word), "{word}");
        }
        assert!(!is_release(&"1".repeat(65)));
    }
}
