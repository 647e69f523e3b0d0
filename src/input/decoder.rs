//! Decoding with a time limit, in a separate thread, so that a decoder that hangs can be abandoned.

use super::decode::decode_for;
use super::photo::Photo;
use crate::error::{Skip, SkipReason, Stage};
use crate::plan::{Decode, Preprocess};
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Time between two checks whether the run must stop.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Number of abandoned threads of this process.
static ABANDONED: AtomicUsize = AtomicUsize::new(0);

/// Number of abandoned decoders. Each still uses a core and memory.
pub fn abandoned() -> usize {
    ABANDONED.load(Ordering::Relaxed)
}

/// Decodes one image after the other.
pub struct Decoder<'a> {
    limit: Duration,
    /// Whether the run was asked to stop.
    stopped: Box<dyn Fn() -> bool + Send + 'a>,
    /// The transform that large JPEGs are reduced for.
    fast: Option<Preprocess>,
    thread: Option<Thread>,
}

/// The decoding thread.
struct Thread {
    jobs: SyncSender<Job>,
    photos: Receiver<Result<Photo, Skip>>,
}

struct Job {
    bytes: Arc<Vec<u8>>,
    /// Whether a large JPEG may be reduced, if the pipeline has `decode = "fast"`.
    may_reduce: bool,
}

impl<'a> Decoder<'a> {
    /// `limit` is the longest time for one image. Decoding also ends soon after `stopped` returns
    /// true.
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
    /// As of [`decode_for`]; a skip `timeout` when it takes too long. The thread that hangs is
    /// abandoned, and the next image gets a new one.
    pub fn decode(&mut self, bytes: &Arc<Vec<u8>>) -> Result<Photo, Skip> {
        self.send(bytes, true)
    }

    /// Decodes every pixel, even with `decode = "fast"`.
    ///
    /// # Errors
    /// As of [`Decoder::decode`].
    pub fn decode_exactly(&mut self, bytes: &Arc<Vec<u8>>) -> Result<Photo, Skip> {
        self.send(bytes, false)
    }

    fn send(&mut self, bytes: &Arc<Vec<u8>>, may_reduce: bool) -> Result<Photo, Skip> {
        let thread = match self.thread.take() {
            Some(thread) => thread,
            None => self.start()?,
        };
        let job = Job {
            bytes: Arc::clone(bytes),
            may_reduce,
        };
        let received = match thread.jobs.send(job) {
            Ok(()) => self.wait(&thread),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        };

        match received {
            Ok(photo) => {
                self.thread = Some(thread);
                photo
            }
            Err(error) => Err(self.failure(error)),
        }
    }

    fn start(&self) -> Result<Thread, Skip> {
        Thread::start(self.fast.clone()).map_err(|e| {
            let message = format!("no thread to decode in: {e}");
            skip(SkipReason::Io, message)
        })
    }

    /// Waits for the photo, the end of the limit or the end of the run.
    fn wait(&self, thread: &Thread) -> Result<Result<Photo, Skip>, RecvTimeoutError> {
        let start = Instant::now();
        loop {
            let left = self.limit.saturating_sub(start.elapsed());
            match thread.photos.recv_timeout(left.min(POLL_INTERVAL)) {
                Err(RecvTimeoutError::Timeout) if !left.is_zero() && !(self.stopped)() => {}
                photo => return photo,
            }
        }
    }

    /// The skip for a thread that sent no photo. A thread that hangs is counted as abandoned.
    fn failure(&self, error: RecvTimeoutError) -> Skip {
        match error {
            RecvTimeoutError::Disconnected => skip(SkipReason::DecoderPanic, "the decoder died"),
            RecvTimeoutError::Timeout if (self.stopped)() => {
                skip(SkipReason::Interrupted, "the run was asked to stop")
            }
            RecvTimeoutError::Timeout => {
                ABANDONED.fetch_add(1, Ordering::Relaxed);
                let message = format!(
                    "not decoded after {} s (run.image_seconds)",
                    self.limit.as_secs_f64()
                );
                skip(SkipReason::Timeout, message)
            }
        }
    }
}

fn skip(reason: SkipReason, message: impl Display) -> Skip {
    Skip::new(Stage::Decode, reason, message)
}

impl Thread {
    /// Starts a thread that ends when the [`Decoder`] is dropped.
    fn start(fast: Option<Preprocess>) -> std::io::Result<Self> {
        let (jobs, received) = sync_channel::<Job>(1);
        let (sender, photos) = sync_channel(1);
        std::thread::Builder::new()
            .name("decode".into())
            .spawn(move || {
                for Job { bytes, may_reduce } in received {
                    let plan = fast.as_ref().filter(|_| may_reduce);
                    let photo = decode_for(&bytes, plan);
                    drop(bytes);
                    if sender.send(photo).is_err() {
                        break;
                    }
                }
            })?;
        Ok(Self { jobs, photos })
    }
}
