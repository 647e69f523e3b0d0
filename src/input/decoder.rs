//! Decoding with a time limit, in a separate thread, so that a decoder that hangs can be abandoned;
//! and within the memory for pictures.

use super::decode::{claim, decode_for};
use super::memory::{PictureMemory, Turn, Use};
use super::photo::Photo;
use super::read::{length, read};
use super::transform::working_bytes;
use crate::dataset::Source;
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
    plan: Preprocess,
    memory: PictureMemory,
    /// Held while a picture that needs much memory is worked on, also by the thread.
    turn: Option<Arc<Turn>>,
    thread: Option<Thread>,
}

/// The decoding thread.
struct Thread {
    jobs: SyncSender<Job>,
    photos: Receiver<Result<Photo, Skip>>,
}

struct Job {
    bytes: Arc<Vec<u8>>,
    plan: Preprocess,
    turn: Option<Arc<Turn>>,
}

impl<'a> Decoder<'a> {
    /// `limit` is the longest time for one image. Decoding also ends soon after `stopped` returns
    /// true.
    pub fn new(
        limit: Duration,
        plan: &Preprocess,
        memory: PictureMemory,
        stopped: impl Fn() -> bool + Send + 'a,
    ) -> Self {
        Self {
            limit,
            stopped: Box::new(stopped),
            plan: plan.clone(),
            memory,
            turn: None,
            thread: None,
        }
    }

    /// Reads the bytes of an image. A large file waits for its turn.
    ///
    /// # Errors
    /// As of [`read`]; a skip `memory` where the file is larger than a picture may be.
    pub fn read(&mut self, source: &Source) -> Result<Arc<Vec<u8>>, Skip> {
        let length = length(source)?;
        self.memory.check_file(length)?;
        self.take_turn(length)?;
        Ok(Arc::new(read(source)?.into_owned()))
    }

    /// Decodes as [`decode_for`] does.
    ///
    /// # Errors
    /// As of [`decode_for`]; a skip `memory` when the picture needs more than one may take; a skip
    /// `timeout` when it takes too long. The thread that hangs is abandoned, and the next image
    /// gets a new one.
    pub fn decode(&mut self, bytes: &Arc<Vec<u8>>) -> Result<Photo, Skip> {
        self.admit(bytes, Use::Input)?;
        self.send(bytes, self.plan.clone())
    }

    /// Decodes every pixel, even with `decode = "fast"`, to search in the photo or to edit it.
    ///
    /// # Errors
    /// As of [`Decoder::decode`].
    pub fn decode_exactly(&mut self, bytes: &Arc<Vec<u8>>, purpose: Use) -> Result<Photo, Skip> {
        self.admit(bytes, purpose)?;
        let exact = Preprocess {
            decode: Decode::Exact,
            ..self.plan.clone()
        };
        self.send(bytes, exact)
    }

    /// Checks what a picture claims against the memory, and waits for its turn if it needs much.
    ///
    /// # Errors
    /// As of [`Decoder::decode`].
    pub fn admit(&mut self, bytes: &[u8], purpose: Use) -> Result<(), Skip> {
        let claim = claim(bytes, self.plan.exif)?;
        let transform = working_bytes(&self.plan, claim.size())?;
        let needed = self
            .memory
            .needed(&claim, bytes.len(), purpose, transform)?;
        self.take_turn(needed)
    }

    /// Ends the work on the pictures since the last call: the next large one may begin.
    pub fn finish(&mut self) {
        self.turn = None;
    }

    fn take_turn(&mut self, needed: u64) -> Result<(), Skip> {
        if needed > self.memory.unshared && self.turn.is_none() {
            self.turn = Some(Arc::new(Turn::wait(&*self.stopped)?));
        }
        Ok(())
    }

    fn send(&mut self, bytes: &Arc<Vec<u8>>, plan: Preprocess) -> Result<Photo, Skip> {
        let thread = match self.thread.take() {
            Some(thread) => thread,
            None => self.start()?,
        };
        let job = Job {
            bytes: Arc::clone(bytes),
            plan,
            turn: self.turn.clone(),
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
        Thread::start().map_err(|e| {
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
                if self.turn.is_some() {
                    Turn::mark_stuck();
                }
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
    fn start() -> std::io::Result<Self> {
        let (jobs, received) = sync_channel::<Job>(1);
        let (sender, photos) = sync_channel(1);
        std::thread::Builder::new()
            .name("decode".into())
            .spawn(move || {
                for Job { bytes, plan, turn } in received {
                    let photo = decode_for(&bytes, &plan);
                    drop(bytes);
                    drop(turn);
                    if sender.send(photo).is_err() {
                        break;
                    }
                }
            })?;
        Ok(Self { jobs, photos })
    }
}
