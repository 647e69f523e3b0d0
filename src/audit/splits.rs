//! The sums of each split of the dataset, for the table of classes in the report.

use crate::aggregate::Classes;
use crate::dataset::LabelMap;
use crate::plan::Scores;
use crate::score::Measurement;
use crate::tables::ClassRow;
use std::collections::BTreeMap;

/// Splits that are told apart; a column with more of them names something else.
const SPLITS_MAX: usize = 8;

/// Sums per split.
#[derive(Default)]
pub struct Splits {
    /// An image without a split is in the one without a name.
    by_name: BTreeMap<String, Classes>,
    too_many: bool,
}

impl Splits {
    /// Adds one image.
    pub fn add(&mut self, measurement: &Measurement, policy: &Scores) {
        if self.too_many {
            return;
        }
        let name = measurement.image.split.as_deref().unwrap_or_default();
        if !self.by_name.contains_key(name) {
            if self.by_name.len() == SPLITS_MAX {
                self.by_name.clear();
                self.too_many = true;
                return;
            }
            self.by_name.insert(name.to_owned(), Classes::default());
        }
        if let Some(classes) = self.by_name.get_mut(name) {
            classes.add(measurement, policy);
        }
    }

    /// The table of classes of each split; none where all images are of one split.
    pub fn rows(&self, labels: &LabelMap) -> Vec<(String, Vec<ClassRow>)> {
        let mut rows = Vec::new();
        if self.by_name.len() > 1 {
            for (name, classes) in &self.by_name {
                rows.push((name.clone(), classes.rows(labels)));
            }
        }
        rows
    }
}
