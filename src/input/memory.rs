//! How much memory pictures may take. The bound of one picture depends on the limit alone, so that
//! which pictures are skipped does not depend on the number of threads; pictures that need much
//! memory are worked on one at a time.

use super::decode::Claim;
use crate::error::{Skip, SkipReason, Stage};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Time between two checks whether the run must stop.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Bytes a pixel that the search for a template takes: the photo and its grey levels, then sums,
/// products or the intermediate numbers of a reduction.
const SEARCH_BYTES: u64 = 25;
/// Photos that an experiment holds at one time: the host, a source, and changed copies.
const EDITED_PHOTOS: u64 = 6;

/// Whether the turn is taken, and the wake-up for those who wait for it.
static TAKEN: Mutex<bool> = Mutex::new(false);
static FREED: Condvar = Condvar::new();
/// Whether the turn belongs to a decoder that was abandoned.
static IS_STUCK: AtomicBool = AtomicBool::new(false);

/// The memory for pictures.
#[derive(Debug, Clone)]
pub struct PictureMemory {
    /// Most bytes for one picture.
    pub largest: u64,
    /// A picture of more bytes waits for its turn.
    pub unshared: u64,
    /// What set the bound, and the remedy.
    pub cause: String,
}

/// What is done with a decoded picture, which decides how much memory it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It becomes the model's input.
    Input,
    /// A template is searched in it.
    Search,
    /// It is edited in an experiment.
    Edit,
}

impl PictureMemory {
    /// The bytes that a picture needs with those of its file; `transform` is what the transform to
    /// the model's input takes beside the picture.
    ///
    /// # Errors
    /// A skip `memory` where that is more than the bound.
    pub fn needed(
        &self,
        claim: &Claim,
        file: usize,
        purpose: Use,
        transform: u64,
    ) -> Result<u64, Skip> {
        let header = &claim.header;
        let area = header.area();
        let pixels = 3 * area;
        let turned = if claim.is_transposed { pixels } else { 0 };
        let used = match purpose {
            Use::Input => pixels + transform,
            Use::Search => SEARCH_BYTES * area,
            Use::Edit => EDITED_PHOTOS * pixels + transform,
        };

        let needed = file as u64 + header.decoding.max(pixels + turned).max(used);
        if needed > self.largest {
            return Err(self.refused(&format!("{} needs", header.size), needed));
        }
        Ok(needed)
    }

    /// # Errors
    /// A skip `memory` where the bytes of a file alone are more than the bound.
    pub fn check_file(&self, bytes: u64) -> Result<(), Skip> {
        if bytes > self.largest {
            let skip = self.refused("the file has", bytes);
            return Err(Skip::new(Stage::Read, skip.reason, skip.message));
        }
        Ok(())
    }

    fn refused(&self, what: &str, bytes: u64) -> Skip {
        let message = format!(
            "{what} {} MiB, and one picture may take {} MiB: {}",
            bytes.div_ceil(1 << 20),
            self.largest >> 20,
            self.cause
        );
        Skip::new(Stage::Decode, SkipReason::Memory, message)
    }
}

/// The right to work on a picture that needs much memory. Only one is given at a time.
#[derive(Debug)]
pub struct Turn;

impl Turn {
    /// Waits for the turn.
    ///
    /// # Errors
    /// A skip `interrupted` when the run is asked to stop, `timeout` when the picture before was
    /// abandoned and still takes its memory.
    pub fn wait(stopped: &dyn Fn() -> bool) -> Result<Self, Skip> {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken {
            if stopped() {
                let message = "the run was asked to stop";
                return Err(Skip::new(Stage::Decode, SkipReason::Interrupted, message));
            }
            if IS_STUCK.load(Ordering::Relaxed) {
                let message = "a large picture that was given up still takes the memory for it";
                return Err(Skip::new(Stage::Decode, SkipReason::Timeout, message));
            }
            let waited = FREED.wait_timeout(taken, POLL_INTERVAL);
            (taken, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        *taken = true;
        Ok(Self)
    }

    /// Marks the holder of the turn as abandoned.
    pub fn mark_stuck() {
        IS_STUCK.store(true, Ordering::Relaxed);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        IS_STUCK.store(false, Ordering::Relaxed);
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        *taken = false;
        FREED.notify_one();
    }
}
