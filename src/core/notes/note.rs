//! One note, and the letters that may stand in it.

use crate::core::share::Stamp;
use crate::model::Role;

/// A short note; once written it does not change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Names it.
    pub stamp: Stamp,
    /// What stands on it.
    pub paper: Paper,
    /// Whose room wrote it.
    pub room: Role,
    /// Who, at most [`NAME`] characters; empty: the room.
    pub name: String,
    /// The writer's wall clock, milliseconds since 1970.
    pub written_ms: u64,
}

/// What a note is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Paper {
    /// At most [`LETTERS`] characters on one line.
    Words(String),
    /// Lines on a sheet of [`SHEET`].
    Drawing(Vec<Stroke>),
}

/// One line of a drawing: its points, left and top first; at most [`POINTS`].
pub type Stroke = Vec<[u16; 2]>;

impl Paper {
    /// Typed words; `None` when nothing or too much is written.
    pub fn words(text: &str) -> Option<Self> {
        let text = one_line(text);
        (!text.is_empty() && text.chars().count() <= LETTERS).then_some(Self::Words(text))
    }

    /// A drawing; `None` when nothing is drawn, too much, or beyond the sheet.
    pub fn drawing(strokes: Vec<Stroke>) -> Option<Self> {
        let within = |point: &[u16; 2]| point[0] <= SHEET[0] && point[1] <= SHEET[1];
        let fits = |stroke: &Stroke| (1..=POINTS).contains(&stroke.len()) && stroke.iter().all(within);
        ((1..=STROKES).contains(&strokes.len()) && strokes.iter().all(fits)).then_some(Self::Drawing(strokes))
    }

    /// How many bytes it is in a message, about.
    pub fn weight(&self) -> usize {
        match self {
            Self::Words(text) => text.len(),
            Self::Drawing(strokes) => strokes.iter().map(|stroke| 2 + 8 * stroke.len()).sum(),
        }
    }
}

/// Text as it may be shown: one line, without the letters that control or turn the direction of others.
pub fn one_line(text: &str) -> String {
    let shown = |letter: char| match letter {
        '\n' | '\r' | '\t' => Some(' '),
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => None,
        _ if letter.is_control() => None,
        _ => Some(letter),
    };
    text.chars().filter_map(shown).collect::<String>().trim().to_owned()
}

/// As somebody is called on a note, beside a raised hand.
pub fn short_name(name: &str) -> String {
    one_line(name).chars().take(NAME).collect::<String>().trim().to_owned()
}

/// Characters of a typed note.
pub const LETTERS: usize = 200;
/// Characters of a name.
pub const NAME: usize = 24;
/// Lines of a drawing.
pub const STROKES: usize = 24;
/// Points of one line.
pub const POINTS: usize = 48;
/// Width and height of the sheet that is drawn on.
pub const SHEET: [u16; 2] = [1000, 600];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_shown_on_one_line_stands_on_a_note() {
        let words = |text: &str| match Paper::words(text) {
            Some(Paper::Words(text)) => Some(text),
            Some(Paper::Drawing(_)) | None => None,
        };
        assert_eq!(words(" 会議は\n15時から\u{202e} \u{7}").as_deref(), Some("会議は 15時から"));
        assert_eq!((words(" \u{200f}\n"), words(&"長".repeat(LETTERS + 1))), (None, None));
        assert_eq!(words(&"長".repeat(LETTERS)).map(|text| text.chars().count()), Some(LETTERS));
        assert_eq!(short_name("\u{2066}田中 太郎").as_str(), "田中 太郎");
        assert_eq!(short_name(&"𠮷".repeat(99)).chars().count(), NAME);
    }

    #[test]
    fn a_drawing_stays_on_its_sheet() {
        let most = vec![vec![SHEET; POINTS]; STROKES];
        assert!(Paper::drawing(most.clone()).is_some_and(|paper| paper.weight() < 12 * 1024));
        let wrong = [
            vec![],
            vec![vec![]],
            vec![vec![[SHEET[0] + 1, 0]]],
            vec![vec![[0, SHEET[1] + 1]]],
            vec![vec![[0; 2]; POINTS + 1]],
            [most, vec![vec![[0; 2]]]].concat(),
        ];
        assert!(wrong.into_iter().all(|strokes| Paper::drawing(strokes).is_none()));
    }
}
