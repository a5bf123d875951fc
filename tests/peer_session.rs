//! Two peers in one process, joined by hand over loopback, with real media.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test prints what it measured"
)]

mod peer_support;

use engawa::model::{Line, Role, VideoCodec};
use gstreamer as gst;
use peer_support::{Feed, Path, Side, join, join_through, now, order, session, until};
use std::time::Duration;

#[tokio::test]
async fn offer_and_answer_carry_all_four_lines_and_all_that_later_work_needs() {
    for (codec, name) in [(VideoCodec::H264, "H264/90000"), (VideoCodec::Vp8, "VP8/90000")] {
        let (mut a, mut b) = (Side::new(None), Side::new(None));
        let joined = join(&mut a, &mut b, 1, codec, 1).await;
        for sdp in [&joined.offer, &joined.answer] {
            let sections: Vec<&str> = sdp.split("m=").skip(1).collect();
            let kinds: Vec<&str> = sections.iter().map(|section| &section[..5]).collect();
            assert_eq!(kinds, ["audio", "video", "video", "audio"], "{sdp}");
            for section in &sections {
                for needed in [
                    "a=sendrecv",
                    "a=rtcp-mux",
                    "a=extmap:1 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
                    "transport-cc",
                    "a=ssrc:",
                    "a=fingerprint:sha-256 ",
                ] {
                    assert!(section.contains(needed), "{needed} is not in {section}");
                }
                assert!(
                    !section.contains("a=ssrc:0 ") && !section.contains("FID 0 "),
                    "a stream without a name: {section}"
                );
            }
            for section in [sections[0], sections[3]] {
                for needed in ["OPUS/48000/2", "minptime=10", "maxptime=60", "useinbandfec=1"] {
                    assert!(section.contains(needed), "{needed} is not in {section}");
                }
            }
            assert!(sections[0].contains("a=rtpmap:111 OPUS"));
            assert!(sections[1].contains("a=rtpmap:96 "));
            for section in &sections[1..3] {
                for needed in [
                    name,
                    "red/90000",
                    "ulpfec/90000",
                    "rtx/90000",
                    " nack\r\n",
                    " nack pli",
                    " ccm fir",
                    "ssrc-group:FID",
                ] {
                    assert!(section.contains(needed), "{needed} is not in {section}");
                }
                if codec == VideoCodec::H264 {
                    for needed in ["packetization-mode=1", "profile-level-id=42e028", "level-asymmetry-allowed=1"] {
                        assert!(section.contains(needed), "{needed} is not in {section}");
                    }
                }
            }
            assert!(sdp.contains("a=group:BUNDLE audio0 video1 video2 audio3"), "{sdp}");
            let candidates: Vec<&str> = sdp.lines().filter(|line| line.starts_with("a=candidate:")).collect();
            assert_eq!(candidates.len(), 1, "one socket: {candidates:?}");
            assert!(candidates[0].contains(" UDP ") && candidates[0].contains(" 127.0.0.1 "), "{candidates:?}");
            assert!(candidates[0].ends_with("typ host"), "{candidates:?}");
        }
        println!("open to secured on both sides, {codec:?}: {}", joined.took);
    }
}

#[tokio::test]
async fn nothing_moves_before_admission_and_everything_after_it() {
    for codec in [VideoCodec::H264, VideoCodec::Vp8] {
        let (mut a, mut b) = (Side::new(None), Side::new(None));
        let path = Path::between(&a, &b).await;
        join_through(&path, &mut a, &mut b, 1, codec).await;
        let camera = Feed::picture(a.peer.outlet(), Line::Camera, codec);
        let voice = Feed::tone(a.peer.outlet(), Line::Voice);

        // Nothing of ours: b takes everything, a may not send.
        b.peer.admit(session(1));
        until("a second's worth is offered to the shut outlet", || camera.count() >= 20 && voice.count() >= 60).await;
        a.drain();
        assert!(a.marks.is_empty(), "nothing passed a's payloaders: {:?}", a.marks);
        assert_eq!(path.media(), 0, "not one media packet is on the line");
        assert_eq!((b.caught.frames(), b.caught.packets()), (0, 0));

        // Nothing of theirs: a sends, b's gate is shut by a new session that is admitted instead.
        join(&mut a, &mut b, 2, codec, 1).await;
        a.peer.admit(session(2));
        camera.refresh();
        until("a sends", || a.marks_of(Line::Camera).len() >= 15 && a.marks_of(Line::Voice).len() >= 50).await;
        assert_eq!((b.caught.frames(), b.caught.packets()), (0, 0), "b has not admitted the session a sends on");

        // Both: the first frame out is a key frame, asked for by b itself.
        b.peer.admit(session(2));
        until("b asks a for a key frame", || a.caught.wanted.lock().unwrap().contains(&Line::Camera)).await;
        camera.refresh();
        until("picture and sound arrive", || b.caught.frames() >= 20 && b.caught.packets() >= 60).await;
        let frames = b.caught.video.lock().unwrap();
        assert!(!frames[0].buffer.flags().contains(gst::BufferFlags::DELTA_UNIT), "begins with a key frame");
        assert!(frames[1].buffer.flags().contains(gst::BufferFlags::DELTA_UNIT), "and goes on with others");
        assert!(frames.iter().all(|frame| frame.session == session(2) && frame.line == Line::Camera));
        assert_eq!(a.caught.frames() + a.caught.packets(), 0, "b sent nothing");
        assert!(!a.caught.wanted.lock().unwrap().contains(&Line::LiveShare), "the silent line asks for nothing");
    }
}

