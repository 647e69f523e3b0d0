//! What every channel of the search needs, and what it returns.

use crate::audit::context::AuditContext;
use crate::audit::pool::WorkerPool;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::evidence::Evidence;
use crate::evidence::discovery::ClassSample;
use crate::finding::{Finding, FindingOrigin, GroupCount};
use crate::plan::Discovery;
use crate::runs::documents::Figure;
use crate::runs::folder::RunFolder;
use crate::runs::patterns::Pattern;
use crate::tables::DiscoveredRow;
use std::path::Path;

/// What the search found, and what it looked at.
#[derive(Default)]
pub struct Discovered {
    pub findings: Vec<Finding>,
    pub figures: Vec<Figure>,
    /// Sentences for the summary: what was searched and what was not.
    pub scope: Vec<String>,
    /// Rows of `discovered.parquet`.
    pub rows: Vec<DiscoveredRow>,
    /// What `patterns.json` keeps.
    pub patterns: Vec<Pattern>,
    pub lines: Vec<FoundLine>,
    /// Photos that could take no part.
    pub lost: usize,
}

impl Discovered {
    /// Adds what another channel found.
    pub fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.figures.extend(other.figures);
        self.scope.extend(other.scope);
        self.rows.extend(other.rows);
        self.patterns.extend(other.patterns);
        self.lines.extend(other.lines);
        self.lost += other.lost;
    }
}

/// What every channel needs.
pub struct Search<'s, 'a> {
    pub context: &'s AuditContext<'a>,
    pub pool: &'s WorkerPool<'a>,
    pub dataset: &'s Dataset,
    pub folder: &'s RunFolder,
    /// The folder of the pipeline's runs, whose last one passes names on.
    pub home: &'s Path,
    pub evidence: &'s Evidence,
    /// The class that is searched; `None` for all.
    pub only: Option<u32>,
    /// The findings about declared regions. `None` where nothing is tested: found regions as
    /// declared ones, properties by changed photos.
    pub declared: Option<&'s [Finding]>,
}

impl Search<'_, '_> {
    /// Whether a class is searched, and not only compared with.
    pub fn is_searched(&self, class: u32) -> bool {
        self.only.is_none_or(|only| only == class)
    }
}

/// One find as a line of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundLine {
    pub class: String,
    pub origin: FindingOrigin,
    /// The name of a region, or the rule of a property.
    pub what: String,
    pub in_class: GroupCount,
    pub in_others: GroupCount,
    /// Adjusted p-value of A.
    pub q: f64,
}

/// The images of a search.
pub struct Sampled {
    pub settings: Discovery,
    /// By class, at most `discovery.images_per_class` images each.
    pub classes: Vec<ClassSample>,
}

/// One kind of search.
pub type Channel<'a> = fn(&Search<'_, 'a>, &Sampled) -> Result<Discovered>;
