//! Which bytes of a PDF its first page needs: all that lies outside of streams, and the streams that the page leads to.
//!
//! ```text
//!   head │ dictionaries │ text of page 1 │ dictionary │ image of page 2 │ … │ cross-reference
//!   ███████████████████████████████████████████████████                  ███████████████████   needed
//! ```
//!
//! Relied on: a file with zeros in place of everything else is read as the same pages, and its first one leads to the same
//! streams. Where that is in doubt, or would save little, the answer is that the whole file is needed.

use crate::pages::MOST_PARTS;
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Dict, MaybeRef, Name, Object, ObjectIdentifier, Stream};
use hayro::hayro_syntax::page::Page;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;

/// In order, apart from each other; none when the whole file is needed.
pub(super) fn parts(pdf: &Pdf) -> Vec<Range<usize>> {
    parts_of(pdf).unwrap_or_default()
}

fn parts_of(pdf: &Pdf) -> Option<Vec<Range<usize>>> {
    let file = pdf.data().as_ref();
    if pdf.len() > MOST_OBJECTS {
        return None;
    }
    let needed = Walk::over(pdf)?.needed;
    let mut holes = Vec::new();
    for object in pdf.objects() {
        if let Object::Stream(stream) = object
            && !is_of_the_file(&stream)
        {
            let place = place(file, &stream)?;
            if place.len() >= SHORTEST_HOLE && !needed.contains(&(place.start, place.end)) {
                holes.push(place);
            }
        }
    }
    holes.sort_by_key(|hole| Reverse(hole.len()));
    holes.truncate(MOST_PARTS - 1);
    let saved: usize = holes.iter().map(Range::len).sum();
    holes.sort_by_key(|hole| hole.start);
    if saved < file.len() / LEAST_SAVED || holes.windows(2).any(|pair| pair[0].end > pair[1].start) {
        return None;
    }
    let ends = holes.iter().map(|hole| hole.start).chain([file.len()]);
    let starts = [0].into_iter().chain(holes.iter().map(|hole| hole.end));
    let parts: Vec<_> = starts.zip(ends).map(|(from, to)| from..to).filter(|part| !part.is_empty()).collect();
    let mut partial = vec![0; file.len()];
    for part in &parts {
        partial.get_mut(part.clone())?.copy_from_slice(file.get(part.clone())?);
    }
    let partial = Pdf::new(partial).ok()?;
    let sizes = |pdf: &Pdf| pdf.pages().iter().map(Page::render_dimensions).collect::<Vec<_>>();
    (sizes(&partial) == sizes(pdf) && Walk::over(&partial)?.needed == needed).then_some(parts)
}

/// What the first page leads to.
struct Walk<'p> {
    file: &'p [u8],
    page: &'p Page<'p>,
    left: Vec<MaybeRef<Object<'p>>>,
    seen: BTreeSet<ObjectIdentifier>,
    /// From, to.
    needed: BTreeSet<(usize, usize)>,
    /// Something is drawn with the page's resources beside what its own text names.
    borrows: bool,
}

impl<'p> Walk<'p> {
    fn over(pdf: &'p Pdf) -> Option<Self> {
        let (file, page) = (pdf.data().as_ref(), pdf.pages().first()?);
        let seen = page.raw().obj_id().into_iter().collect();
        let (left, needed) = (Vec::new(), BTreeSet::new());
        let mut walk = Self { file, page, left, seen, needed, borrows: false };
        walk.entries(page.raw(), |key| key != b"Resources" && !ELSEWHERE.contains(&key));
        match names(page.page_stream().unwrap_or_default()) {
            Some(named) => walk.resources(|key| key.starts_with(b"Default") || named.contains(key)),
            None => walk.borrows = true,
        }
        walk.walk()?;
        if walk.borrows {
            walk.resources(|_| true);
            walk.walk()?;
        }
        Some(walk)
    }

