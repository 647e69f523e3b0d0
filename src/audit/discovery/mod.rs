//! The search for confounders that nobody declared: what needs images and the model.
//!
//! Every channel returns findings and figures, and says what it looked at.

mod already_declared;
mod concepts;
mod declare;
mod fixed;
mod gallery;
mod keep;
mod kept;
mod mining;
mod naming;
mod on_objects;
mod parts;
mod patches;
mod pictures;
mod properties;
mod regions;
mod scope;
mod search;
mod show;
mod unclear;
mod views;

use crate::error::Result;
use crate::runs::patterns::Patterns;
use crate::tables::SCHEMA_VERSION;
use search::{Channel, Discovered};

pub use concepts::{places, usage};
pub use search::{FoundLine, Sampled, Search};

/// Searches as the pipeline says.
///
/// # Errors
/// When the dataset can no longer be read, the disk fails, or the run is asked to stop.
pub fn discover(search: &Search<'_, '_>) -> Result<Discovered> {
    let mut discovered = Discovered::default();
    let Some(settings) = search.context.plan.discovery else {
        discovered.scope.push(
            "Only declared regions were looked at; [discovery] in the pipeline searches for others"
                .to_owned(),
        );
        return Ok(discovered);
    };

    search.pool.observer.stage("discover", None);
    let sampled = Sampled {
        classes: search.evidence.class_samples(settings.images_per_class),
        settings,
    };
    // One line for each channel: whether the pipeline wants it, and its function.
    let channels: [(bool, Channel<'_>); 3] = [
        (settings.patches || settings.fixed, pictures::search),
        (settings.properties, properties::search),
        (settings.concepts, concepts::search),
    ];
    for (is_wanted, channel) in channels {
        if is_wanted {
            discovered.add(channel(search, &sampled)?);
        }
    }
    search.folder.table(&discovered.rows)?;
    search.folder.document(&Patterns {
        schema_version: SCHEMA_VERSION,
        patterns: std::mem::take(&mut discovered.patterns),
    })?;
    Ok(discovered)
}
