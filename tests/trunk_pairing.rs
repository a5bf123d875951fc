//! Pairing over loopback: the right code, wrong codes, three tries, ten minutes, and whoever else comes.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may panic at anything else")]

mod trunk_support;

use engawa::trunk::identity::{Identity, pin_peer, pinned_peer};
use engawa::trunk::key::PeerKey;
use engawa::trunk::pairing::{Code, Limits, Offer, PairError, answer, offer};
use engawa::trunk::words::six_words;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use trunk_support::*;

type Waiting = JoinHandle<Result<PeerKey, PairError>>;

async fn offering(identity: &Identity, code: &Code) -> (SocketAddr, Waiting) {
    let offer = Offer::bind(ANY_PORT.parse().unwrap(), identity, code.clone(), Limits::default()).await.unwrap();
    (offer.local_addr(), tokio::spawn(offer.wait()))
}

async fn ended(waiting: Waiting) -> Result<PeerKey, PairError> {
    timeout(PATIENCE, waiting).await.expect("the offer still waits").unwrap()
}

/// Another code, surely.
fn wrong(code: &Code) -> Code {
    let digits: String = code.to_string().chars().map(|digit| if digit == '0' { '1' } else { '0' }).take(8).collect();
    format!("{digits:0<8}").parse().unwrap()
}

fn is_readable(error: &PairError) {
    assert!(error.to_string().len() > 20, "{error}");
    assert!(error.japanese().chars().any(|c| ('ぁ'..='ん').contains(&c)), "{}", error.japanese());
}

#[tokio::test]
async fn the_right_code_gives_each_box_the_others_key_and_both_the_same_words() {
    let (one, other) = identities();
    let code = Code::random().unwrap();
    let (to, waiting) = offering(&one, &code).await;
    let at_other = answer(to, &other, &code).await.unwrap();
    let at_one = ended(waiting).await.unwrap();
    assert_eq!((at_one, at_other), (other.public_key(), one.public_key()));
    assert_eq!(six_words(&one.public_key(), &at_one), six_words(&other.public_key(), &at_other));

    let home = tempfile::tempdir().unwrap();
    pin_peer(home.path(), &at_one).unwrap();
    assert_eq!(pinned_peer(home.path()).unwrap(), Some(other.public_key()));
    // The code is used up.
    assert!(matches!(answer(to, &other, &code).await, Err(PairError::NotListening(_))));
}

#[tokio::test]
async fn a_wrong_code_costs_a_try_and_the_right_one_still_works() {
    let (one, other) = identities();
    let code = Code::random().unwrap();
    let (to, waiting) = offering(&one, &code).await;
    for left in [2, 1] {
        let error = answer(to, &other, &wrong(&code)).await.unwrap_err();
        assert!(matches!(error, PairError::WrongCode { left: Some(said) } if said == left), "{error}");
        is_readable(&error);
    }
    assert_eq!(answer(to, &other, &code).await.unwrap(), one.public_key());
    assert_eq!(ended(waiting).await.unwrap(), other.public_key());
}

#[tokio::test]
async fn after_three_wrong_tries_the_code_is_dead_even_if_right() {
    let (one, other) = identities();
    let code = Code::random().unwrap();
    let (to, waiting) = offering(&one, &code).await;
    for left in [2, 1, 0] {
        let error = answer(to, &other, &wrong(&code)).await.unwrap_err();
        assert!(matches!(error, PairError::WrongCode { left: Some(said) } if said == left), "{error}");
    }
    let error = ended(waiting).await.unwrap_err();
    assert!(matches!(error, PairError::CodeDead), "{error}");
    is_readable(&error);
    assert!(matches!(answer(to, &other, &code).await, Err(PairError::NotListening(_))));
}

#[tokio::test]
async fn a_try_that_was_only_begun_counts() {
    let (one, other) = identities();
    let code = Code::random().unwrap();
    let (to, waiting) = offering(&one, &code).await;
    let thief = StoredIdentity::new();
    for _ in 0..3 {
        // A share of the right length, and then gone, before any proof.
        let mut tls = tls_client(to, Some(&thief), &[b"engawa-pair/1"]).await.unwrap();
        let share = [&[0x41][..], &[1; 32]].concat();
        tls.write_all(&frame(&share)).await.unwrap();
    }
    assert!(matches!(ended(waiting).await, Err(PairError::CodeDead)));
    assert!(answer(to, &other, &code).await.is_err());
}

