//! The door for PCs' screens and an independent sender: GStreamer's webrtcbin (libnice, OpenSSL) offers, str0m answers.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test waits in real time and tells what it took"
)]

#[path = "live_support/sender.rs"]
mod sender;

use engawa::live::{LiveFault, LiveNews, LiveOffer};
use engawa::model::{Bitrate, LiveEnd, LiveId, VideoCodec};
use engawa::whip::Whip;
use sender::{HOME, Sender};
use std::future::Future;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// What came through the door.
#[derive(Default)]
struct Caught {
    pictures: Vec<(LiveId, VideoCodec, bool, usize)>,
    sounds: usize,
    /// How often one fell silent or spoke again.
    silences: usize,
    ended: Vec<(LiveId, LiveEnd)>,
}

struct Rig {
    whip: Whip,
    caught: Arc<Mutex<Caught>>,
}

impl Rig {
    fn new() -> Self {
        Self::at(HOME)
    }

    fn at(address: IpAddr) -> Self {
        let caught: Arc<Mutex<Caught>> = Arc::default();
        let catching = Arc::clone(&caught);
        let out = Arc::new(move |id, news| {
            let mut caught = catching.lock().unwrap();
            match news {
                LiveNews::Picture(picture) => {
                    caught.pictures.push((id, picture.codec, picture.key, picture.bytes.len()));
                }
                LiveNews::Sound(_) => caught.sounds += 1,
                LiveNews::Silent(_) | LiveNews::Speaks => caught.silences += 1,
                LiveNews::Ended(why) => caught.ended.push((id, why)),
            }
        });
        Self { whip: Whip::start((address, 0).into(), out).unwrap(), caught }
    }

    async fn open(&self, id: u64, sdp: &str) -> Result<String, LiveFault> {
        self.whip.open(LiveId(id), offer(sdp, HOME)).await
    }

