//! A proxy in the middle of a trunk: carries TCP connections, remembers and counts what passes, and can cut each.

use super::{ANY_PORT, End, WITHIN, identities};
use engawa::model::{Side, TrunkId};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

pub struct Proxy {
    pub address: SocketAddr,
    carried: Arc<Mutex<Vec<Carried>>>,
}

#[derive(Clone, Default)]
struct Passed {
    /// By the dialler.
    sent: Arc<Mutex<Vec<u8>>>,
    /// Bytes the other way.
    answered: Arc<AtomicU64>,
}

struct Carried {
    passed: Passed,
    task: tokio::task::AbortHandle,
}

impl Proxy {
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(ANY_PORT).await.unwrap();
        let address = listener.local_addr().unwrap();
        let carried = Arc::new(Mutex::new(Vec::new()));
        let list = carried.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let passed = Passed::default();
                let task = tokio::spawn(carry(near, target, passed.clone())).abort_handle();
                list.lock().unwrap().push(Carried { passed, task });
            }
        });
        Self { address, carried }
    }

    pub fn cut(&self, index: usize) {
        self.carried.lock().unwrap()[index].task.abort();
    }

    /// What the dialler sent, by connection.
    pub fn recorded(&self) -> Vec<Vec<u8>> {
        self.carried.lock().unwrap().iter().map(|carried| carried.passed.sent.lock().unwrap().clone()).collect()
    }

    /// How many bytes it was sent, over all connections.
    pub fn answered(&self) -> u64 {
        let carried = self.carried.lock().unwrap();
        carried.iter().map(|carried| carried.passed.answered.load(Ordering::Relaxed)).sum()
    }
}

async fn carry(near: TcpStream, target: SocketAddr, passed: Passed) {
    let far = TcpStream::connect(target).await.unwrap();
    let ((mut near_in, mut near_out), (mut far_in, mut far_out)) = (near.into_split(), far.into_split());
    let there = async {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = near_in.read(&mut bytes).await {
            passed.sent.lock().unwrap().extend_from_slice(&bytes[..count]);
            if far_out.write_all(&bytes[..count]).await.is_err() {
                break;
            }
        }
    };
    let back = async {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = far_in.read(&mut bytes).await {
            passed.answered.fetch_add(count as u64, Ordering::Relaxed);
            if near_out.write_all(&bytes[..count]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = there => {}
        () = back => {}
    }
    sleep(Duration::from_millis(20)).await;
}

/// As [`super::linked`], through a proxy: its connection 0 is control, 1 is bulk.
pub async fn linked_through_proxy() -> (Proxy, [(End, TrunkId); 2]) {
    let (one, other) = identities();
    let b = End::start(&other, one.public_key(), None).await;
    let proxy = Proxy::to(b.address()).await;
    let a = End::start(&one, other.public_key(), Some(proxy.address)).await;
    a.trunk.dial(None, WITHIN);
    let (at_a, at_b) = (a.opened(Side::Near).await, b.opened(Side::Far).await);
    assert!(a.bulk(at_a).await && b.bulk(at_b).await);
    (proxy, [(a, at_a), (b, at_b)])
}
