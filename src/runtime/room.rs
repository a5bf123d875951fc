//! The hands that serve the room: answers, memory, room code, calendar, keys.

use super::{RunError, other};
use crate::config::Config;
use crate::core::input::RoomInput;
use crate::core::ledger::Entry;
use crate::core::memory::Remembered;
use crate::core::request::Answer;
use crate::inbox::Inbox;
use crate::model::Ticket;
use crate::questions::Questions;
use crate::system::hours::{self, Holidays};
use crate::system::room_memory::Keeper;
use ring::rand::{SecureRandom, SystemRandom};

/// Everything that is done for the room.
pub(super) struct RoomHands {
    questions: Questions,
    keeper: Keeper,
}

impl RoomHands {
    /// Starts what tells the loop of the room.
    pub(super) fn start(config: &Config, questions: Questions, inbox: &Inbox) -> Result<Self, RunError> {
        if let Some(hours) = config.room.hours {
            let holidays = if config.room.holidays { Holidays::Closed } else { Holidays::Ignored };
            hours::watch(hours, holidays, inbox.clone());
        }
        let keeper = Keeper::start(&config.state_directory).map_err(other)?;
        Ok(Self { questions, keeper })
    }

    pub(super) fn answer(&self, ticket: Ticket, answer: Answer) {
        self.questions.answer(ticket, answer);
    }

    pub(super) fn record(&self, entry: &Entry) {
        tracing::info!(?entry, "ledger");
    }

    pub(super) fn remember(&self, remembered: &Remembered) {
        self.keeper.keep(remembered);
    }

    pub(super) fn draw_code(&self) {
        match draw_code() {
            Some(code) => self.questions.tell(RoomInput::CodeDrawn(code)),
            // The code of before stays: nobody new gets in by it that did not before.
            None => tracing::warn!("the system gives no random numbers: the room code stays"),
        }
    }
}

/// Six digits, each code as likely as any other: the few numbers beyond the last whole million are drawn again.
fn draw_code() -> Option<u32> {
    const CODES: u32 = 1_000_000;
    let random = SystemRandom::new();
    (0..32).find_map(|_| {
        let mut bytes = [0; 4];
        random.fill(&mut bytes).ok()?;
        let number = u32::from_le_bytes(bytes);
        (number < u32::MAX - u32::MAX % CODES).then_some(number % CODES)
    })
}
