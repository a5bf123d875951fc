//! The five keys: everything in every mode is reached from here alone.
//!
//! | key     | Quiet          | knocked | Talking, Meeting  | Curtain, Asleep |
//! |---------|----------------|---------|-------------------|-----------------|
//! | Talk    | knock / stop it| answer  | microphone        | wake            |
//! | Meet    | meeting        | meeting | meeting / back    | wake            |
//! | View    | next view      | =       | next page if one is open, else next view | wake |
//! | Curtain | draw           | draw    | draw              | lift            |
//! | More    | send away, cancel, else the menu's next page; there Meet and View do what the page says |
//! | StopShare, where there is one | ends the live share of either room | = | = | Curtain: ends this room's own share; Asleep: wake |
//!
//! While somebody wants to share in place of this room's screen, View hands over and More keeps; while the input asks, View
//! shows it and More does not.
//!
//! Whoever opened the page of the live share means the share: when it is gone, or a question covers the page, Meet and View do
//! not turn into the mode's and the camera's for as long as the page would stand.

use super::Room;
use crate::core::face::{Banner, MenuPage};
use crate::core::live::LiveRequest;
use crate::core::prints::PrintRequest;
use crate::core::request::{Answer, Asker, Request};
use crate::core::share::{ShareRequest, Turn};
use crate::core::timers::Timer;
use crate::model::{Key, Mode, Moment, Stance, Veil};
use std::time::Duration;

/// The menu.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Menu {
    /// Not on the screen.
    #[default]
    Closed,
    /// This page.
    Open(MenuPage),
}

impl Room {
    /// A key was pressed.
    pub fn key(&mut self, key: Key, now: Moment) {
        self.touched_at = now;
        if self.agreement.near() == Stance::Asleep {
            self.agreement.stand(Stance::Present);
            self.mode_may_have_changed(now);
            return;
        }
        if let Some(request) = self.meaning(key, now)
            && let Answer::Denied(why) = self.ask(Asker::Key, &request, now)
        {
            self.tell(Banner::Denied(why), now);
        }
    }

    /// Stands on the screen for a few seconds.
    pub(super) fn tell(&mut self, banner: Banner, now: Moment) {
        self.told = Some(banner);
        self.timers.set(Timer::ToldEnds, now + TOLD);
    }

    /// The menu page on the screen.
    pub fn menu(&self) -> Option<MenuPage> {
        match self.menu {
            Menu::Closed => None,
            // The question has its keys.
            Menu::Open(_) if self.asks_share() || self.banner() == Some(Banner::InputWaits) => None,
            // It ended, or the last document was closed, here or there.
            Menu::Open(MenuPage::Live) if self.live.shown().is_none() => None,
            Menu::Open(_) if self.pages_are_gone() => None,
            Menu::Open(page) => Some(page),
        }
    }

    fn pages_are_gone(&self) -> bool {
        matches!(self.menu, Menu::Open(MenuPage::Pages | MenuPage::Document)) && self.share.word().in_front().is_none()
    }

    fn meaning(&mut self, key: Key, now: Moment) -> Option<Request> {
        match key {
            Key::View if self.asks_share() => Some(Request::Live(LiveRequest::HandOver)),
            Key::More if self.asks_share() => Some(Request::Live(LiveRequest::Keep)),
            Key::View | Key::More if self.banner() == Some(Banner::InputWaits) => {
                Some(Request::ShowInput(key == Key::View))
            }
            Key::Talk => Some(self.talk()),
            Key::StopShare => Some(Request::Live(LiveRequest::Stop)),
            Key::Curtain if self.agreement.near() == Stance::Curtain => Some(Request::Mode(Mode::Quiet)),
            Key::Curtain => Some(Request::Mode(Mode::Curtain)),
            Key::More => self.more(now),
            Key::Meet | Key::View if self.menu == Menu::Open(MenuPage::Live) => {
                self.live_page_pressed(key, now);
                self.item(MenuPage::Live, key)
            }
            // The last document was closed, here or there: what was meant for it ends no meeting.
            Key::Meet | Key::View if self.pages_are_gone() => {
                self.menu = Menu::Closed;
                None
            }
            Key::Meet | Key::View => {
                if let Some(page) = self.menu() {
                    self.timers.set(Timer::MenuCloses, now + MENU_STANDS);
                    return self.item(page, key);
                }
                Some(match (key, self.mode) {
                    (Key::Meet, Mode::Meeting) => Request::Mode(Mode::Quiet),
                    (Key::Meet, _) => Request::Mode(Mode::Meeting),
                    (_, _) if self.share.word().in_front().is_some() => Request::Share(ShareRequest::Turn(Turn::Next)),
                    (_, _) => self.next_view(),
                })
            }
        }
    }

