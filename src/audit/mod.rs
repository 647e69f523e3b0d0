//! The conductor: a file through a worker (`see`), its rows (`rows`), one image on its way (`image`), what the
//! annotations tell beforehand (`survey`), the workers (`crew`), all images (`run`), proofs on changed photos (`prove`).
//! The only room that names the thread pool.

mod crew;
mod exhibits;
mod gallery;
mod image;
mod limits;
mod presence;
mod prove;
mod rows;
mod run;
mod see;
mod survey;
mod totals;

pub use gallery::tiles;
pub use image::{Auditor, Failure, Scored};
pub use run::{Observer, Outcome, run};
pub use see::{Seen, Timings, Worker};
pub use survey::Survey;
