//! What becomes of teaching a view: how the camera stands now is to be known again.

use crate::model::Language;

/// A view that is being taught, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// Its index.
    pub view: usize,
    /// How it goes.
    pub state: LessonState,
}

/// How it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LessonState {
    /// The camera is looked at.
    Learning,
    /// Known from now on.
    Learnt,
    /// Known until the next start: the disk did not take it.
    NotKept,
    /// No picture, hardly an edge in it, or it did not hold still: as before.
    TooPoor,
    /// The camera stands as it does for this other view: as before.
    LooksLike(usize),
}

impl Lesson {
    /// For people. `views`: their names.
    pub fn text(&self, views: &[String], language: Language) -> String {
        let name = |view: usize| views.get(view).map_or("", String::as_str);
        let this = name(self.view);
        match language {
            Language::Japanese => match self.state {
                LessonState::Learning => {
                    format!("いまの映像を「{this}」として覚えています。カメラを動かさないでください。")
                }
                LessonState::Learnt => format!("「{this}」を覚えました。"),
                LessonState::NotKept => {
                    format!(
                        "「{this}」を覚えましたが、保存できませんでした。再起動したら、もう一度覚えさせてください。"
                    )
                }
                LessonState::TooPoor => format!(
                    "「{this}」は覚えられませんでした。部屋を明るくし、物が映る向きで、カメラを動かさずに、もう一度押してください。"
                ),
                LessonState::LooksLike(other) => format!(
                    "「{this}」は「{}」と見分けがつかないので、覚えませんでした。カメラの向きを変えてから押してください。",
                    name(other)
                ),
            },
            Language::English => match self.state {
                LessonState::Learning => format!("Learning the present picture as “{this}”. Leave the camera still."),
                LessonState::Learnt => format!("“{this}” is learnt."),
                LessonState::NotKept => {
                    format!("“{this}” is learnt but could not be saved. Teach it again after the next start.")
                }
                LessonState::TooPoor => format!(
                    "“{this}” was not learnt. Light the room, let the camera see some things, leave it still and try again."
                ),
                LessonState::LooksLike(other) => {
                    format!("“{this}” was not learnt: it looks just like “{}”. Turn the camera first.", name(other))
                }
            },
        }
    }
}
