//! What a file is called on screens and pages.

/// A file's name as people see it: no path, no control characters, at most 64 characters.
pub fn file_name(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown = file.chars().filter(|letter| !letter.is_control() && !is_bidi(*letter));
    let name: String = shown.take(64).collect();
    if name.trim().is_empty() { "–".into() } else { name.trim().into() }
}

/// Letters that turn the direction of others: "annexe\u{202e}fdp.exe".
const fn is_bidi(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_file_is_called_by_its_name_alone() {
        for (file, shown) in [
            ("予算案.pdf", "予算案.pdf"),
            ("../../etc/passwd", "passwd"),
            (r"C:\窓口\a.pdf", "a.pdf"),
            ("annex\u{202e}fdp.exe", "annexfdp.exe"),
            ("🍵 tea.pdf", "🍵 tea.pdf"),
            ("line\nbreak.pdf", "linebreak.pdf"),
            (" / ", "–"),
        ] {
            assert_eq!(file_name(file), shown);
        }
        assert_eq!(file_name(&"長".repeat(100)).chars().count(), 64);
    }
}
