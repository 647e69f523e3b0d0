//! Decoding with a time limit: in a thread of its own, so that a decoder that hangs can be left behind.

use super::decode::{Photo, decode_for};
use crate::error::{Skip, Stage};
use crate::plan::{Decode, Preprocess};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// How often a decoder at work is left for a look at whether the run is to stop.
const LOOK: Duration = Duration::from_millis(200);

/// Threads of this process that were left behind.
static ABANDONED: AtomicUsize = AtomicUsize::new(0);

/// How many decoders were left behind, each still at work with a core and memory of its own.
pub fn abandoned() -> usize {
    ABANDONED.load(Ordering::Relaxed)
}

/// Decodes one image after the other.
pub struct Decoder<'a> {
    limit: Duration,
    /// Whether nobody waits for the photo any more.
    stopped: Box<dyn Fn() -> bool + Send + 'a>,
    /// The transform that large JPEGs are reduced for.
    fast: Option<Preprocess>,
    thread: Option<Thread>,
}

struct Thread {
    /// Bytes, and whether the pipeline's `decode = "fast"` goes for them.
    jobs: SyncSender<(Arc<Vec<u8>>, bool)>,
    photos: Receiver<Result<Photo, Skip>>,
}

impl<'a> Decoder<'a> {
    /// `limit` is the longest time for one image, unless `stopped` says that its run is to end.
    pub fn new(limit: Duration, plan: &Preprocess, stopped: impl Fn() -> bool + Send + 'a) -> Self {
        let fast = (plan.decode == Decode::Fast).then(|| plan.clone());
        Self {
            limit,
            stopped: Box::new(stopped),
            fast,
            thread: None,
        }
    }

    /// Decodes as [`decode_for`] does.
    ///
    /// # Errors
    /// As of [`decode_for`]; a skip `timeout` when it takes too long. The thread that hangs is left to itself, and the next
    /// image gets a new one.
    pub fn decode(&mut self, bytes: &Arc<Vec<u8>>) -> Result<Photo, Skip> {
        self.send(bytes, true)
    }

    /// The same with every pixel, whatever the pipeline says.
    ///
    /// # Errors
    /// As of [`Decoder::decode`].
    pub fn decode_exactly(&mut self, bytes: &Arc<Vec<u8>>) -> Result<Photo, Skip> {
        self.send(bytes, false)
    }

    fn send(&mut self, bytes: &Arc<Vec<u8>>, may_reduce: bool) -> Result<Photo, Skip> {
        let thread = match self.thread.take() {
            Some(thread) => thread,
            None => Thread::start(self.fast.clone()).map_err(|e| {
                Skip::new(Stage::Decode, "io", format!("no thread to decode in: {e}"))
            })?,
        };
        let sent = thread
            .jobs
            .send((Arc::clone(bytes), may_reduce))
            .map_err(|_| RecvTimeoutError::Disconnected);
        match sent.and_then(|()| self.wait(&thread)) {
            Ok(photo) => {
                self.thread = Some(thread);
                photo
            }
            Err(RecvTimeoutError::Timeout) if (self.stopped)() => Err(Skip::new(
                Stage::Decode,
                "interrupted",
                "the run was asked to stop",
            )),
            Err(RecvTimeoutError::Timeout) => {
                ABANDONED.fetch_add(1, Ordering::Relaxed);
                let message = format!(
                    "not decoded after {} s (run.image_seconds)",
                    self.limit.as_secs_f64()
                );
                Err(Skip::new(Stage::Decode, "timeout", message))
            }
            Err(RecvTimeoutError::Disconnected) => Err(Skip::new(
                Stage::Decode,
                "decoder_panic",
                "the decoder died",
            )),
        }
    }

    /// Its photo, the end of the limit or that of the run.
    fn wait(&self, thread: &Thread) -> Result<Result<Photo, Skip>, RecvTimeoutError> {
        let start = Instant::now();
        loop {
            let left = self.limit.saturating_sub(start.elapsed());
            match thread.photos.recv_timeout(left.min(LOOK)) {
                Err(RecvTimeoutError::Timeout) if !left.is_zero() && !(self.stopped)() => {}
                photo => return photo,
            }
        }
    }
}

impl Thread {
    fn start(fast: Option<Preprocess>) -> std::io::Result<Self> {
        let (jobs, received) = sync_channel::<(Arc<Vec<u8>>, bool)>(1);
        let (sender, photos) = sync_channel(1);
        let work = move || {
            for (bytes, may_reduce) in received {
                let photo = decode_for(&bytes, fast.as_ref().filter(|_| may_reduce));
                drop(bytes);
                if sender.send(photo).is_err() {
                    break;
                }
            }
        };
        std::thread::Builder::new()
            .name("decode".into())
            .spawn(work)?;
        Ok(Self { jobs, photos })
    }
}
