//! Two finished runs as one page.

use super::conclude::read_picture;
use crate::error::Result;
use crate::finding::RunPart;
use crate::report::{ComparedRun, ComparisonInput, comparison_page};
use crate::runs::diff::Change;
use crate::runs::documents::Figures;
use crate::runs::{ClassHeat, RunDocuments, TestedPair, class_heat, history, tested};
use std::path::Path;

/// What is read of a run beside its documents.
struct Read<'r> {
    run: &'r RunDocuments,
    figures: Figures,
    pairs: Vec<TestedPair>,
    heat: Vec<ClassHeat>,
    started_at: String,
}

/// The page of `camaudit diff --html`, from the files of both run folders.
///
/// # Errors
/// When a document or table of a run cannot be read, or the page cannot be rendered.
pub fn runs_page(
    old: &RunDocuments,
    new: &RunDocuments,
    differences: &[RunPart],
    changes: &[Change],
    picture_bytes_max: usize,
) -> Result<String> {
    let (old, new) = (Read::new(old)?, Read::new(new)?);
    let picture_of = |run: &Path, file: &str| read_picture(&run.join(file));
    let old_pictures = |file: &str| picture_of(&old.run.path, file);
    let new_pictures = |file: &str| picture_of(&new.run.path, file);
    comparison_page(&ComparisonInput {
        runs: [old.compared(&old_pictures), new.compared(&new_pictures)],
        differences,
        changes,
        picture_bytes_max,
    })
}

impl<'r> Read<'r> {
    fn new(run: &'r RunDocuments) -> Result<Self> {
        Ok(Self {
            run,
            figures: run.figures()?,
            pairs: tested(&run.path)?,
            heat: class_heat(&run.path)?,
            started_at: history::started_at(Path::new(&run.record.identity.run_id)),
        })
    }

    fn compared<'a>(&'a self, pictures: &'a dyn Fn(&str) -> Option<Vec<u8>>) -> ComparedRun<'a> {
        ComparedRun {
            summary: &self.run.summary,
            figures: &self.figures,
            pairs: &self.pairs,
            heat: &self.heat,
            run_id: &self.run.record.identity.run_id,
            started_at: &self.started_at,
            pictures,
        }
    }
}
