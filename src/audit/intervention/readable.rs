//! Results of photos that are read again, some of which can no longer be read.

use super::super::observer::Observer;
use crate::error::{Result, Skip};

/// The results of photos that could be read, and the number of the others. A photo that took too
/// long is a warning.
pub fn readable<T>(
    results: Vec<Result<Option<T>, Skip>>,
    observer: &dyn Observer,
) -> (Vec<T>, u32) {
    let (mut readable, mut lost) = (Vec::new(), 0);
    for result in results {
        match result {
            Ok(Some(value)) => readable.push(value),
            Ok(None) => {}
            Err(skip) => {
                lost += 1;
                if skip.is_timeout() {
                    observer.warning(&format!(
                        "an intervention continues without one photo: {}",
                        skip.message
                    ));
                }
            }
        }
    }
    (readable, lost)
}
