//! What must hold after every step, whatever happened. Checked in debug builds and by the simulation.

use crate::core::Core;
use crate::core::plan::{LiveShown, Picture};
use crate::core::snapshot::LinkState;
use crate::core::timers::Timer;
use crate::model::{MicState, Mode, Moment};

/// The first broken promise, in words; `None` if all hold.
pub fn broken(core: &Core, now: Moment) -> Option<&'static str> {
    let Some(link) = &core.link else {
        let plan = &core.plan;
        let silent = plan.camera.is_none() && plan.microphone == MicState::Closed && !plan.play;
        return (!silent).then_some("an unpaired box sends or plays");
    };
    let sessions = &link.sessions;
    let ports = sessions.current.zip(sessions.next.as_ref().map(|next| next.order.port_index));
    let checks = [
        (ports.is_none_or(|(current, next)| current.port_index != next), "two sessions on one port"),
        (sessions.next.is_none() || sessions.retiring.is_none(), "three sessions at once"),
        (
            sessions.next.is_none() || link.timers.at(Timer::SessionBuild).is_some(),
            "a session is built without a deadline",
        ),
        (
            link.trunks.chosen().is_none() || link.timers.at(Timer::TrunkSilent).is_some(),
            "a trunk is open and nobody watches its silence",
        ),
        (
            link.trunks.chosen().is_none() || link.timers.at(Timer::Heartbeat).is_some(),
            "a trunk is open without a heartbeat",
        ),
        (
            !link.settings.dials
                || link.settings.peer_address.is_none()
                || link.trunks.chosen().is_some()
                || link.timers.at(Timer::Redial).is_some()
                || link.timers.at(Timer::DialOverdue).is_some(),
            "no trunk, and nobody is trying",
        ),
        (core.plan.microphone == MicState::Closed || core.room.microphone(), "a microphone opened by itself"),
        (
            core.plan.microphone == MicState::Closed || !core.room.mode().is_shut(),
            "a microphone is open behind a curtain",
        ),
        (core.plan.camera.is_none() || !core.room.mode().is_shut(), "a camera is on behind a curtain"),
        (!core.plan.play || !core.room.mode().is_shut(), "the far room is heard behind a curtain"),
        (core.plan.microphone == MicState::Closed || sessions.current.is_some(), "a microphone is open into nothing"),
        (core.plan.live.send.is_none() || core.room.mode() == Mode::Meeting, "a screen is sent outside a meeting"),
        (core.plan.live.send.is_none() || core.plan.live.shown != Some(LiveShown::Far), "two screens at once"),
        (core.state != LinkState::Up || link.live.stale_at().is_some_and(|at| now < at), "stale, but shown as live"),
        (
            core.plan.screen.picture != Picture::Live || link.live.picture_is_fresh(now),
            "an old picture is shown as live",
        ),
        (core.outputs.len() < OUTPUT_LIMIT, "outputs are left lying"),
    ];
    checks.into_iter().find(|(holds, _)| !holds).map(|(_, words)| words)
}

const OUTPUT_LIMIT: usize = 64;
