//! One PC's session: str0m does ICE-lite, DTLS, SRTP, and puts pictures together; here it is fed, emptied and watched.

use super::sdp;
use crate::live::{LiveFault, LiveNews, LiveOffer, LivePicture, LiveSound};
use crate::model::{LiveEnd, LiveId, VideoCodec};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use str0m::change::SdpOffer;
use str0m::format::Codec;
use str0m::media::{KeyframeRequestKind, MediaData, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

pub(super) struct Session {
    pub(super) id: LiveId,
    rtc: Rtc,
    own: SocketAddr,
    from: IpAddr,
    picture: Option<Mid>,
    stranger: Option<Stranger>,
    due: Instant,
    opened_at: Instant,
    /// Something of its PC came.
    heard: bool,
    /// The same came from another address, and was told of.
    elsewhere: bool,
    /// The last datagram that belongs to it: RTP, RTCP or STUN.
    heard_at: Instant,
    shows: bool,
    /// It was told so.
    silent: bool,
    asked_at: Option<Instant>,
    key_wanted: bool,
    broken: bool,
    closed_at: Option<Instant>,
}

impl Session {
    /// Takes an offer; gives the answer.
    pub(super) fn open(id: LiveId, offer: &LiveOffer, port: u16, now: Instant) -> Result<(Self, String), LiveFault> {
        let plain = sdp::plain(&offer.sdp)?;
        let parsed = SdpOffer::from_sdp_string(&plain).map_err(|error| {
            tracing::debug!(%error, "an offer is not understood");
            LiveFault::Malformed
        })?;
        let mut config = Rtc::builder().set_ice_lite(true).clear_codecs().enable_opus(true, false);
        for (payload, rtx, mode_1, profile) in H264 {
            config.codec_config().add_h264(payload.into(), Some(rtx.into()), mode_1, profile);
        }
        // After H.264: who offers both sends what can be passed on.
        let mut rtc = config.enable_vp8(true).build(now);
        let stranger = Stranger::in_offer(&plain);
        let own = SocketAddr::new(offer.own, port);
        let candidate = Candidate::host(own, "udp").map_err(|_| LiveFault::Malformed)?;
        rtc.add_local_candidate(candidate);
        let answer = rtc.sdp_api().accept_offer(parsed).map_err(|error| {
            tracing::debug!(%error, "an offer cannot be answered");
            LiveFault::Malformed
        })?;
        let answer = answer.to_sdp_string();
        if !sdp::takes_picture(&answer) {
            return Err(LiveFault::NoCodec);
        }
        let session = Self {
            id,
            rtc,
            own,
            from: offer.from,
            picture: None,
            stranger,
            due: now,
            opened_at: now,
            heard: false,
            elsewhere: false,
            heard_at: now,
            shows: false,
            silent: false,
            asked_at: None,
            key_wanted: false,
            broken: false,
            closed_at: None,
        };
        Ok((session, sdp::bounded(&answer, offer.most)))
    }

    /// When [`turn`](Self::turn) is to be called at the latest.
    pub(super) fn due(&self) -> Instant {
        let silence = self.heard_at + if self.shows && !self.silent { SILENT } else { GONE };
        let waits = if self.shows { silence } else { silence.min(self.opened_at + SHOWS_WITHIN) };
        self.due.min(waits)
    }

    /// Takes a datagram if it is this session's.
    pub(super) fn take(&mut self, datagram: &[u8], source: SocketAddr, now: Instant) -> bool {
        let of_interest = source.ip() == self.from || !self.heard && !self.elsewhere;
        if !of_interest || self.closed_at.is_some() {
            return false;
        }
        let Ok(receive) = Receive::new(Protocol::Udp, source, self.own, datagram) else { return false };
        let input = Input::Receive(now, receive);
        if !self.rtc.accepts(&input) {
            return false;
        }
        if source.ip() != self.from {
            // Its own words with its own key: a PC on two networks. It is looked at, not heard.
            tracing::warn!(page = %self.from, %source, "a PC's picture comes from another address than its page: not heard");
            self.elsewhere = true;
            return false;
        }
        (self.heard, self.heard_at) = (true, now);
        if let (Some(stranger), Some(mid)) = (&self.stranger, self.picture)
            && let Some(ssrc) = stranger.ssrc(datagram)
        {
            self.rtc.direct_api().expect_stream_rx(ssrc.into(), None, mid, None);
            self.stranger = None;
        }
        if let Err(error) = self.rtc.handle_input(input) {
            tracing::debug!(%error, "a share breaks");
            self.broken = true;
        }
        true
    }

    /// Lets time pass, sends what is to be sent, tells what came.
    pub(super) fn turn(
        &mut self,
        now: Instant,
        mut send: impl FnMut(&[u8], SocketAddr),
        mut tell: impl FnMut(LiveNews),
    ) {
        if self.due <= now
            && self.rtc.is_alive()
            && let Err(error) = self.rtc.handle_input(Input::Timeout(now))
        {
            tracing::debug!(%error, "a share breaks");
            self.broken = true;
        }
        self.drain(now, &mut send, &mut tell);
        let may_ask = self.asked_at.is_none_or(|at| now.duration_since(at) >= KEY_PAUSE);
        if self.key_wanted && may_ask && self.ask(now) {
            self.drain(now, &mut send, &mut tell);
        }
        let silent_for = now.duration_since(self.heard_at);
        // Before its first picture there is nothing that could look live.
        let silent = self.shows && silent_for >= SILENT;
        if std::mem::replace(&mut self.silent, silent) != silent {
            tell(if silent { LiveNews::Silent(silent_for) } else { LiveNews::Speaks });
        }
    }

    /// Wants a key frame, soon; not more often than [`KEY_PAUSE`].
    pub(super) fn ask_key_frame(&mut self, now: Instant) {
        self.key_wanted = true;
        self.due = self.due.min(self.asked_at.map_or(now, |at| at + KEY_PAUSE));
    }

    /// Says goodbye to its PC.
    pub(super) fn close(&mut self) {
        self.closed_at.get_or_insert(self.due);
        self.rtc.disconnect();
    }

    /// Why it is over, if it is.
    pub(super) fn over(&self, now: Instant) -> Option<LiveEnd> {
        if self.closed_at.is_some() {
            return Some(LiveEnd::Stopped);
        }
        if self.broken {
            return Some(LiveEnd::Failed);
        }
        if !self.rtc.is_alive() {
            return Some(LiveEnd::Stopped);
        }
        if !self.shows && now.duration_since(self.opened_at) >= SHOWS_WITHIN {
            return Some(LiveEnd::Failed);
        }
        let silent = if self.heard { LiveEnd::Vanished } else { LiveEnd::Unheard };
        (now.duration_since(self.heard_at) >= GONE).then_some(silent)
    }

    fn drain(&mut self, now: Instant, send: &mut impl FnMut(&[u8], SocketAddr), tell: &mut impl FnMut(LiveNews)) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(due)) => {
                    // A timer that is always due would turn the loop for ever.
                    self.due = due.max(now + SHORTEST);
                    return;
                }
                Ok(Output::Transmit(transmit)) => send(&transmit.contents, transmit.destination),
                Ok(Output::Event(event)) => self.hear(event, tell),
                Err(error) => {
                    tracing::debug!(%error, "a share breaks");
                    (self.broken, self.due) = (true, now + GONE);
                    return;
                }
            }
        }
    }

    fn hear(&mut self, event: Event, tell: &mut impl FnMut(LiveNews)) {
        if let Event::MediaData(data) = event {
            self.media(data, tell);
        } else if let Event::MediaAdded(added) = event {
            self.picture = self.picture.or((added.kind == MediaKind::Video).then_some(added.mid));
        } else {
            tracing::trace!(?event, "of a share");
        }
    }

    fn media(&mut self, data: MediaData, tell: &mut impl FnMut(LiveNews)) {
        #[expect(clippy::cast_possible_truncation, reason = "RTP time is counted modulo 2^32")]
        let rtp = data.time.numer() as u32;
        // Nothing else was agreed on.
        let codec = data.params.spec().codec;
        if codec == Codec::Opus {
            return tell(LiveNews::Sound(LiveSound { rtp, bytes: data.data }));
        }
        let codec = if codec == Codec::Vp8 { VideoCodec::Vp8 } else { VideoCodec::H264 };
        let key = data.is_keyframe();
        self.shows = true;
        if !data.contiguous && !key {
            self.key_wanted = true;
        }
        tell(LiveNews::Picture(LivePicture { codec, rtp, key, whole: data.contiguous, bytes: data.data }));
    }

    fn ask(&mut self, now: Instant) -> bool {
        let Some(mut writer) = self.picture.and_then(|mid| self.rtc.writer(mid)) else { return false };
        let kind = KeyframeRequestKind::Pli;
        let asked = writer.is_request_keyframe_possible(kind) && writer.request_keyframe(None, kind).is_ok();
        if asked {
            (self.key_wanted, self.asked_at) = (false, Some(now));
        }
        asked
    }
}

