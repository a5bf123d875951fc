//! What every request must show before anybody looks at it: that it was meant for this box, and comes from its own page.
//!
//! Against DNS rebinding: the address that was opened is written in numbers and is the one the connection came in on.
//! Against other sites' pages: they cannot send JSON without asking, and never with this origin.

use super::words::Refusal;
use crate::documents::LONGEST_DOCUMENT;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{Request, Uri};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// Meant for this box: `local` is where the connection came in.
pub(super) fn meant_for(local: SocketAddr, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let host = host(headers).ok_or(Refusal::ForeignHost)?;
    let named = host.host().trim_start_matches('[').trim_end_matches(']');
    let here = match named.parse::<IpAddr>() {
        Ok(address) => address.to_canonical() == local.ip(),
        Err(_) => named.eq_ignore_ascii_case("localhost") && local.ip().is_loopback(),
    };
    // A browser that speaks to the box itself gives no address with the path.
    if here && uri.authority().is_none() { Ok(()) } else { Err(Refusal::ForeignHost) }
}

/// From the box's own page, or from no page at all.
pub(super) fn own_page(headers: &HeaderMap) -> Result<(), Refusal> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let own = format!("https://{host}");
    let mut origins = headers.get_all(ORIGIN).iter();
    let right_origin = origins.all(|origin| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes()));
    let mut sites = headers.get_all(HeaderName::from_static("sec-fetch-site")).iter();
    let right_site = sites.all(|site| site == "same-origin" || site == "none");
    if right_origin && right_site { Ok(()) } else { Err(Refusal::ForeignOrigin) }
}

/// The body of a question: declared as JSON, at most so many bytes, and soon there.
pub(super) async fn body(request: Request<Incoming>, longest: usize) -> Result<Bytes, Refusal> {
    typed(request, "application/json", longest).await
}

/// The same of another kind.
pub(super) async fn typed(request: Request<Incoming>, wanted: &str, longest: usize) -> Result<Bytes, Refusal> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted) {
        return Err(Refusal::NotJson);
    }
    let body = request.into_body();
    let length = body.size_hint().lower();
    if length > longest as u64 {
        if length <= READ_ALL_THE_SAME {
            // A browser that is answered while it still sends may see a broken line instead of the answer.
            drop(timeout(BODY_DUE, Limited::new(body, longest.max(READ_ALL_THE_SAME as usize)).collect()).await);
        }
        return Err(Refusal::TooLong);
    }
    match timeout(BODY_DUE, Limited::new(body, longest).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLong),
        Ok(Err(_)) => Err(Refusal::NotUnderstood),
        Err(_) => Err(Refusal::TooSlow),
    }
}

/// A document: declared as bytes, at most so long, and coming without a pause.
pub(super) async fn document(request: Request<Incoming>) -> Result<Vec<u8>, Refusal> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.eq_ignore_ascii_case("application/octet-stream") {
        return Err(Refusal::NotJson);
    }
    let mut body = request.into_body();
    let too_long = |length: u64| length > LONGEST_DOCUMENT;
    if too_long(body.size_hint().lower()) {
        return Err(Refusal::TooLong);
    }
    // As long as it says it is: what grows leaves copies in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(body.size_hint().lower()).unwrap_or(0)));
    loop {
        match timeout(BODY_DUE, body.frame()).await {
            Ok(None) => return Ok(std::mem::take(&mut *bytes)),
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else { continue };
                if too_long(bytes.len() as u64 + data.len() as u64) {
                    return Err(Refusal::TooLong);
                }
                bytes.extend_from_slice(&data);
            }
            Ok(Some(Err(_))) => return Err(Refusal::NotUnderstood),
            Err(_) => return Err(Refusal::TooSlow),
        }
    }
}

/// The value of a cookie.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(HOST).iter();
    let host: Authority = hosts.next()?.to_str().ok()?.parse().ok()?;
    // One host, nobody's name before it, a number behind it.
    let port = host.as_str().strip_prefix(host.host())?;
    let numbered = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (hosts.next().is_none() && numbered).then_some(host)
}

/// Bytes of a body that is refused for its length.
const READ_ALL_THE_SAME: u64 = 64 * 1024;
const BODY_DUE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), value.parse().expect("a value"));
        }
        headers
    }

    fn meant(local: &str, host: &str) -> bool {
        let local: SocketAddr = local.parse().expect("an address");
        meant_for(local, &Uri::from_static("/"), &headers(&[("host", host)])).is_ok()
    }

    #[test]
    fn only_the_address_itself_opens_the_page() {
        for (local, host) in [
            ("192.0.2.7:443", "192.0.2.7"),
            ("192.0.2.7:8443", "192.0.2.7:8443"),
            ("[2001:db8::7]:443", "[2001:db8::7]"),
            ("[2001:db8::7]:443", "[2001:DB8:0::7]:443"),
            ("127.0.0.1:443", "localhost:8443"),
        ] {
            assert!(meant(local, host), "{host}");
        }
        for host in
            ["rebind.example", "192.0.2.8", "localhost", "192.0.2.7.example", "", "a@192.0.2.7", "192.0.2.7:x", "0"]
        {
            assert!(!meant("192.0.2.7:443", host), "{host}");
        }
        let local = "192.0.2.7:443".parse().expect("an address");
        let twice = headers(&[("host", "192.0.2.7"), ("host", "192.0.2.7")]);
        let absolute = Uri::from_static("https://rebind.example/");
        assert!(meant_for(local, &Uri::from_static("/"), &twice).is_err(), "two names");
        assert!(meant_for(local, &Uri::from_static("/"), &HeaderMap::new()).is_err(), "no name");
        assert!(meant_for(local, &absolute, &headers(&[("host", "192.0.2.7")])).is_err(), "another name");
    }

    #[test]
    fn only_the_own_page_asks() {
        let host = ("host", "192.0.2.7:8443");
        for fine in [&[host][..], &[host, ("origin", "https://192.0.2.7:8443"), ("sec-fetch-site", "same-origin")]] {
            assert!(own_page(&headers(fine)).is_ok(), "{fine:?}");
        }
        for foreign in [
            ("origin", "https://192.0.2.7"),
            ("origin", "http://192.0.2.7:8443"),
            ("origin", "https://example.org"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(own_page(&headers(&[host, foreign])).is_err(), "{foreign:?}");
        }
    }

    #[test]
    fn one_cookie_among_others_is_found() {
        let headers = headers(&[("cookie", "a=b; engawa=1234; c"), ("cookie", "d=e")]);
        assert_eq!((cookie(&headers, "engawa"), cookie(&headers, "d")), (Some("1234"), Some("e")));
        assert_eq!(cookie(&headers, "x"), None);
    }
}
