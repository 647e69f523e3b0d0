//! The search for confounders that nobody declared: what needs images and the model.
//!
//! Every channel returns findings and figures, and says what it looked at.

mod properties;

use super::context::AuditContext;
use super::pool::WorkerPool;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::evidence::Evidence;
use crate::evidence::discovery::ClassSample;
use crate::finding::Finding;
use crate::plan::Discovery;
use crate::runs::documents::Figure;
use crate::runs::folder::RunFolder;

/// What the search found, and what it looked at.
#[derive(Default)]
pub struct Discovered {
    pub findings: Vec<Finding>,
    pub figures: Vec<Figure>,
    /// Sentences for the summary: what was searched and what was not.
    pub scope: Vec<String>,
    /// Photos that could take no part.
    pub lost: usize,
}

impl Discovered {
    /// Adds what another channel found.
    fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.figures.extend(other.figures);
        self.scope.extend(other.scope);
        self.lost += other.lost;
    }
}

/// What every channel needs.
pub struct Search<'s, 'a> {
    pub context: &'s AuditContext<'a>,
    pub pool: &'s WorkerPool<'a>,
    pub dataset: &'s Dataset,
    pub folder: &'s RunFolder,
    pub evidence: &'s Evidence,
}

/// The images of a search.
pub struct Sampled {
    pub settings: Discovery,
    /// By class, at most `discovery.images_per_class` images each.
    pub classes: Vec<ClassSample>,
}

/// One kind of search.
type Channel<'a> = fn(&Search<'_, 'a>, &Sampled) -> Result<Discovered>;

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
    let channels: [(bool, Channel<'_>); 1] = [(settings.properties, properties::search)];
    for (is_wanted, channel) in channels {
        if is_wanted {
            discovered.add(channel(search, &sampled)?);
        }
    }
    Ok(discovered)
}