/// A picture whose stream the offer does not name: webrtcbin of GStreamer 1.22 says SSRC 0 for H.264. It is known by the payload
/// types of its part; what is not really its PC's does not decrypt.
struct Stranger(Vec<u8>);

impl Stranger {
    fn in_offer(offer: &str) -> Option<Self> {
        let part: Vec<&str> = offer.lines().skip_while(|line| !line.starts_with("m=video")).collect();
        let end = part.iter().skip(1).position(|line| line.starts_with("m=")).map_or(part.len(), |at| at + 1);
        let part = &part[..end];
        let named = |line: &&str| line.starts_with("a=ssrc:") && !line.starts_with("a=ssrc:0 ");
        let by_extension = |line: &&str| line.starts_with("a=extmap:") && line.contains("sdes:mid");
        if part.iter().any(|line| named(line) || by_extension(line)) {
            return None;
        }
        let codec = |map: &&str| map.contains(" H264/") || map.contains(" VP8/");
        let types = part.iter().filter_map(|line| line.strip_prefix("a=rtpmap:").filter(|map| codec(map)));
        Some(Self(types.filter_map(|map| map.split(' ').next()?.parse().ok()).collect()))
    }

    /// Of an RTP packet of its types (RFC 3550 §5.1; RTCP stays apart by RFC 5761 §4).
    fn ssrc(&self, datagram: &[u8]) -> Option<u32> {
        let rtp = datagram.len() >= 12 && datagram[0] >> 6 == 2 && self.0.contains(&(datagram[1] & 0x7F));
        rtp.then(|| u32::from_be_bytes([datagram[8], datagram[9], datagram[10], datagram[11]]))
    }
}

