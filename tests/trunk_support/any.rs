//! Signals of every kind, for property tests.

use engawa::core::agreement::Wish;
use engawa::core::signal::{Arriving, Cadence, CaptureMark, Echo, Farewell, Heartbeat, LineNews, RoomWord, Signal};
use engawa::model::{BootId, CameraState, MicState, Moment, SessionId, Stance, Together, Veil, VideoCodec};
use proptest::prelude::*;
use std::time::Duration;

fn any_session() -> impl Strategy<Value = SessionId> {
    (any::<u64>(), any::<u64>()).prop_map(|(boot, number)| SessionId { boot: BootId(boot), number })
}

pub fn any_codec() -> impl Strategy<Value = VideoCodec> {
    prop_oneof![Just(VideoCodec::H264), Just(VideoCodec::Vp8)]
}

fn any_moment() -> impl Strategy<Value = Moment> {
    any::<u64>().prop_map(Moment::from_nanos)
}

fn any_line() -> impl Strategy<Value = LineNews> {
    let cadence = prop_oneof![
        Just(Cadence::Silent),
        (1_000_u64..=10_000_000).prop_map(|us| Cadence::Every(Duration::from_micros(us)))
    ];
    let mark = (any::<u32>(), any_moment()).prop_map(|(rtp, captured_at)| CaptureMark { rtp, captured_at });
    (cadence, proptest::option::of(mark)).prop_map(|(cadence, mark)| LineNews { cadence, mark })
}

fn any_room() -> impl Strategy<Value = RoomWord> {
    let together = prop_oneof![Just(Together::Quiet), Just(Together::Talking), Just(Together::Meeting)];
    (
        prop_oneof![Just(Stance::Present), Just(Stance::Curtain), Just(Stance::Asleep)],
        together,
        [0..=u32::MAX / 2, 0..=u32::MAX / 2],
        any::<Option<u32>>(),
        prop_oneof![Just(Veil::Clear), Just(Veil::Frosted), Just(Veil::Black)],
        "[a-z机]{0,32}",
    )
        .prop_map(|(stance, together, presses, knock, veil, view)| RoomWord {
            stance,
            wish: Wish { together, presses },
            knock,
            veil,
            view,
            fetching: presses[0] > presses[1],
        })
}

fn any_heartbeat() -> impl Strategy<Value = Heartbeat> {
    let echo = (any_moment(), any_moment()).prop_map(|(sent_at, heard_at)| Echo { sent_at, heard_at });
    (
        any_moment(),
        proptest::option::of(echo),
        any::<u64>(),
        proptest::option::of(any_session()),
        [any_line(), any_line(), any_line(), any_line()],
        prop_oneof![Just(MicState::Closed), Just(MicState::LevelsOnly), Just(MicState::Open)],
        prop_oneof![Just(CameraState::Off), Just(CameraState::Placeholder), Just(CameraState::Live)],
        proptest::option::of(any_room()),
        proptest::option::of((any::<u32>(), 0..=1000_u16, any::<Option<u16>>(), any::<Option<u16>>())),
    )
        .prop_map(|(sent_at, heard, wall_ms, session, lines, microphone, camera, room, arriving)| Heartbeat {
            sent_at,
            heard,
            wall_ms,
            session,
            lines,
            microphone,
            camera,
            room,
            arriving: arriving.map(|(kbps, loss_permille, picture_ms, sound_ms)| Arriving {
                kbps,
                loss_permille,
                picture_ms,
                sound_ms,
            }),
        })
}

pub fn any_signal() -> impl Strategy<Value = Signal> {
    prop_oneof![
        (any_session(), any_codec(), "[ -~\r\n]{0,2000}").prop_map(|(session, codec, sdp)| Signal::Offer {
            session,
            codec,
            sdp
        }),
        (any_session(), ".{0,2000}").prop_map(|(session, sdp)| Signal::Answer { session, sdp }),
        proptest::option::of(any_session()).prop_map(|instead_of| Signal::SessionWanted { instead_of }),
        any_session().prop_map(|session| Signal::SessionEnded { session }),
        any_heartbeat().prop_map(|heartbeat| Signal::Heartbeat(Box::new(heartbeat))),
        Just(Signal::Farewell(Farewell::GoingDown)),
    ]
}
