//! What one bulk connection says of the bundle that is passed on: the offer at once, pieces when nothing else is to be sent.
//!
//! A thread of its own reads ahead, half a megabyte at most; a piece leaves at the pace allowed, after pings, lists and
//! documents, and only as far as the far box wants.

use super::exchange::Exchange;
use crate::inbox::Inbox;
use crate::trunk::bundles::{Bundles, Going, Stage};
use crate::trunk::message::{BundleWord, Digest};
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;

pub(super) struct Giving {
    exchange: Arc<Exchange>,
    bundles: Bundles,
    inbox: Inbox,
    /// What the far box said, and what this box says to its offers.
    heard: mpsc::Receiver<BundleWord>,
    answers: mpsc::Receiver<BundleWord>,
    changed: watch::Receiver<()>,
    pace: watch::Receiver<()>,
    offered: Option<u64>,
    sending: Option<Sending>,
}

struct Sending {
    bundle: Digest,
    next: u64,
    to: u64,
    blocks: mpsc::Receiver<Vec<u8>>,
    block: Vec<u8>,
    /// Of the block.
    sent: usize,
    _going: Going,
}

/// What to do next.
enum Step {
    Heard(BundleWord),
    Say(BundleWord),
    Block(Option<Vec<u8>>),
    Turn(usize),
    Look,
}

impl Giving {
    pub(super) fn new(
        exchange: &Arc<Exchange>,
        inbox: &Inbox,
        heard: mpsc::Receiver<BundleWord>,
        answers: mpsc::Receiver<BundleWord>,
    ) -> Self {
        let (bundles, pace) = (exchange.bundles.clone(), exchange.changed.subscribe());
        let changed = bundles.changes();
        let (exchange, inbox) = (exchange.clone(), inbox.clone());
        Self { exchange, bundles, inbox, heard, answers, changed, pace, offered: None, sending: None }
    }

    /// The next word. Cancel-safe.
    pub(super) async fn next(&mut self) -> BundleWord {
        loop {
            self.changed.borrow_and_update();
            if let Some((number, offer)) = self.bundles.offer_after(self.offered) {
                (self.offered, self.sending) = (Some(number), None);
                return offer;
            }
            self.sending.take_if(|sending| !self.bundles.is_passing(sending.bundle));
            let (lacks, may) = match &self.sending {
                Some(sending) => (sending.is_empty(), !sending.is_empty() && sending.next < sending.to),
                None => (false, false),
            };
            let sending = &mut self.sending;
            let block = async {
                match sending.as_mut().filter(|_| lacks) {
                    Some(sending) => sending.blocks.recv().await,
                    None => std::future::pending().await,
                }
            };
            let (exchange, pace) = (&self.exchange, &mut self.pace);
            let turn = async {
                match may {
                    true => exchange.turn(pace).await,
                    false => std::future::pending().await,
                }
            };
            let step = tokio::select! {
                biased;
                Some(word) = self.answers.recv() => Step::Say(word),
                Some(word) = self.heard.recv() => Step::Heard(word),
                block = block => Step::Block(block),
                most = turn => Step::Turn(most),
                _ = self.changed.changed() => Step::Look,
            };
            match step {
                Step::Say(word) => return word,
                Step::Heard(word) => self.hear(word),
                Step::Block(block) => self.take(block),
                Step::Turn(most) => {
                    if let Some(piece) = self.sending.as_mut().and_then(|sending| sending.piece(most)) {
                        return piece;
                    }
                }
                Step::Look => {}
            }
        }
    }

    fn hear(&mut self, word: BundleWord) {
        match word {
            BundleWord::Want { bundle, from, to } if self.bundles.is_passing(bundle) => {
                match self.sending.as_mut().filter(|sending| sending.bundle == bundle) {
                    Some(sending) => sending.to = to,
                    None => self.begin(bundle, from, to),
                }
                self.bundles.went(bundle, from);
            }
            BundleWord::Here { bundle } => self.bundles.over(bundle, Stage::Arrived),
            BundleWord::Refused { bundle, why } => self.bundles.over(bundle, Stage::Refused(why)),
            BundleWord::Want { .. } | BundleWord::Offer { .. } | BundleWord::Piece { .. } => {}
        }
    }

    fn begin(&mut self, bundle: Digest, from: u64, to: u64) {
        let (tell, blocks) = mpsc::channel(READ_AHEAD);
        let bundles = self.bundles.clone();
        spawn_blocking(move || {
            if let Err(error) = read(&bundles, bundle, from, &tell) {
                tracing::warn!(%error, "an update cannot be read to be passed on");
            }
        });
        let going = Going::begin(&self.bundles, &self.inbox);
        self.sending = Some(Sending { bundle, next: from, to, blocks, block: Vec::new(), sent: 0, _going: going });
    }

    /// None: it was read to its end, or cannot be read.
    fn take(&mut self, block: Option<Vec<u8>>) {
        match (self.sending.as_mut(), block) {
            (Some(sending), Some(block)) => (sending.block, sending.sent) = (block, 0),
            (Some(_), None) => self.sending = None,
            (None, _) => {}
        }
    }
}

impl Sending {
    fn is_empty(&self) -> bool {
        self.sent == self.block.len()
    }

    fn piece(&mut self, most: usize) -> Option<BundleWord> {
        let wanted = usize::try_from(self.to.saturating_sub(self.next)).unwrap_or(usize::MAX);
        let end = self.block.len().min(self.sent + most.min(wanted));
        let bytes = self.block.get(self.sent..end).filter(|bytes| !bytes.is_empty())?.to_vec();
        let offset = self.next;
        (self.sent, self.next) = (end, offset + bytes.len() as u64);
        Some(BundleWord::Piece { bundle: self.bundle, offset, bytes })
    }
}

/// Until its end, or nobody wants more.
fn read(bundles: &Bundles, bundle: Digest, from: u64, tell: &mpsc::Sender<Vec<u8>>) -> std::io::Result<()> {
    let Some(mut file) = bundles.open(bundle)? else { return Ok(()) };
    file.seek(SeekFrom::Start(from))?;
    loop {
        let mut block = vec![0; BLOCK];
        let read = file.read(&mut block)?;
        block.truncate(read);
        if read == 0 || tell.blocking_send(block).is_err() {
            return Ok(());
        }
    }
}

const BLOCK: usize = 128 * 1024;
/// Blocks that wait to be sent.
const READ_AHEAD: usize = 3;
