//! Somebody who watches a run: the progress bar, the log, a test.

use crate::tables::SkipRow;

/// Receives the progress of a run, and can ask it to stop.
pub trait Observer: Sync {
    /// A stage begins; `total` is the number of images ahead, where it is known.
    fn stage(&self, name: &str, total: Option<usize>);

    /// One more item of a stage whose length is not known is done: an edited photo, a picture.
    fn step(&self) {}

    /// One more image is done.
    fn image(&self, skipped: Option<&SkipRow>);

    fn warning(&self, message: &str);

    /// Whether the run is asked to stop.
    fn stopped(&self) -> bool {
        false
    }
}
