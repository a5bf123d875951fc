//! What comes for the room, from its people, PCs and devices: each to the part of it that knows what to do.

use super::Core;
use crate::core::input::RoomInput;
use crate::core::ledger::Entry;
use crate::core::output::Output;
use crate::core::request::Answer;
use crate::model::Moment;

impl Core {
    /// News and questions that concern the room.
    pub(super) fn handle_room(&mut self, input: RoomInput, now: Moment) {
        let room = &mut self.room;
        let (ticket, answer) = match input {
            RoomInput::Asked { ticket, by, request } => (ticket, room.ask(by, &request, now)),
            RoomInput::CodeTried { ticket, guest, code, name } => (ticket, room.code_tried(guest, code, &name, now)),
            RoomInput::AdmissionAsked { ticket, guest, name } => (ticket, room.admission_asked(guest, &name, now)),
            RoomInput::Printer { ticket, news } => (ticket, room.printer(&news, now)),
            RoomInput::KeyPressed(key) => return room.key(key, now),
            RoomInput::InstallerEntered(guest) => {
                return self.outputs.push_back(Output::Record(Entry::InstallerEntered { guest }));
            }
            RoomInput::InstallerSet { what, uncovers } => return room.installer_set(what, uncovers, now),
            RoomInput::ResetWanted { ticket, guest } => {
                self.outputs.push_back(Output::Record(Entry::ResetWanted { guest }));
                (ticket, Answer::Accepted)
            }
            RoomInput::GuestLeft(guest) => return room.guest_left(guest, now),
            RoomInput::CodeDrawn(code) => return room.code_drawn(code, now),
            RoomInput::HoursChanged(open) => return room.hours(open, now),
            RoomInput::CameraTurned(view) => return room.camera_turned(view, now),
            RoomInput::Taught(lesson) => return room.taught(lesson),
            RoomInput::DocumentOpened { document, pages } => return room.document_opened(document, pages),
            RoomInput::DocumentKept { document, written } => return room.share.kept(document, written),
            RoomInput::KeptTaken { guest, document, forgotten } => {
                if forgotten {
                    room.share.forgotten(document);
                }
                return self.outputs.push_back(Output::Record(Entry::KeptTaken { guest, forgotten }));
            }
            RoomInput::DocumentRefused { document, why } => return room.document_refused(document, why, now),
            RoomInput::LiveAsked { ticket, source } => (ticket, room.live_asked(source, now)),
            RoomInput::LiveGone { id, why } => return room.live_gone(id, why, now),
            RoomInput::LiveFellSilent { id, silent_for } => return room.live.fell_silent(id, silent_for, now),
            RoomInput::LiveGoesOn { id, retold } => return room.live.goes_on(id, retold),
            RoomInput::LiveSpokeAgain(id) => return room.live.spoke_again(id),
            RoomInput::InputAppeared { source, shows } => return room.input_appeared(source, shows, now),
            RoomInput::InputLost(id) => return room.input_lost(id, now),
            RoomInput::Help(news) => return self.help_news(news, now),
        };
        self.outputs.push_back(Output::Answer { ticket, answer });
    }
}
