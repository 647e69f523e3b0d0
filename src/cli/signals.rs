//! SIGINT and SIGTERM: the first asks the run to stop, the second ends it at once.

use crate::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};

static STOPPED: AtomicBool = AtomicBool::new(false);

/// Listens from now on.
///
/// # Errors
/// When the system refuses a handler.
pub fn listen() -> Result<(), Error> {
    let stop = || {
        if STOPPED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(stop).map_err(Error::cause("listen for signals"))
}

pub fn stopped() -> bool {
    STOPPED.load(Ordering::SeqCst)
}
