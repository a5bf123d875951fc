//! What is wrong with an offer, in words, and what our answer says beyond what str0m writes.

use crate::live::LiveFault;
use crate::model::Bitrate;
use std::collections::BTreeSet;

/// The offer without its candidates, if it is one: who sends is learned from what arrives, and no name is ever resolved. Its parts
/// are only sent, whatever it says: nothing goes back.
///
/// # Errors
/// When it has no picture, too many parts, or claims one number for two things.
pub(super) fn plain(offer: &str) -> Result<String, LiveFault> {
    let lines = || offer.lines().map(str::trim_end).filter(|line| !line.is_empty());
    if lines().next() != Some("v=0") {
        return Err(LiveFault::Malformed);
    }
    let count = |kind: &str| lines().filter(|line| line.starts_with(kind)).count();
    if count("m=video") == 0 {
        return Err(LiveFault::NoPicture);
    }
    if count("m=video") > 1 || count("m=audio") > 1 || count("m=") > MOST_PARTS || lines().count() > MOST_LINES {
        return Err(LiveFault::TooMuch);
    }
    if claims_twice(lines()) {
        return Err(LiveFault::Malformed);
    }
    let (mut kept, mut part, mut media) = (String::with_capacity(offer.len()), "", false);
    for line in lines() {
        if line.starts_with("m=") {
            (part, media) = (line, line.starts_with("m=video") || line.starts_with("m=audio"));
        }
        match line {
            // Sound that is not sent leaves its part without use, a picture the whole offer.
            "a=recvonly" | "a=inactive" if part.starts_with("m=video") => return Err(LiveFault::NoPicture),
            "a=recvonly" | "a=inactive" if media => return Err(LiveFault::TooMuch),
            "a=sendrecv" | "a=sendonly" if media => continue,
            _ if line.starts_with("a=candidate") || line.starts_with("a=end-of-candidates") => continue,
            _ => {}
        }
        kept.extend([line, "\r\n"]);
        // An attribute may stand anywhere behind what RFC 4566 puts first.
        if media && line.starts_with("c=") {
            kept.push_str("a=sendonly\r\n");
        }
    }
    Ok(kept)
}

/// A payload type of two parts, or a repair stream of two: str0m stops the process over them.
fn claims_twice<'l>(lines: impl Iterator<Item = &'l str>) -> bool {
    let (mut types, mut repairs) = (BTreeSet::new(), BTreeSet::new());
    for line in lines {
        if let Some(part) = line.strip_prefix("m=") {
            if !part.split(' ').skip(3).all(|payload| types.insert(payload.to_owned())) {
                return true;
            }
        } else if let Some((payload, _)) = line.strip_prefix("a=fmtp:").and_then(|fmtp| fmtp.split_once(" apt="))
            && !repairs.insert(payload.to_owned())
        {
            return true;
        }
    }
    false
}

/// The answer with the most that its PC may send: for the picture `b=AS` in kbit/s (RFC 4566 §5.8) and where Chromium begins, for
/// the sound stereo at [`SOUND`] (RFC 7587 §6.1).
pub(super) fn bounded(answer: &str, most: Bitrate) -> String {
    let mut in_picture = false;
    let mut bounded = String::with_capacity(answer.len() + 128);
    for line in answer.lines() {
        in_picture = if line.starts_with("m=") { line.starts_with("m=video") } else { in_picture };
        bounded.push_str(line);
        // Chromium would climb from 300 kbit/s; on the room's own network there is nothing to find out.
        if in_picture && line.starts_with("a=fmtp:") && line.contains("profile-level-id") {
            bounded.push_str(&format!(";x-google-start-bitrate={}", most.as_kbps().min(BEGINS_KBPS)));
        }
        if line.starts_with("a=fmtp:") && line.contains("useinbandfec") {
            bounded.push_str(&format!(";stereo=1;maxaveragebitrate={SOUND}"));
        }
        bounded.push_str("\r\n");
        if in_picture && line.starts_with("c=") {
            bounded.push_str(&format!("b=AS:{}\r\n", most.as_kbps()));
        }
    }
    bounded
}

/// The picture of the answer is taken: its port is not zero.
pub(super) fn takes_picture(answer: &str) -> bool {
    answer.lines().any(|line| line.starts_with("m=video ") && !line.starts_with("m=video 0 "))
}

/// Picture, sound, and a data channel that some senders bring along.
const MOST_PARTS: usize = 4;
const MOST_LINES: usize = 1000;
/// A first picture that is readable at once, and on a line of 3 Mbit/s on the far screen within the second.
const BEGINS_KBPS: u32 = 4_000;
/// bit/s: what the budget reckons with.
const SOUND: u32 = 64_000;

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=sendrecv\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=sendonly\r\na=candidate:1 1 udp 1 8e0b-11.local 5 typ host\r\na=end-of-candidates\r\n";

    #[test]
    fn candidates_are_left_out_and_the_rest_is_kept() {
        let plain = plain(OFFER).unwrap();
        assert!(!plain.contains(".local") && !plain.contains("candidate"), "{plain}");
        assert_eq!(plain.matches("a=sendonly").count(), 2, "{plain}");
    }

    #[test]
    fn what_is_no_offer_of_a_picture_is_told_apart() {
        assert_eq!(plain("hello"), Err(LiveFault::Malformed));
        assert_eq!(plain(""), Err(LiveFault::Malformed));
        assert_eq!(plain(&OFFER.replace("m=video", "m=text")), Err(LiveFault::NoPicture));
        assert_eq!(plain(&OFFER.replace("sendonly", "recvonly")), Err(LiveFault::NoPicture));
        assert_eq!(plain(&OFFER.replace("m=audio", "m=video")), Err(LiveFault::TooMuch));
        assert_eq!(plain(&OFFER.replace("sendrecv", "inactive")), Err(LiveFault::TooMuch));
        assert_eq!(plain(&OFFER.replace("111", "96")), Err(LiveFault::Malformed), "one number for two things");
        let twice = "a=fmtp:97 apt=96\r\na=fmtp:97 apt=98\r\na=candidate";
        assert_eq!(plain(&OFFER.replace("a=candidate", twice)), Err(LiveFault::Malformed));
    }

    #[test]
    fn the_answer_names_the_most_for_the_picture_only() {
        let answer = "v=0\r\nm=audio 9 X 1\r\nc=IN IP4 0.0.0.0\r\nm=video 9 X 2\r\nc=IN IP4 0.0.0.0\r\n\
            a=fmtp:2 profile-level-id=42e01f\r\n";
        let bounded = bounded(answer, Bitrate::from_kbps(2500));
        assert!(bounded.contains("m=video 9 X 2\r\nc=IN IP4 0.0.0.0\r\nb=AS:2500\r\n"), "{bounded}");
        assert!(bounded.contains("profile-level-id=42e01f;x-google-start-bitrate=2500\r\n"), "{bounded}");
        assert_eq!(bounded.matches("b=AS").count(), 1);
        assert!(takes_picture(&bounded));
        assert!(!takes_picture(&bounded.replace("m=video 9", "m=video 0")));
    }
}