#[tokio::test]
async fn marks_lead_from_rtp_time_back_to_capture_and_nothing_waits() {
    for codec in [VideoCodec::H264, VideoCodec::Vp8] {
        let (mut a, mut b) = (Side::new(None), Side::new(None));
        join(&mut a, &mut b, 1, codec, 0).await;
        a.peer.admit(session(1));
        b.peer.admit(session(1));
        let camera = Feed::picture(a.peer.outlet(), Line::Camera, codec);
        let voice = Feed::tone(a.peer.outlet(), Line::Voice);
        until("three seconds of picture and sound", || b.caught.frames() >= 90 && b.caught.packets() >= 290).await;
        let mark = |side: &mut Side, line| *side.marks_of(line).last().expect("a mark");

        let (camera_mark, voice_mark) = (mark(&mut a, Line::Camera), mark(&mut a, Line::Voice));
        let mut waits = Vec::new();
        for frame in b.caught.video.lock().unwrap().iter() {
            let captured = captured_at(Line::Camera, camera_mark, frame.rtp);
            let sent = camera.sent.lock().unwrap();
            let sent = sent.iter().find(|sent| sent.pts.absdiff(captured) < gst::ClockTime::from_useconds(100));
            let sent = sent.expect("every frame leads back to one that was captured");
            assert_eq!(sent.line, frame.line);
            let arrived = frame.buffer.map_readable().unwrap();
            match codec {
                VideoCodec::Vp8 => assert_eq!(sent.bytes, arrived.to_vec(), "and it is that frame"),
                VideoCodec::H264 => {
                    assert_eq!(units(&sent.bytes), units(&arrived), "and it is that access unit, whole")
                }
            }
            waits.push(frame.at - sent.at);
        }
        print_waits(&format!("outlet to video tap, {codec:?}"), waits);

        let mut waits = Vec::new();
        for arrived in b.caught.sound.lock().unwrap().iter() {
            let captured = captured_at(Line::Voice, voice_mark, arrived.packet.rtp);
            let sent = voice.sent.lock().unwrap();
            let sent = sent.iter().find(|sent| sent.pts.absdiff(captured) < gst::ClockTime::from_useconds(100));
            let sent = sent.expect("every packet leads back to one that was captured");
            assert_eq!(arrived.line, Line::Voice);
            assert_eq!(sent.bytes, arrived.packet.payload.map_readable().unwrap().to_vec(), "and it is that packet");
            waits.push(arrived.at - sent.at);
        }
        print_waits("outlet to sound tap", waits);
    }
}

/// The NAL units of a byte stream, whatever start codes are between them.
fn units(stream: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> =
        (0..stream.len().saturating_sub(2)).filter(|at| stream[*at..*at + 3] == [0, 0, 1]).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let cut =
        |(start, end): (&usize, usize)| stream[start + 3..end].strip_suffix(&[0]).unwrap_or(&stream[start + 3..end]);
    starts.iter().zip(ends).map(cut).collect()
}

/// The marks' promise, computed as playout does.
fn captured_at(line: Line, mark: engawa::core::signal::CaptureMark, rtp: u32) -> gst::ClockTime {
    let ticks = i64::from(rtp.wrapping_sub(mark.rtp).cast_signed());
    let nanos = ticks * 1_000_000_000 / i64::from(line.clock_rate());
    gst::ClockTime::from_nseconds(mark.captured_at.shifted(nanos).as_nanos())
}

/// Prints the distribution and refuses anything that looks like waiting for a clock (a jitterbuffer waits 200 ms).
fn print_waits(what: &str, mut waits: Vec<gst::ClockTime>) {
    println!("{what}: the first three {:?}", &waits[..3]);
    waits.sort();
    let at = |share: usize| waits[(waits.len() - 1) * share / 100];
    println!("{what}: least {} p50 {} p95 {} max {} of {}", waits[0], at(50), at(95), at(100), waits.len());
    assert!(at(50) < gst::ClockTime::from_mseconds(20), "{what} waits for something: {}", at(50));
}

