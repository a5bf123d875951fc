//! What people ask of their own box, and the three answers they get: accepted, already so, denied because.

use crate::core::floor::FloorRequest;
use crate::core::live::LiveRequest;
use crate::core::notes::NoteRequest;
use crate::core::prints::PrintRequest;
use crate::core::share::ShareRequest;
use crate::model::{GuestId, Language, Mode, Veil};

/// A wish of a person in this room: from a key, the panel or the command line. All follow the same policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Change the mode. Opens no microphone.
    Mode(Mode),
    /// Ring softly in the other room; opens the own microphone for as long as the knock lasts.
    Knock,
    /// Answer the other room's knock: opens the own microphone.
    Answer,
    /// Send the knock away, or stop what a banner announces.
    Cancel,
    /// Open (true) or close the own microphone.
    Microphone(bool),
    /// The camera looks so: index into the configured views.
    View(usize),
    /// Veil the camera.
    Veil(Veil),
    /// Loudness of the far room here, 0 … 100.
    Volume(u8),
    /// Show what the far side sees.
    OwnPicture(bool),
    /// Show address, QR code and room code on the kiosk screen.
    ShowCode(bool),
    /// Refuse new guests.
    Lock(bool),
    /// Let a waiting guest in.
    Admit(GuestId),
    /// Send a waiting guest away.
    Refuse(GuestId),
    /// End a guest.
    Remove(GuestId),
    /// End all guests.
    RemoveAll,
    /// Recognise by itself where the camera was turned to.
    FollowTurns(bool),
    /// The camera stands now as this view is meant: learn it.
    Teach(usize),
    /// Something with the documents.
    Share(ShareRequest),
    /// Something with the notice board.
    Note(NoteRequest),
    /// Something with hands or poll.
    Floor(FloorRequest),
    /// Something with the live share.
    Live(LiveRequest),
    /// Put the document input in front (true), or do not ask about it any more.
    ShowInput(bool),
    /// Something with a print that waits.
    Print(PrintRequest),
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A key in the room.
    Key,
    /// The command line of this box.
    Local,
    /// A browser; only an admitted guest is obeyed.
    Guest(GuestId),
    /// A browser that proved the installer's PIN.
    Installer,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done.
    Accepted,
    /// Nothing to do.
    AlreadySo,
    /// Not done.
    Denied(Denied),
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The other room drew its curtain; only that room lifts it.
    FarCurtain,
    /// The other room sleeps.
    FarAsleep,
    /// This room's own curtain is drawn.
    NearCurtain,
    /// This room sleeps; any key wakes it.
    NearAsleep,
    /// The link is down.
    NoLink,
    /// Nobody knocks.
    NobodyKnocks,
    /// No such view.
    NoSuchView,
    /// The asker is no admitted guest.
    NotAdmitted,
    /// No such guest.
    NoSuchGuest,
    /// The room code is another one.
    WrongCode,
    /// Too many wrong codes; wait.
    TooManyTries,
    /// The room is locked.
    Locked,
    /// As many guests as can be.
    Full,
    /// This box is not paired.
    NotPaired,
    /// Another camera gives that view: the first one is never turned there.
    OtherCamera,
    /// No document is open, or not this one.
    NoSuchDocument,
    /// Another document was put in front meanwhile.
    NotInFront,
    /// As many documents as can be open at once.
    TooManyDocuments,
    /// As many lines as pages may carry.
    TooMuchInk,
    /// The meeting that a document was brought for is over, or the curtain behind which it was brought is open.
    MeetingOver,
    /// This box is set to keep no documents.
    KeepsNothing,
    /// Both rooms wanted it kept: it lies on the boxes' disks.
    AlreadyKept,
    /// The notice board is full.
    BoardFull,
    /// That note is gone.
    NoSuchNote,
    /// Only while both rooms talk or meet.
    NotTogether,
    /// That hand is not up in this room.
    NoSuchHand,
    /// One poll at a time.
    PollOpen,
    /// That poll takes no votes.
    NoPoll,
    /// The room is locked: no new screen is shared.
    SharingLocked,
    /// The room is locked: no new document is shown.
    DocumentsLocked,
    /// The room is locked: no new print is shown.
    PrintsLocked,
    /// A screen is shared and is not handed over: so it is set.
    ShareKept,
    /// A screen of this room waits already.
    ShareWaits,
    /// No screen is shared.
    NoShare,
    /// No screen waits for this room's word.
    NoShareWaits,
    /// The document input has no signal.
    NoInput,
    /// As many prints wait as may.
    TooManyPrints,
    /// That print does not wait any more.
    NoSuchPrint,
    /// The far box still works on what was asked before.
    HelpRuns,
}