/// H.264 as we read it: payload type, that of its RTX, packetization mode 1 or 0, profile and level 4.2 (RFC 6184 §8.1).
/// Who names neither mode nor profile means 0 and baseline.
const H264: [(u8, u8, bool, u32); 6] = [
    (108, 109, true, 0x42_E0_2A),
    (127, 121, true, 0x42_00_2A),
    (123, 119, true, 0x4D_00_2A),
    (114, 115, true, 0x64_00_2A),
    (124, 120, false, 0x42_E0_2A),
    (125, 107, false, 0x42_00_2A),
];
/// A PC that says nothing for so long, no RTP, no RTCP, no STUN, is not live: a frozen machine, a pulled cable. A still window
/// is not silent: of libwebrtc, and so of every browser, an RTCP report comes every 0.5 to 1.5 s whatever its picture does
/// (RFC 3550 §6.2 with one second in the middle), and of one stable path a STUN check every 2.5 s; webrtcbin sends frames or
/// sound all the time. A report that gets lost is thus no silence yet.
const SILENT: Duration = Duration::from_millis(2600);
/// And for so long, it is gone.
const GONE: Duration = Duration::from_secs(5);
/// From the offer to the first picture; somebody may have to allow it on the PC first, but that is before the offer.
const SHOWS_WITHIN: Duration = Duration::from_secs(10);
const KEY_PAUSE: Duration = Duration::from_millis(500);
const SHORTEST: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Bitrate;
    use std::net::Ipv4Addr;

    const OFFER: &str = include_str!("../../tests/data/chromium.sdp");

    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    /// A session that showed something, in pretend time.
    fn session(now: Instant) -> Session {
        let home = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let offer = LiveOffer { sdp: OFFER.into(), own: home, from: home, most: Bitrate::from_kbps(8000) };
        let (mut session, _) = Session::open(LiveId(1), &offer, 9, now).expect("a browser's offer");
        (session.shows, session.heard) = (true, true);
        session
    }

    fn told(session: &mut Session, now: Instant) -> Vec<String> {
        let mut told = Vec::new();
        session.turn(now, |_, _| {}, |news| told.push(format!("{news:?}")));
        told
    }

    #[test]
    fn silence_is_told_once_lifted_at_the_first_word_and_ends_it_at_last() {
        let begun = now();
        let after = |millis| begun + Duration::from_millis(millis);
        let mut session = session(begun);
        assert!(told(&mut session, after(2599)).is_empty());
        assert!(session.due() <= after(2600), "it wakes for it");
        assert_eq!(told(&mut session, after(2600)), ["Silent(2.6s)"]);
        assert!(told(&mut session, after(4000)).is_empty(), "once");
        session.heard_at = after(4900);
        assert_eq!(told(&mut session, after(4901)), ["Speaks"]);
        assert_eq!(session.over(after(5001)), None);
        assert_eq!(told(&mut session, after(7600)), ["Silent(2.7s)"]);
        assert_eq!(session.over(after(9899)), None);
        assert_eq!(session.over(after(9900)), Some(LiveEnd::Vanished));
    }

    #[test]
    fn one_that_has_shown_nothing_yet_has_nothing_to_grey() {
        let begun = now();
        let mut session = session(begun);
        session.shows = false;
        assert!(told(&mut session, begun + Duration::from_secs(4)).is_empty());
    }
}