#[tokio::test]
async fn a_session_is_replaced_on_the_other_port_while_the_first_runs() {
    let codec = VideoCodec::H264;
    let (mut a, mut b) = (Side::new(None), Side::new(None));
    join(&mut a, &mut b, 1, codec, 0).await;
    for side in [&mut a, &mut b] {
        side.peer.admit(session(1));
    }
    let camera = Feed::picture(a.peer.outlet(), Line::Camera, codec);
    let voice = Feed::tone(a.peer.outlet(), Line::Voice);
    let back = Feed::tone(b.peer.outlet(), Line::ShareSound);
    until("the first session carries", || b.caught.frames() >= 10 && a.caught.packets() >= 10).await;

    join(&mut a, &mut b, 2, codec, 1).await;
    let before = b.caught.packets();
    until("the first goes on carrying", || b.caught.packets() >= before + 10).await;
    for side in [&mut a, &mut b] {
        side.peer.admit(session(2));
    }
    camera.refresh();
    let last = |side: &Side| side.caught.sound.lock().unwrap().last().map(|packet| (packet.session, packet.line));
    until("sound moves over", || last(&b) == Some((session(2), Line::Voice))).await;
    until("the other way too", || last(&a) == Some((session(2), Line::ShareSound))).await;
    for side in [&mut a, &mut b] {
        side.peer.close(session(1));
    }
    let frames =
        |side: &Side| side.caught.video.lock().unwrap().iter().filter(|frame| frame.session == session(2)).count();
    until("picture moves over", || frames(&b) >= 10).await;
    {
        let sound = b.caught.sound.lock().unwrap();
        let first_of_two = sound.iter().position(|packet| packet.session == session(2)).unwrap();
        assert!(sound[first_of_two..].iter().all(|packet| packet.session == session(2)), "never back");
        println!("sound gap at the change: {}", sound[first_of_two].at - sound[first_of_two - 1].at);
    }

    // The first port is free again: a third session takes it.
    join(&mut a, &mut b, 3, codec, 0).await;
    drop((camera, voice, back));
    a.drain();
    b.drain();
}

#[tokio::test]
async fn rtp_time_and_sequence_numbers_wrap_unnoticed() {
    // RTP time wraps 5 s after the session is built (picture) or 9.4 s (sound), sequence numbers after 36 packets.
    let starts = Some((u32::MAX - 450_000, 65_500));
    let codec = VideoCodec::H264;
    let (mut a, mut b) = (Side::new(starts), Side::new(starts));
    join(&mut a, &mut b, 1, codec, 0).await;
    let opened = now();
    a.peer.admit(session(1));
    b.peer.admit(session(1));
    let camera = Feed::picture(a.peer.outlet(), Line::Camera, codec);
    let voice = Feed::tone(a.peer.outlet(), Line::Voice);
    let wrapped = || {
        let (sound, frames) = (b.caught.sound.lock().unwrap(), b.caught.video.lock().unwrap());
        sound.last().is_some_and(|last| last.packet.rtp < 1 << 31)
            && frames.last().is_some_and(|last| last.rtp < 1 << 31)
    };
    until("both have wrapped", wrapped).await;
    println!("{} of wrapping", now() - opened);

    let sound = b.caught.sound.lock().unwrap();
    let turn = |pair: &[peer_support::Packet]| pair[1].packet.sequence < pair[0].packet.sequence;
    assert_eq!(sound.windows(2).filter(|pair| turn(pair)).count(), 1, "the sequence number wrapped once");
    // The encoder shortens its first packet by its look-ahead.
    for pair in sound[1..].windows(2) {
        assert_eq!(pair[1].packet.sequence, pair[0].packet.sequence.wrapping_add(1), "in order and complete");
        assert_eq!(pair[1].packet.rtp.wrapping_sub(pair[0].packet.rtp), 480, "10 ms each");
    }
    assert!(sound.windows(2).any(|pair| pair[1].packet.rtp < pair[0].packet.rtp), "RTP time wrapped");
    let frames = b.caught.video.lock().unwrap();
    assert!(frames.windows(2).any(|pair| pair[1].rtp < pair[0].rtp), "RTP time wrapped");
    for pair in frames.windows(2) {
        let ticks = pair[1].rtp.wrapping_sub(pair[0].rtp);
        assert!((2900..3100).contains(&ticks), "33 ms each, none missing: {ticks}");
    }
    assert!(camera.count() >= frames.len() && voice.count() >= sound.len());
}