impl Denied {
    /// The reason in words for people.
    pub fn text(self, language: Language) -> &'static str {
        let (ja, en) = match self {
            Self::FarCurtain => (
                "相手の部屋がカーテンを閉めています。開けられるのは相手の部屋だけです。",
                "The other room has drawn its curtain. Only that room can open it.",
            ),
            Self::FarAsleep => ("相手の部屋はおやすみ中です。", "The other room is asleep."),
            Self::NearCurtain => (
                "この部屋のカーテンが閉まっています。先に「カーテン」で開けてください。",
                "This room's curtain is drawn. Open it with “Curtain” first.",
            ),
            Self::NearAsleep => {
                ("おやすみ中です。どれかのキーを押すと起きます。", "This room is asleep. Press any key to wake it.")
            }
            Self::NoLink => (
                "相手の部屋とつながっていません。自動でつなぎ直しています。",
                "Not linked to the other room. Reconnecting by itself.",
            ),
            Self::NobodyKnocks => ("いま声かけは届いていません。", "Nobody is knocking now."),
            Self::NoSuchView => ("そのカメラの向きは登録されていません。", "There is no such camera view."),
            Self::NotAdmitted => (
                "先に、画面に出ている6桁の部屋コードを入力してください。",
                "First type the six-digit room code that stands on the screen.",
            ),
            Self::NoSuchGuest => ("その端末はもういません。", "That guest is no longer here."),
            Self::WrongCode => (
                "部屋コードが違います。画面に出ている6桁を確かめてください。",
                "Wrong room code. Check the six digits on the screen.",
            ),
            Self::TooManyTries => (
                "間違ったコードが続いたので、しばらく受け付けません。少し待ってください。",
                "Too many wrong codes. Please wait a little.",
            ),
            Self::Locked => ("この部屋は新しい端末を受け付けていません。", "This room takes no new guests now."),
            Self::Full => ("これ以上の端末は参加できません。", "No more guests can join."),
            Self::NotPaired => ("まだ相手の箱と組になっていません。", "This box is not paired yet."),
            Self::NoSuchDocument => ("その資料は出ていません。", "That document is not open."),
            Self::NotInFront => (
                "別の資料に切り替わったところです。もう一度押してください。",
                "Another document was just put in front. Please press again.",
            ),
            Self::TooManyDocuments => (
                "資料が多すぎます。使わない資料を閉じてください。",
                "Too many documents. Close one that is not needed.",
            ),
            Self::TooMuchInk => (
                "書き込みがいっぱいです。「消す」で消してから書いてください。",
                "The pages carry as many lines as they can. Wipe some away first.",
            ),
            Self::MeetingOver => (
                "送っている間に会議やカーテンの状態が変わったので、資料は出しませんでした。もう一度選んでください。",
                "The meeting or the curtain changed while it was sent, so it was not shown. Choose it again.",
            ),
            Self::KeepsNothing => (
                "この箱は資料を残さない設定です。設置担当者に相談してください。",
                "This box is set to keep no documents. Ask the installer.",
            ),
            Self::AlreadyKept => (
                "もう残してあります。「残した資料」から消せます。",
                "It is kept already. It can be taken away under “Kept documents”.",
            ),
            Self::BoardFull => {
                ("掲示板がいっぱいです。古いものをはがしてください。", "The board is full. Take an old note away.")
            }
            Self::NoSuchNote => ("その貼り紙はもうありません。", "That note is gone already."),
            Self::NotTogether => (
                "挙手と投票は、会話か会議の間だけ使えます。",
                "Raising hands and polls work while the rooms talk or meet.",
            ),
            Self::NoSuchHand => ("その手はもう下りています。", "That hand is down already."),
            Self::PollOpen => {
                ("いま別の投票を受け付けています。先に締め切ってください。", "Another poll is open. Close it first.")
            }
            Self::NoPoll => ("その投票は終わっています。", "That poll is over."),
            Self::SharingLocked => (
                "この部屋は参加を断っているので、新しい画面は出せません。「入口」で受け付けに戻せます。",
                "This room is locked, so no new screen is shared. Unlock it first.",
            ),
            Self::DocumentsLocked => (
                "この部屋は参加を断っているので、新しい資料は出せません。「入口」で受け付けに戻せます。",
                "This room is locked, so no new document is shown. Unlock it first.",
            ),
            Self::PrintsLocked => (
                "この部屋は参加を断っているので、印刷は写せません。「入口」で受け付けに戻せます。",
                "This room is locked, so no print is shown. Unlock it first.",
            ),
            Self::ShareKept => (
                "いま別の画面を共有しています。終わってから出してください。",
                "Another screen is shared now. Share yours when it is over.",
            ),
            Self::ShareWaits => {
                ("この部屋では、もう別の画面が順番を待っています。", "Another screen of this room waits already.")
            }
            Self::NoShare => ("いま画面は共有されていません。", "No screen is shared now."),
            Self::NoShareWaits => ("待っている画面はありません。", "No screen is waiting."),
            Self::NoInput => (
                "HDMIの画面は届いていません。ケーブルと、つないだ機器を確かめてください。",
                "No HDMI picture comes in. Check the cable and what it is plugged into.",
            ),
            Self::TooManyPrints => (
                "ほかの印刷が「写す」を待っています。少し待って、もう一度印刷してください。",
                "Other prints wait for “Show it”. Please wait a little and print it again.",
            ),
            Self::NoSuchPrint => ("その印刷はもう待っていません。", "That print does not wait any more."),
            Self::HelpRuns => (
                "相手の箱は、前に頼んだことをまだしています。少し待ってください。",
                "The other box still does what was asked before. Please wait a little.",
            ),
            Self::OtherCamera => (
                "別のカメラの映像なので、向きを覚えさせる必要はありません。",
                "Another camera gives this view: there is no turning to learn.",
            ),
        };
        match language {
            Language::Japanese => ja,
            Language::English => en,
        }
    }
}
