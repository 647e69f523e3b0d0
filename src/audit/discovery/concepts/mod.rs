//! Concepts and heat clusters of the classes: to look at, without findings. `features` reads the
//! images again, `analysed` makes concepts of them or takes them from the cache, `rows` are the
//! tables, `pictures` the figures; `places` finds one concept in all images of the dataset, `usage`
//! fills it in.

mod analysed;
mod features;
mod pictures;
mod places;
mod rows;
mod scope;
mod usage;

use super::search::{Discovered, Sampled, Search};
use crate::error::Result;

pub use places::places;
pub use usage::usage;

/// Shows what the features of each class are made of, and images whose heat lies alike.
///
/// # Errors
/// When the dataset can no longer be read, the disk fails, or the run is asked to stop.
pub fn search(search: &Search<'_, '_>, sampled: &Sampled) -> Result<Discovered> {
    let classes = analysed::analyse(search, sampled)?;
    search.folder.table(&rows::concepts(search, &classes))?;
    search.folder.table(&rows::clusters(search, &classes))?;
    let mut discovered = Discovered {
        scope: scope::sentences(search, sampled, &classes),
        ..Discovered::default()
    };
    if search.declared.is_some() {
        discovered.figures = pictures::figures(search, &classes)?;
    }
    Ok(discovered)
}