    async fn until(&self, what: &str, done: impl Fn(&Caught) -> bool) {
        let begun = Instant::now();
        while !done(&self.caught.lock().unwrap()) {
            assert!(begun.elapsed() < Duration::from_secs(15), "waited for: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_and_sound_of_an_independent_sender_come_through_in_both_codecs() {
    // As the panel listens by its documented example: one socket for both versions of IP.
    let rig = Rig::at(Ipv6Addr::UNSPECIFIED.into());
    for (id, codec) in [(1, VideoCodec::H264), (2, VideoCodec::Vp8)] {
        let sender = Sender::new(codec, PATTERN);
        let offer = sender.offer();
        let asked = Instant::now();
        let answer = rig.open(id, &offer).await.unwrap();
        assert!(answer.contains("a=ice-lite") && answer.contains("b=AS:8000"), "{answer}");
        assert_eq!(answer.matches("a=candidate").count(), 1, "one socket: {answer}");
        sender.answered(&answer);
        rig.until("thirty pictures and sound", |caught| {
            caught.pictures.iter().filter(|picture| picture.0 == LiveId(id)).count() >= 30 && caught.sounds >= 30
        })
        .await;
        println!("{codec:?}: thirty pictures {:?} after the offer", asked.elapsed());
        {
            let caught = rig.caught.lock().unwrap();
            let mine: Vec<_> = caught.pictures.iter().filter(|picture| picture.0 == LiveId(id)).collect();
            assert!(mine[0].2, "begins with a key frame");
            assert!(mine.iter().all(|picture| picture.1 == codec && picture.3 > 0));
        }
        // It makes none by itself: this one was asked for.
        let keys =
            |caught: &Caught| caught.pictures.iter().filter(|picture| picture.0 == LiveId(id) && picture.2).count();
        let before = keys(&rig.caught.lock().unwrap());
        rig.whip.ask_key_frame(LiveId(id));
        rig.until("another key frame", |caught| keys(caught) > before).await;
        rig.whip.close(LiveId(id));
        rig.until("its end", |caught| caught.ended.contains(&(LiveId(id), LiveEnd::Stopped))).await;
        sender.vanishes();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_vanishes_is_ended_after_five_seconds_and_a_still_one_is_not() {
    let rig = Rig::new();
    let sender = Sender::new(VideoCodec::H264, PATTERN);
    let answer = rig.open(1, &sender.offer()).await.unwrap();
    sender.answered(&answer);
    rig.until("pictures", |caught| caught.pictures.len() >= 200).await;
    assert_eq!(rig.caught.lock().unwrap().silences, 0, "it spoke all the time");
    sender.vanishes();
    let gone = Instant::now();
    rig.until("the end", |caught| caught.ended.len() == 1).await;
    let why = rig.caught.lock().unwrap().ended[0].1;
    println!("told {why:?} after {:?}", gone.elapsed());
    // webrtcbin says goodbye to DTLS when it is stopped, or says nothing at all.
    match why {
        LiveEnd::Stopped => assert!(gone.elapsed() < Duration::from_secs(6)),
        LiveEnd::Vanished => {
            assert!((4500..7000).contains(&gone.elapsed().as_millis()));
            assert_eq!(rig.caught.lock().unwrap().silences, 1, "and it was called silent before");
        }
        LiveEnd::TakenOver | LiveEnd::MeetingOver | LiveEnd::Refused => panic!("{why:?}"),
        LiveEnd::Unplugged | LiveEnd::Failed | LiveEnd::Unheard => panic!("{why:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_of_no_use_are_told_apart_and_leave_nothing_behind() {
    let rig = Rig::new();
    let sender = Sender::new(VideoCodec::H264, PATTERN);
    let offer = sender.offer();
    sender.vanishes();
    let no_codec = offer.replace("H264", "THEORA");
    let only_sound = offer.split("m=").filter(|part| !part.starts_with("video")).collect::<Vec<_>>().join("m=");
    for (sdp, fault) in [
        ("", LiveFault::Malformed),
        ("v=0", LiveFault::NoPicture),
        ("v=0\r\nm=video\r\n", LiveFault::Malformed),
        (&no_codec, LiveFault::NoCodec),
        (&only_sound, LiveFault::NoPicture),
        (&offer.replace("a=sendonly", "a=recvonly"), LiveFault::NoPicture),
        // One number for two things: the library would stop the process.
        (&offer.replace("SAVPF 97", "SAVPF 96").replace("sendonly", "sendrecv"), LiveFault::Malformed),
        (&offer.replace("a=fingerprint", "a=footprint"), LiveFault::Malformed),
        (&offer.replace("a=ice-ufrag", "a=ice-nobody"), LiveFault::Malformed),
    ] {
        assert_eq!(rig.open(1, sdp).await, Err(fault), "{sdp}");
    }
    let hidden = offer.replace("127.0.0.1", "0b3c.local");
    for id in 1..=4 {
        rig.open(id, &hidden).await.unwrap();
    }
    assert_eq!(rig.open(5, &offer).await, Err(LiveFault::Full));
    let begun = Instant::now();
    rig.until("all that never came", |caught| caught.ended.len() == 4).await;
    assert!(begun.elapsed() >= Duration::from_secs(4));
    assert!(rig.caught.lock().unwrap().ended.iter().all(|(_, why)| *why == LiveEnd::Unheard));
    assert!(rig.open(6, &offer).await.is_ok(), "there is room again");
}

#[tokio::test]
async fn the_word_that_ends_a_share_is_not_lost_in_a_crowd_of_offers() {
    let rig = Rig::new();
    let sender = Sender::new(VideoCodec::H264, PATTERN);
    let sdp = sender.offer();
    sender.answered(&rig.open(1, &sdp).await.unwrap());
    rig.until("pictures", |caught| caught.pictures.len() >= 5).await;
    // On this one thread the door's task does not run before the next wait: more offers than it has room for lie before it.
    let mut crowd: Vec<_> = (2..300).map(|id| Box::pin(rig.whip.open(LiveId(id), offer(&sdp, HOME)))).collect();
    let mut context = Context::from_waker(Waker::noop());
    let refused = crowd.iter_mut().map(|offer| offer.as_mut().poll(&mut context)).filter(Poll::is_ready).count();
    assert!(refused > 200, "{refused} found no room");
    for _ in 0..1000 {
        rig.whip.ask_key_frame(LiveId(1));
    }
    rig.whip.close(LiveId(1));
    drop(crowd);
    rig.until("its end", |caught| caught.ended.contains(&(LiveId(1), LiveEnd::Stopped))).await;
    let before = rig.caught.lock().unwrap().pictures.len();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(rig.caught.lock().unwrap().pictures.len(), before, "nothing of it is taken any more");
    assert!(rig.open(300, &sdp).await.is_ok(), "and nobody of the crowd holds a place");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pc_whose_picture_comes_from_another_address_is_not_heard_and_soon_told_why() {
    let rig = Rig::new();
    let sender = Sender::new(VideoCodec::H264, PATTERN);
    let elsewhere = IpAddr::from([127, 0, 0, 9]);
    let begun = Instant::now();
    let answer = rig.whip.open(LiveId(1), offer(&sender.offer(), elsewhere)).await.unwrap();
    sender.answered(&answer);
    rig.until("the end", |caught| caught.ended == [(LiveId(1), LiveEnd::Unheard)]).await;
    println!("told after {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(8));
    assert!(rig.caught.lock().unwrap().pictures.is_empty());
}

/// From a PC at this address.
fn offer(sdp: &str, from: IpAddr) -> LiveOffer {
    LiveOffer { sdp: sdp.to_owned(), own: HOME, from, most: Bitrate::from_kbps(8000) }
}

const PATTERN: &str = "videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=30/1";
