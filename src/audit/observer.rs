//! Somebody who watches a run: the progress bar, the log, a test.

use crate::tables::SkipRow;

/// Receives the progress of a run, and can ask it to stop.
pub trait Observer: Sync {
    /// A stage begins; `total` is the number of images ahead, where it is known.
    fn stage(&self, name: &str, total: Option<usize>);

    /// So many more items of a stage without a total are ahead: photos to read, edit or show.
    fn ahead(&self, _items: usize) {}

    /// One of these items is done.
    fn step(&self) {}

    /// The rest of the stage has so many parts, each of many items: tests, findings to show.
    fn parts(&self, _total: usize, _unit: &'static str) {}

    /// One of these parts is done.
    fn part_done(&self) {}

    /// One more image is done.
    fn image(&self, skipped: Option<&SkipRow>);

    fn warning(&self, message: &str);

    /// Whether the run is asked to stop.
    fn stopped(&self) -> bool {
        false
    }
}
