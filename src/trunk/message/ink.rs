//! Drawings and pointers, as messages. Every number is brought within its bounds, every list within its length.

use super::MessageError;
use super::share::{Stamp, read};
use crate::core::share::{self, InkMark, MOST_POINTS, MOST_TOLD, Marked, Point};
use crate::model::Role;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct Ink {
    #[serde(default)]
    marks: Vec<Mark>,
}

/// With points it was drawn, without them all before it was wiped away.
#[derive(Serialize, Deserialize)]
struct Mark {
    document: String,
    placed: Stamp,
    page: u32,
    at: Stamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    offerer: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    points: Vec<Point>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Pointer {
    document: String,
    page: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Point>,
}

impl Ink {
    pub(super) fn new(marks: &[InkMark]) -> Self {
        Self { marks: marks.iter().map(Mark::from).collect() }
    }

    pub(super) fn read(self) -> Result<Vec<InkMark>, MessageError> {
        if self.marks.len() > MOST_TOLD {
            return Err(MessageError::OutOfBounds("the number of drawings"));
        }
        self.marks.into_iter().map(InkMark::try_from).collect()
    }
}

impl From<&InkMark> for Mark {
    fn from(mark: &InkMark) -> Self {
        let (at, offerer, points) = match &mark.what {
            Marked::Drawn(stroke) => (stroke.stamp, stroke.by == Role::Offerer, stroke.points.clone()),
            Marked::Wiped(stamp) => (*stamp, false, Vec::new()),
        };
        Self {
            document: mark.document.to_string(),
            placed: mark.placed.into(),
            page: mark.page,
            at: at.into(),
            offerer,
            points,
        }
    }
}

impl TryFrom<Mark> for InkMark {
    type Error = MessageError;

    fn try_from(wire: Mark) -> Result<Self, MessageError> {
        if wire.points.len() > MOST_POINTS || !wire.points.iter().all(is_on_page) {
            return Err(MessageError::OutOfBounds("a drawing"));
        }
        let (stamp, by) = (wire.at.into(), if wire.offerer { Role::Offerer } else { Role::Answerer });
        let what = if wire.points.is_empty() {
            Marked::Wiped(stamp)
        } else {
            Marked::Drawn(share::Stroke { stamp, by, points: wire.points })
        };
        Ok(Self { document: read(&wire.document)?, placed: wire.placed.into(), page: wire.page, what })
    }
}

impl From<&share::Pointer> for Pointer {
    fn from(pointer: &share::Pointer) -> Self {
        Self { document: pointer.document.to_string(), page: pointer.page, at: pointer.at }
    }
}

impl TryFrom<Pointer> for share::Pointer {
    type Error = MessageError;

    fn try_from(wire: Pointer) -> Result<Self, MessageError> {
        if wire.at.is_some_and(|at| !is_on_page(&at)) {
            return Err(MessageError::OutOfBounds("a pointer"));
        }
        Ok(Self { document: read(&wire.document)?, page: wire.page, at: wire.at })
    }
}

fn is_on_page(point: &Point) -> bool {
    point.iter().all(|at| *at <= 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(points: Vec<Point>, document: &str) -> Result<Vec<InkMark>, MessageError> {
        let stamp: Stamp = share::Stamp::default().into();
        let mark = Mark { document: document.into(), placed: stamp, page: 0, at: stamp, offerer: true, points };
        Ink { marks: vec![mark] }.read()
    }

    #[test]
    fn what_no_box_says_is_refused() {
        let id = "ab".repeat(32);
        assert!(drawn(vec![[0, 10_000]; MOST_POINTS], &id).is_ok());
        assert!(drawn(vec![[0, 0]; MOST_POINTS + 1], &id).is_err());
        assert!(drawn(vec![[0, 10_001]], &id).is_err());
        assert!(drawn(vec![[0, 0]], "../../etc/passwd").is_err());
        let far = Pointer { document: id.clone(), page: 0, at: Some([10_001, 0]) };
        assert!(share::Pointer::try_from(far).is_err());
        let wiped = drawn(Vec::new(), &id).expect("a wipe");
        let many = vec![wiped[0].clone(); MOST_TOLD + 1];
        assert!(Ink::new(&many).read().is_err());
    }
}
