//! One webrtcbin session: open, close, SDP, certificate, statistics.