    /// Its page stands for another while. One that nobody sees does not, and after a stop Meet soon ends the meeting again.
    fn live_page_pressed(&mut self, key: Key, now: Moment) {
        let closes = self.timers.at(Timer::MenuCloses).unwrap_or(now);
        let seen = self.menu().is_some();
        let until = if key == Key::Meet {
            closes.min(now + STOPPED_TWICE)
        } else if seen {
            now + MENU_STANDS
        } else {
            closes
        };
        self.timers.set(Timer::MenuCloses, until);
    }

    /// The banner asks whether to hand over.
    fn asks_share(&self) -> bool {
        matches!(self.banner(), Some(Banner::ShareWaits(_)))
    }

    fn next_view(&self) -> Request {
        Request::View((self.view + 1) % self.settings.views.len().max(1))
    }

    fn talk(&self) -> Request {
        match self.mode {
            _ if self.is_knocked() => Request::Answer,
            Mode::Quiet if self.knocks() => Request::Cancel,
            Mode::Quiet if !self.microphone => Request::Knock,
            Mode::Quiet | Mode::Talking | Mode::Meeting => Request::Microphone(!self.microphone),
            Mode::Curtain | Mode::Asleep => Request::Microphone(true),
        }
    }

    /// Cancels what is announced; else turns the page.
    fn more(&mut self, now: Moment) -> Option<Request> {
        if self.is_knocked() || self.turning.is_some() || self.told.is_some() {
            return Some(Request::Cancel);
        }
        let shown = self.menu().map_or(Menu::Closed, Menu::Open);
        self.menu = match shown {
            Menu::Closed if self.live.shown().is_some() => Menu::Open(MenuPage::Live),
            Menu::Closed | Menu::Open(MenuPage::Live) if self.share.word().in_front().is_some() => {
                Menu::Open(MenuPage::Pages)
            }
            Menu::Open(MenuPage::Pages) => Menu::Open(MenuPage::Document),
            Menu::Closed | Menu::Open(MenuPage::Live | MenuPage::Document) => Menu::Open(MenuPage::Sound),
            Menu::Open(MenuPage::Sound) => Menu::Open(MenuPage::Picture),
            Menu::Open(MenuPage::Picture) => Menu::Open(MenuPage::Guests),
            Menu::Open(MenuPage::Guests) => Menu::Open(MenuPage::Door),
            Menu::Open(MenuPage::Door) => Menu::Closed,
        };
        match self.menu {
            Menu::Closed => self.timers.set(Timer::MenuCloses, now),
            Menu::Open(_) => self.timers.set(Timer::MenuCloses, now + MENU_STANDS),
        }
        None
    }

    fn item(&self, page: MenuPage, key: Key) -> Option<Request> {
        let first = key == Key::Meet;
        Some(match page {
            MenuPage::Live if first => Request::Live(LiveRequest::Stop),
            MenuPage::Live => Request::Live(LiveRequest::Moving(!self.live.is_moving())),
            MenuPage::Pages if first => Request::Share(ShareRequest::Turn(Turn::Previous)),
            MenuPage::Document if first => Request::Share(ShareRequest::Close(self.share.word().in_front()?.id)),
            MenuPage::Document => self.next_view(),
            MenuPage::Pages => Request::Share(ShareRequest::Front(self.share.after_front()?)),
            MenuPage::Sound if first => Request::Volume(self.volume.saturating_sub(VOLUME_STEP)),
            MenuPage::Sound => Request::Volume(self.volume.saturating_add(VOLUME_STEP).min(100)),
            MenuPage::Picture if first => Request::OwnPicture(!self.own_picture),
            MenuPage::Picture => Request::Veil(match self.veil {
                Veil::Clear => Veil::Frosted,
                Veil::Frosted => Veil::Black,
                Veil::Black => Veil::Clear,
            }),
            MenuPage::Guests if first => Request::ShowCode(!self.show_code),
            MenuPage::Guests => match (self.guests.waiting(), self.prints.waiting()) {
                (Some(guest), _) => Request::Admit(guest.id),
                (None, print) => Request::Print(PrintRequest::Show(print?.id)),
            },
            MenuPage::Door if first => Request::Lock(!self.guests.locked),
            MenuPage::Door => Request::RemoveAll,
        })
    }
}

const TOLD: Duration = Duration::from_secs(4);
const MENU_STANDS: Duration = Duration::from_secs(20);
/// A second press so soon after the one that stops a share is the same wish.
const STOPPED_TWICE: Duration = Duration::from_secs(3);
const VOLUME_STEP: u8 = 10;
