//! The conductor: one image on its way (`image`), and all of them (`run`). The only room that names the thread pool.

mod image;
mod run;

pub use image::{Auditor, Failure, Scored, Seen, Timings, Worker, arg_max};
pub use run::{Observer, Outcome, run};
