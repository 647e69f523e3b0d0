//! The conductor: a file through a worker (`see`), its rows (`rows`), one image on its way (`image`), all of them (`run`).
//! The only room that names the thread pool.

mod image;
mod rows;
mod run;
mod see;

pub use image::{Auditor, Failure, Scored};
pub use run::{Observer, Outcome, run};
pub use see::{Seen, Timings, Worker};
