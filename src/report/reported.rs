//! The labels and regions of the reported findings, which the summary never leaves out.

use crate::finding::Finding;
use crate::tables::ClassRow;
use std::collections::{BTreeMap, BTreeSet};

/// The classes of the model.
#[derive(Default)]
pub struct ModelClasses {
    pub count: usize,
    /// Label -> class, for the labels that are one class with others.
    pub pooled: BTreeMap<String, String>,
}

/// Labels and regions of the reported findings.
pub struct Reported<'f> {
    pairs: BTreeSet<(&'f str, &'f str)>,
    labels: BTreeSet<&'f str>,
    /// Label -> class, for the labels that are one class with others.
    pub pooled: &'f BTreeMap<String, String>,
}

impl<'f> Reported<'f> {
    pub fn of(findings: &'f [Finding], pooled: &'f BTreeMap<String, String>) -> Self {
        let mut pairs = BTreeSet::new();
        let mut labels = BTreeSet::new();
        for finding in findings.iter().filter(|f| f.verdict.is_reported()) {
            pairs.insert((finding.label.as_str(), finding.region.as_str()));
            labels.insert(finding.label.as_str());
        }
        Self {
            pairs,
            labels,
            pooled,
        }
    }

    pub fn has_pair(&self, row: &ClassRow) -> bool {
        let pair = (self.class_of(&row.label), row.region.as_str());
        self.pairs.contains(&pair)
    }

    pub fn has_label(&self, row: &ClassRow) -> bool {
        self.labels.contains(self.class_of(&row.label))
    }

    /// The name that the findings of a label have.
    pub fn class_of<'a>(&'a self, label: &'a str) -> &'a str {
        self.pooled.get(label).map_or(label, String::as_str)
    }
}
