//! What stands behind the question mark of an address: a browser's bytes, read by their whole names.

use crate::model::DocumentId;
use std::str::FromStr;

/// A page of a document: `document=…&page=…`, the page counted from 0.
pub fn page(query: &str) -> Option<(DocumentId, u32)> {
    Some((document(query)?, number(query, "page")?))
}

/// `document=…`
pub fn document(query: &str) -> Option<DocumentId> {
    number(query, "document")
}

/// A file's name: `name=…`, percent-encoded UTF-8. Nothing is believed of it: it may be a path, or anything at all.
pub fn file_name(query: &str) -> String {
    let value = value(query, "name").unwrap_or_default();
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| (byte? as char).to_digit(16);
        let mut ahead = rest.clone();
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Anything that is written without percents.
pub(super) fn number<T: FromStr>(query: &str, name: &str) -> Option<T> {
    value(query, name)?.parse().ok()
}

fn value<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_by_its_whole_names() {
        let id = "ab".repeat(32);
        let query = format!("document={id}&page=3&width=800");
        assert_eq!(page(&query), Some((id.parse().expect("a name"), 3)));
        assert_eq!(number(&query, "width"), Some(800));
        assert!(page(&format!("documents={id}&page=3")).is_none());
        assert!(page(&format!("document={id}&page=-1")).is_none());
        assert!(page("document=../../etc/passwd&page=0").is_none());
    }
}
