//! The peer's SDP, held to what Engawa speaks before webrtcbin sees it.
//!
//! Only host candidates over UDP with the peer's own address stay; names (`*.local` or any other) are never resolved.
//! Anything that is not four lines of the agreed codecs in one bundle is refused here, with a reason, not inside webrtcbin.

use super::lines::{is_video, rtpmap};
use crate::model::{Line, VideoCodec};
use gstreamer_sdp::SDPMessage;
use std::net::IpAddr;
use thiserror::Error;

/// Why a description is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SdpFault {
    /// Larger than [`SDP_LIMIT`].
    #[error("the description has {0} bytes, more than {SDP_LIMIT}")]
    TooLarge(usize),
    /// More lines than [`LINE_LIMIT`], or a line longer than [`LINE_BYTES`].
    #[error("the description has too many or too long lines")]
    TooManyLines,
    /// Not SDP.
    #[error("the description is not SDP")]
    NotSdp,
    /// Not the four lines of Engawa in their order.
    #[error("the description does not have Engawa's four media lines")]
    WrongLines,
    /// A line without the agreed codec.
    #[error("the description's {0:?} line does not carry {1}")]
    WrongCodec(Line, &'static str),
    /// A line that lacks something no session goes without.
    #[error("the description's {0:?} line lacks {1}")]
    Incomplete(Line, &'static str),
}

/// The peer's description, held to what Engawa speaks.
#[derive(Debug)]
pub struct Admissible {
    /// With only the candidates that may be used.
    pub message: SDPMessage,
    /// The SSRC of each line's media, repair streams left out.
    pub streams: Streams,
}

/// SSRCs in the order of [`Line::ALL`].
pub type Streams = [u32; 4];

/// Checks a description, removes candidates that may not be used, and parses it.
///
/// # Errors
/// [`SdpFault`] when it is not an Engawa description for this codec.
pub fn admissible(text: &str, codec: VideoCodec, peer: IpAddr) -> Result<Admissible, SdpFault> {
    if text.len() > SDP_LIMIT {
        return Err(SdpFault::TooLarge(text.len()));
    }
    let lines: Vec<&str> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    if lines.len() > LINE_LIMIT || lines.iter().any(|line| line.len() > LINE_BYTES) {
        return Err(SdpFault::TooManyLines);
    }
    if !text.starts_with("v=0") || text.contains('\0') {
        return Err(SdpFault::NotSdp);
    }
    let streams = check_lines(&lines, codec)?;
    let kept: Vec<&str> = lines.into_iter().filter(|line| may_stay(line, peer)).collect();
    let message = SDPMessage::parse_buffer(kept.join("\r\n").as_bytes()).map_err(|_| SdpFault::NotSdp)?;
    Ok(Admissible { message, streams })
}

/// Everything but a candidate that may not be used.
fn may_stay(line: &str, peer: IpAddr) -> bool {
    let Some(candidate) = line.strip_prefix("a=candidate:") else { return true };
    let words: Vec<&str> = candidate.split(' ').collect();
    // foundation, component, transport, priority, address, port, "typ", type (RFC 8839 §5.1)
    let [_, _, transport, _, address, port, "typ", "host", ..] = words.as_slice() else { return false };
    transport.eq_ignore_ascii_case("udp")
        && address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical() == peer.to_canonical())
        && port.parse::<u16>().is_ok_and(|port| port != 0)
}

fn check_lines(lines: &[&str], codec: VideoCodec) -> Result<Streams, SdpFault> {
    let mut streams = [0; 4];
    let mut sections = lines.split(|line| line.starts_with("m="));
    let session = sections.next().unwrap_or_default();
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("m=")).collect();
    let sections: Vec<&[&str]> = sections.collect();
    if kinds.len() != Line::ALL.len() {
        return Err(SdpFault::WrongLines);
    }
    for ((line, kind), section) in Line::ALL.into_iter().zip(kinds).zip(sections) {
        let wanted = if is_video(line) { "video " } else { "audio " };
        if !kind.starts_with(wanted) || !kind.contains(" UDP/TLS/RTP/SAVPF ") {
            return Err(SdpFault::WrongLines);
        }
        let name = rtpmap(line, codec);
        let carried = section
            .iter()
            .filter_map(|text| text.strip_prefix("a=rtpmap:"))
            .any(|map| map.split_once(' ').is_some_and(|(_, encoding)| encoding.trim().eq_ignore_ascii_case(name)));
        if !carried {
            return Err(SdpFault::WrongCodec(line, name));
        }
        for needed in ["a=sendrecv", "a=rtcp-mux"] {
            if !section.contains(&needed) {
                return Err(SdpFault::Incomplete(line, needed));
            }
        }
        for needed in ["a=mid:", "a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:sha-256 ", "a=setup:"] {
            if !section.iter().chain(session).any(|text| text.starts_with(needed)) {
                return Err(SdpFault::Incomplete(line, needed));
            }
        }
        streams[line.index()] = stream(section).ok_or(SdpFault::Incomplete(line, "a=ssrc:"))?;
    }
    if !session.iter().any(|text| text.starts_with("a=group:BUNDLE ") && text.split(' ').count() == 5) {
        return Err(SdpFault::Incomplete(Line::Voice, "a=group:BUNDLE"));
    }
    Ok(streams)
}

