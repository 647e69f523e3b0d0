//! Decoding with a time limit: in a thread of its own, so that a decoder that hangs can be left behind.

use super::decode::{Photo, decode};
use crate::error::{Skip, Stage};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Decodes one image after the other.
pub struct Decoder {
    limit: Duration,
    thread: Option<Thread>,
}

struct Thread {
    jobs: SyncSender<Arc<Vec<u8>>>,
    photos: Receiver<Result<Photo, Skip>>,
}

impl Decoder {
    /// `limit` is the longest time for one image.
    pub fn new(limit: Duration) -> Self {
        Self { limit, thread: None }
    }

    /// Decodes as [`decode`] does.
    ///
    /// # Errors
    /// As of [`decode`]; a skip `timeout` when it takes too long. The thread that hangs is left to itself, and the next
    /// image gets a new one.
    pub fn decode(&mut self, bytes: &Arc<Vec<u8>>) -> Result<Photo, Skip> {
        let thread = match self.thread.take() {
            Some(thread) => thread,
            None => {
                Thread::start().map_err(|e| Skip::new(Stage::Decode, "io", format!("no thread to decode in: {e}")))?
            }
        };
        let sent = thread.jobs.send(Arc::clone(bytes)).map_err(|_| RecvTimeoutError::Disconnected);
        match sent.and_then(|()| thread.photos.recv_timeout(self.limit)) {
            Ok(photo) => {
                self.thread = Some(thread);
                photo
            }
            Err(RecvTimeoutError::Timeout) => {
                let message = format!("not decoded after {} s (run.image_seconds)", self.limit.as_secs_f64());
                Err(Skip::new(Stage::Decode, "timeout", message))
            }
            Err(RecvTimeoutError::Disconnected) => Err(Skip::new(Stage::Decode, "decoder_panic", "the decoder died")),
        }
    }
}

impl Thread {
    fn start() -> std::io::Result<Self> {
        let (jobs, received) = sync_channel::<Arc<Vec<u8>>>(1);
        let (sender, photos) = sync_channel(1);
        let work = move || {
            for bytes in received {
                let photo = decode(&bytes);
                drop(bytes);
                if sender.send(photo).is_err() {
                    break;
                }
            }
        };
        std::thread::Builder::new().name("decode".into()).spawn(work)?;
        Ok(Self { jobs, photos })
    }
}
