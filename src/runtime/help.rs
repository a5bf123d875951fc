//! What this box does for an installer in the other room: the core allowed it. Beside the loop, each thing within a deadline.

use crate::core::help::{HelpDenied, HelpNews, HelpWish, Task};
use crate::core::input::RoomInput;
use crate::panel::{PinCode, PinFault};
use crate::questions::Questions;
use crate::system::clerk;
use crate::update::{Asked, Place};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct HelpHands {
    pub(super) pin: Option<PinCode>,
    /// Without a file, as in tests of the loop, there is nothing to tell of.
    pub(super) config: Option<PathBuf>,
    pub(super) questions: Questions,
    pub(super) updates: Place,
    pub(super) anew: Arc<Notify>,
}

impl HelpHands {
    /// Answered by `RoomInput::Help`.
    pub(super) fn carry_out(&self, wish: HelpWish) {
        match wish {
            HelpWish::CheckPin { number, pin } => {
                let tried = self.pin.as_ref().map(|code| code.attempt(pin.as_str(), Instant::now()));
                let fault = match tried {
                    Some(Ok(())) => None,
                    Some(Err(PinFault::Wrong)) => Some(HelpDenied::WrongPin),
                    Some(Err(PinFault::Pause)) => Some(HelpDenied::TooManyTries),
                    None => Some(HelpDenied::NotAllowed),
                };
                self.tell(HelpNews::PinChecked { number, fault });
            }
            HelpWish::CarryOut { number, task } => {
                let hands = self.clone();
                tokio::spawn(async move {
                    let result = hands.work(task).await;
                    tracing::info!(?task, done = result.is_ok(), "asked for from the other room");
                    hands.tell(HelpNews::CarriedOut { number, result });
                });
            }
        }
    }

    async fn work(&self, task: Task) -> Result<String, HelpDenied> {
        match task {
            Task::Support => {
                let config = self.config.clone().ok_or(HelpDenied::Failed)?;
                let written = timeout(WRITTEN_WITHIN, clerk::print(&config, &["support", "-"])).await;
                let bytes = written.ok().flatten().ok_or(HelpDenied::Failed)?;
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            }
            Task::BeginAnew => {
                let anew = self.anew.clone();
                tokio::spawn(async move {
                    sleep(ANSWERED).await;
                    anew.notify_one();
                });
                Ok(String::new())
            }
            Task::Install => {
                let place = self.updates.clone();
                match spawn_blocking(move || place.ask_install()).await {
                    Ok(Ok(Asked::Now | Asked::Before)) => Ok(String::new()),
                    Ok(Ok(Asked::Later)) => Err(HelpDenied::Busy),
                    Ok(Ok(Asked::NothingHere)) => Err(HelpDenied::NoUpdate),
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "the installation of an update cannot be asked for");
                        Err(HelpDenied::Failed)
                    }
                    Err(_) => Err(HelpDenied::Failed),
                }
            }
        }
    }

    fn tell(&self, news: HelpNews) {
        self.questions.tell(RoomInput::Help(news));
    }
}

const WRITTEN_WITHIN: Duration = Duration::from_secs(30);
/// From the answer to the end of the daemon: the other room is to read it.
const ANSWERED: Duration = Duration::from_millis(500);