/// The media stream of a line: the first of its repair group (RFC 4588 §8.8), or the only one.
fn stream(section: &[&str]) -> Option<u32> {
    let group = section.iter().find_map(|line| line.strip_prefix("a=ssrc-group:FID "));
    let alone = || section.iter().find_map(|line| line.strip_prefix("a=ssrc:"));
    group.or_else(alone)?.split(' ').next()?.parse().ok().filter(|ssrc| *ssrc != 0)
}

/// Bytes; what a signal on the trunk may carry.
const SDP_LIMIT: usize = 16 * 1024;
/// A description of ours has about 150.
const LINE_LIMIT: usize = 512;
/// Bytes; the longest line of ours has about 200.
const LINE_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const CANDIDATE: &str = "a=candidate:1 1 UDP 2015364095 192.0.2.7 42000 typ host";

    fn peer() -> IpAddr {
        IpAddr::from([192, 0, 2, 7])
    }

    /// The least that is one of Engawa's descriptions.
    fn description() -> String {
        gstreamer::init().expect("GStreamer starts");
        let head = "v=0\r\no=- 1 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a b c d\r\n";
        let line = |mid: &str, kind: &str, pt: u8, map: &str, ssrc: u32| {
            format!(
                "m={kind} 9 UDP/TLS/RTP/SAVPF {pt}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n\
                 a=rtcp-mux\r\na=setup:actpass\r\na=fingerprint:sha-256 AB\r\na=sendrecv\r\na=rtpmap:{pt} {map}\r\n\
                 a=ssrc-group:FID {ssrc} 9\r\na=ssrc:{ssrc} cname:x\r\n"
            )
        };
        [
            head.to_owned(),
            line("a", "audio", 111, "OPUS/48000/2", 1),
            CANDIDATE.to_owned() + "\r\n",
            line("b", "video", 96, "H264/90000", 2),
            line("c", "video", 98, "H264/90000", 3),
            line("d", "audio", 112, "OPUS/48000/2", 4),
        ]
        .concat()
    }

    fn fault(text: &str) -> SdpFault {
        admissible(text, VideoCodec::H264, peer()).expect_err("refused")
    }

    #[test]
    fn a_description_of_ours_is_taken_with_its_streams() {
        let taken = admissible(&description(), VideoCodec::H264, peer()).expect("taken");
        assert_eq!(taken.streams, [1, 2, 3, 4]);
        assert_eq!(taken.message.medias_len(), 4);
        assert!(taken.message.as_text().expect("text").contains(CANDIDATE));
    }

    #[test]
    fn only_udp_host_candidates_with_the_peers_address_stay() {
        assert!(may_stay(CANDIDATE, peer()));
        assert!(may_stay("a=candidate:1 1 udp 1 2001:db8::7 42000 typ host", "2001:db8::7".parse().expect("address")));
        for (from, to) in [
            ("192.0.2.7", "192.0.2.8"),
            ("192.0.2.7", "f3a1.local"),
            ("192.0.2.7", "peer.example"),
            ("192.0.2.7", "192.0.2.7.example"),
            (" UDP ", " TCP "),
            ("typ host", "typ srflx raddr 192.0.2.7 rport 1"),
            ("typ host", "typ relay"),
            ("42000", "0"),
            ("42000", "70000"),
            (" typ host", ""),
        ] {
            let other = CANDIDATE.replace(from, to);
            assert!(!may_stay(&other, peer()), "{other}");
            let taken = admissible(&description().replace(CANDIDATE, &other), VideoCodec::H264, peer()).expect("taken");
            assert!(!taken.message.as_text().expect("text").contains("candidate"), "{other}");
        }
    }

    #[test]
    fn what_is_not_ours_is_refused_with_a_reason() {
        let good = description();
        assert_eq!(fault(""), SdpFault::NotSdp);
        assert_eq!(fault("v=0\0"), SdpFault::NotSdp);
        assert_eq!(fault("v=0\r\n"), SdpFault::WrongLines);
        assert_eq!(fault(&"v".repeat(SDP_LIMIT + 1)), SdpFault::TooLarge(SDP_LIMIT + 1));
        assert_eq!(fault(&format!("v=0\n{}", "a\n".repeat(LINE_LIMIT))), SdpFault::TooManyLines);
        assert_eq!(fault(&format!("v=0\n{}", "a".repeat(LINE_BYTES + 1))), SdpFault::TooManyLines);
        assert_eq!(fault(&format!("{good}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n")), SdpFault::WrongLines);
        assert_eq!(fault(&good.replace("H264", "VP8")), SdpFault::WrongCodec(Line::Camera, "h264/90000"));
        assert_eq!(fault(&good.replace("a=sendrecv", "a=sendonly")), SdpFault::Incomplete(Line::Voice, "a=sendrecv"));
        assert_eq!(fault(&good.replace("FID 3 9", "FID 0 9")), SdpFault::Incomplete(Line::LiveShare, "a=ssrc:"));
        assert_eq!(
            fault(&good.replace("BUNDLE a b c d", "BUNDLE a b")),
            SdpFault::Incomplete(Line::Voice, "a=group:BUNDLE")
        );
    }

    #[test]
    fn no_cut_of_a_description_is_a_panic() {
        let good = description();
        for end in 0..good.len() {
            let _ = admissible(&good[..end], VideoCodec::H264, peer());
            let _ = admissible(&good[end..], VideoCodec::H264, peer());
        }
    }
}
