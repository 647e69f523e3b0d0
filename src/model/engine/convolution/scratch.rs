//! One buffer per thread that is kept between calls, so that its pages are not mapped and cleared
//! again for every layer of every image.

use std::cell::Cell;

thread_local! {
    static KEPT: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// At least `length` numbers of any value. Give them back with [`keep`].
pub fn take(length: usize) -> Vec<f32> {
    let mut buffer = KEPT.take();
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    buffer
}

/// Keeps the buffer for the thread's next call.
pub fn keep(buffer: Vec<f32>) {
    KEPT.set(buffer);
}
