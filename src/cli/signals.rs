//! SIGINT and SIGTERM: the first asks the run to stop, the second ends the process at once.

use crate::error::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};

static STOPPED: AtomicBool = AtomicBool::new(false);

/// Handles signals from now on.
///
/// # Errors
/// When the system refuses a handler.
pub fn listen() -> Result<()> {
    ctrlc::set_handler(stop).map_err(Error::cause("listen for signals"))
}

fn stop() {
    if STOPPED.swap(true, Ordering::SeqCst) {
        std::process::exit(130);
    }
}

/// Whether the run is asked to stop.
pub fn stopped() -> bool {
    STOPPED.load(Ordering::SeqCst)
}