#[tokio::test]
async fn a_description_that_is_not_ours_fails_the_session_and_nothing_else() {
    let (mut a, mut b) = (Side::new(None), Side::new(None));
    let good = join(&mut a, &mut b, 1, VideoCodec::H264, 0).await;
    a.peer.close(session(1));
    b.peer.close(session(1));

    let other = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from} is in the original");
        text.replace(from, to)
    };
    let garbage = [
        String::new(),
        "garbage".to_owned(),
        "v=0\r\n".to_owned(),
        good.offer[..good.offer.len() / 2].to_owned(),
        other(&good.offer, "H264/90000", "VP8/90000"),
        other(&good.offer, "m=video", "m=application"),
        other(&good.offer, "a=sendrecv", "a=recvonly"),
        other(&good.offer, "a=group:BUNDLE", "a=group:NONE"),
        other(&good.offer, "a=ice-pwd:", "a=ice-nothing:"),
        other(&good.offer, "a=fingerprint:sha-256", "a=fingerprint:md5"),
        good.offer.repeat(8),
        "v=0\r\n".to_owned() + &"a=x\r\n".repeat(2000),
        "v=0\r\na=".to_owned() + &"x".repeat(12_000),
    ];
    for (number, text) in (10..).zip(garbage) {
        b.peer.open(&order(number, Role::Answerer, VideoCodec::H264, 0, Some(text)));
        let (failed, cause) = b.failed().await;
        assert_eq!(failed, session(number));
        assert!(!cause.is_empty());
        b.peer.close(session(number));
    }

    a.peer.open(&order(30, Role::Offerer, VideoCodec::H264, 1, None));
    a.described().await;
    a.peer.accept_answer(session(30), "v=0\r\nnot an answer");
    assert_eq!(a.failed().await.0, session(30));
    a.peer.close(session(30));

    // Both still work, on the ports of the failed ones.
    join(&mut a, &mut b, 40, VideoCodec::H264, 0).await;
}

#[tokio::test]
async fn only_the_peers_own_host_candidates_are_used() {
    let (mut a, mut b) = (Side::new(None), Side::new(None));
    a.peer.open(&order(1, Role::Offerer, VideoCodec::H264, 0, None));
    let offer = a.described().await;
    let own = offer.lines().find(|line| line.starts_with("a=candidate:")).unwrap().to_owned();
    let foreign = [
        own.replace("127.0.0.1", "127.0.0.9"),
        own.replace("127.0.0.1", "f3a1.local"),
        own.replace("127.0.0.1", "example.invalid"),
        own.replace(" UDP ", " TCP "),
        own.replace("typ host", "typ srflx raddr 127.0.0.1 rport 9"),
        "a=candidate:".to_owned(),
    ];
    let crowded = offer.replace(&own, &format!("{}\r\n{own}", foreign.join("\r\n")));
    b.peer.open(&order(1, Role::Answerer, VideoCodec::H264, 0, Some(crowded)));
    let answer = b.described().await;
    a.peer.accept_answer(session(1), &answer);
    assert!(a.secured().await.is_some() && b.secured().await.is_some());
}

#[tokio::test]
async fn a_report_counts_what_was_carried() {
    let codec = VideoCodec::H264;
    let (mut a, mut b) = (Side::new(None), Side::new(None));
    join(&mut a, &mut b, 1, codec, 0).await;
    assert_eq!(a.peer.report(), None, "nothing is carried before admission");
    a.peer.admit(session(1));
    b.peer.admit(session(1));
    let camera = Feed::picture(a.peer.outlet(), Line::Camera, codec);
    let voice = Feed::tone(a.peer.outlet(), Line::Voice);
    until("it runs", || b.caught.frames() >= 5).await;
    a.peer.report();
    b.peer.report();
    let from = now();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (sent, received) = (a.peer.report().unwrap(), b.peer.report().unwrap());
    let seconds = (now() - from).nseconds() as f64 / 1e9;
    let offered: usize = [&camera, &voice]
        .iter()
        .flat_map(|feed| {
            feed.sent
                .lock()
                .unwrap()
                .iter()
                .filter(|sent| sent.at >= from)
                .map(|sent| sent.bytes.len())
                .collect::<Vec<_>>()
        })
        .sum();
    let offered = offered as f64 * 8.0 / seconds;
    println!("offered {offered:.0} bit/s, a: {sent:?}, b: {received:?}");
    let carried = f64::from(sent.sent_bps);
    assert!(carried > offered * 1.02 && carried < offered * 1.5 + 100_000.0, "{carried} for {offered}");
    let ratio = f64::from(received.received_bps) / carried;
    assert!((0.9..1.1).contains(&ratio), "what left arrived: {ratio}");
    assert_eq!(received.loss, 0.0);
    until("the estimate comes", || a.peer.report().unwrap().estimate_bps.is_some_and(|bps| bps >= 150_000)).await;
    assert_eq!(received.estimate_bps, None, "b sends nothing that could be estimated");
    assert!(received.jitter < Duration::from_millis(500), "{:?}", received.jitter);
}