    fn resources(&mut self, wanted: impl Fn(&[u8]) -> bool) {
        let of = self.page.resources();
        let fonts_and_colours = [&of.ext_g_states, &of.fonts, &of.color_spaces, &of.properties];
        for dict in fonts_and_colours.into_iter().chain([&of.x_objects, &of.patterns, &of.shadings]) {
            self.entries(dict, &wanted);
        }
    }

    fn entries(&mut self, dict: &Dict<'p>, wanted: impl Fn(&[u8]) -> bool) {
        self.left.extend(dict.entries().filter(|(key, _)| wanted(key)).map(|(_, value)| value));
    }

    fn walk(&mut self) -> Option<()> {
        let mut steps = 0;
        while let Some(next) = self.left.pop() {
            steps += 1;
            if steps > MOST_STEPS {
                return None;
            }
            let object = match next {
                MaybeRef::NotRef(object) => object,
                MaybeRef::Ref(to) if self.seen.insert(to.into()) => match self.page.xref().get(to.into()) {
                    Some(object) => object,
                    None => continue,
                },
                MaybeRef::Ref(_) => continue,
            };
            match object {
                Object::Dict(dict) => self.enter(&dict),
                Object::Array(array) => self.left.extend(array.raw_iter()),
                Object::Stream(stream) => {
                    let place = place(self.file, &stream)?;
                    self.needed.insert((place.start, place.end));
                    self.enter(stream.dict());
                }
                Object::Null(_) | Object::Boolean(_) | Object::Number(_) | Object::String(_) | Object::Name(_) => {}
            }
        }
        Some(())
    }

    fn enter(&mut self, dict: &Dict<'p>) {
        let is = |key: &[u8], names: &[&[u8]]| dict.get::<Name<'_>>(key).is_some_and(|name| names.contains(&&*name));
        if is(b"Type", &[b"Page", b"Pages", b"Catalog", b"StructElem"]) {
            return;
        }
        let draws = dict.contains_key(b"BBox") || is(b"Subtype", &[b"Form", b"Type3"]);
        self.borrows |= draws && !dict.contains_key(b"Resources");
        // Elsewhere a font or a picture may be called so.
        let is_annotation = is(b"Type", &[b"Annot"]) || (dict.contains_key(b"Rect") && dict.contains_key(b"Subtype"));
        self.entries(dict, |key| !(is_annotation && ELSEWHERE.contains(&key)));
    }
}

/// Where its bytes lie in the file; none when they are not as they lie there.
fn place(file: &[u8], stream: &Stream<'_>) -> Option<Range<usize>> {
    let std::borrow::Cow::Borrowed(bytes) = stream.raw_data() else { return None };
    let from = bytes.as_ptr().addr().checked_sub(file.as_ptr().addr())?;
    let to = from.checked_add(bytes.len()).filter(|to| *to <= file.len())?;
    Some(from..to)
}

/// Without which no object is found.
fn is_of_the_file(stream: &Stream<'_>) -> bool {
    stream.dict().get::<Name<'_>>(b"Type").is_some_and(|name| matches!(&*name, b"XRef" | b"ObjStm"))
}

/// Every name in a page's text, and maybe more; none when one is written in a way of its own.
fn names(text: &[u8]) -> Option<BTreeSet<&[u8]>> {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\0()<>[]{}/%".contains(byte);
    let after = text.split(|byte| *byte == b'/').skip(1);
    let named: BTreeSet<&[u8]> = after.filter_map(|rest| rest.split(ends).next()).collect();
    named.iter().all(|name| !name.contains(&b'#')).then_some(named)
}

/// From a page or an annotation these lead to other pages, or to what is never drawn.
const ELSEWHERE: &[&[u8]] =
    &[b"Parent", b"P", b"Dest", b"A", b"AA", b"Next", b"Prev", b"B", b"Thumb", b"PieceInfo", b"Metadata", b"Popup"];
/// Longer documents are read too, and sent from their beginning.
const MOST_OBJECTS: usize = 100_000;
const MOST_STEPS: usize = 100_000;
/// A shorter one costs more in words about it than it saves.
const SHORTEST_HOLE: usize = 1_024;
/// The fourth part of the file, or it is not worth it.
const LEAST_SAVED: usize = 4;