#[tokio::test]
async fn whoever_does_not_even_try_costs_nothing() {
    let (one, other) = identities();
    let code = Code::random().unwrap();
    let (to, waiting) = offering(&one, &code).await;
    let mut half_open = vec![];
    for n in 0..100 {
        half_open.push(connect_from([127, 0, 1, n], to).await.unwrap());
    }
    for _ in 0..10 {
        let mut tcp = TcpStream::connect(to).await.unwrap();
        tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        is_sent_away(tcp).await;
    }
    let thief = StoredIdentity::new();
    for _ in 0..5 {
        let mut tls = tls_client(to, Some(&thief), &[b"engawa-pair/1"]).await.unwrap();
        tls.write_all(&u32::MAX.to_be_bytes()).await.unwrap();
        is_sent_away(tls).await;
    }
    assert_eq!(answer(to, &other, &code).await.unwrap(), one.public_key());
    assert_eq!(ended(waiting).await.unwrap(), other.public_key());
}

#[tokio::test(start_paused = true)]
async fn a_code_expires_after_ten_minutes() {
    let (one, _) = identities();
    let code = Code::random().unwrap();
    let offer = Offer::bind(ANY_PORT.parse().unwrap(), &one, code, Limits::default()).await.unwrap();
    let mut waiting = tokio::spawn(offer.wait());
    assert!(timeout(Duration::from_secs(599), &mut waiting).await.is_err(), "too early");
    let error = timeout(Duration::from_secs(2), waiting).await.expect("too late").unwrap().unwrap_err();
    assert!(matches!(error, PairError::Expired), "{error}");
    is_readable(&error);
}

#[tokio::test]
async fn two_boxes_from_one_image_are_told_so() {
    let one = Identity::generate().unwrap();
    let code = Code::random().unwrap();
    let (to, waiting) = offering(&one, &code).await;
    let error = answer(to, &one, &code).await.unwrap_err();
    assert!(matches!(error, PairError::SameKey), "{error}");
    is_readable(&error);
    waiting.abort();
}

#[tokio::test]
async fn a_running_daemon_does_not_pair_and_says_so() {
    let (one, other) = identities();
    let daemon = End::start(&one, other.public_key(), None).await;
    let error = answer(daemon.address(), &other, &Code::random().unwrap()).await.unwrap_err();
    assert!(matches!(error, PairError::NotPairing), "{error}");
    is_readable(&error);
    daemon.stays_quiet(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn a_taken_port_and_a_web_server_are_told_as_such() {
    let (one, other) = identities();
    let holder = TcpListener::bind(ANY_PORT).await.unwrap();
    let taken = holder.local_addr().unwrap();
    let code = Code::random().unwrap();
    let error = offer(taken, &one, code.clone(), Limits::default()).await.unwrap_err();
    assert!(matches!(error, PairError::PortTaken(address) if address == taken), "{error}");
    is_readable(&error);
    let web = async {
        let (mut tcp, _) = holder.accept().await.unwrap();
        tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        is_sent_away(tcp).await;
    };
    let (error, ()) = tokio::join!(answer(taken, &other, &code), web);
    assert!(matches!(error, Err(PairError::NotPairing)), "{error:?}");
}

/// Whoever stands in between has its own two TLS connections, and the code is bound to one.
#[tokio::test]
async fn a_man_in_the_middle_who_carries_every_word_gets_nothing() {
    let (one, other) = identities();
    let code = Code::random().unwrap();
    let (to, waiting) = offering(&one, &code).await;
    let thief = StoredIdentity::new();
    let middle = thief.listening_as_pairing().await;
    let at = middle.0.local_addr().unwrap();
    let carry = async {
        let (tcp, _) = middle.0.accept().await.unwrap();
        let mut victim = middle.1.accept(tcp).await.unwrap();
        let mut far = tls_client(to, Some(&thief), &[b"engawa-pair/1"]).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut victim, &mut far).await;
    };
    let (error, ()) = tokio::join!(answer(at, &other, &code), carry);
    assert!(matches!(error, Err(PairError::WrongCode { left: Some(2) })), "{error:?}");
    assert!(!waiting.is_finished(), "the offer still waits, with a try less");
    assert_eq!(answer(to, &other, &code).await.unwrap(), one.public_key());
    assert_eq!(ended(waiting).await.unwrap(), other.public_key());
}
