//! The concepts of one class of a finished run: what is done with them afterwards.

use super::discovery::{Sampled, Search, usage};
use super::observer::Observer;
use super::rows::read_sums;
use super::run::{Prepared, check_measured_alike, take_lock};
use crate::error::{Error, Result};
use crate::evidence::discovery::concepts::ConceptUse;
use crate::plan::Plan;
use crate::runs::documents::{Document, MeasureRecord};
use crate::runs::folder::RunFolder;
use std::path::Path;

/// Fills in the cells of a concept, counted from 1, in the images that show it most.
///
/// # Errors
/// When the rows are not those of the pipeline, the class has no such concept, or too few images
/// can be filled in.
pub fn concept_usage(
    plan: &Plan,
    run: &Path,
    (class, concept): (&str, usize),
    observer: &dyn Observer,
) -> Result<ConceptUse> {
    with_class(plan, run, class, observer, |search, sampled| {
        usage(search, sampled, concept)
    })
}

/// Searches one class of a finished run.
///
/// # Errors
/// When the rows are not those of the pipeline, and as of `work`.
pub fn with_class<T>(
    plan: &Plan,
    run: &Path,
    class: &str,
    observer: &dyn Observer,
    work: impl FnOnce(&Search<'_, '_>, &Sampled) -> Result<T>,
) -> Result<T> {
    let Some(settings) = plan.discovery else {
        return Err(Error::new(format!(
            "{}: there is no [discovery]",
            plan.file.display()
        )));
    };
    let measured = MeasureRecord::read(run)?;
    check_measured_alike(run, &measured, plan)?;
    let prepared = Prepared::new(plan, observer)?;
    prepared.check_unchanged(run, &measured)?;
    let only = prepared.labels.class_named(class)? as u32;
    let run = &run
        .canonicalize()
        .map_err(Error::cause(format!("open {}", run.display())))?;
    let home = run.parent().unwrap_or(Path::new("."));

    let _lock = take_lock(home, observer)?;
    observer.stage("read rows", None);
    let mut sums = read_sums(run, &measured, plan)?;
    sums.evidence.group_duplicates();
    let folder = RunFolder::reopen(run, &measured.identity.audit_id)?;
    prepared.with_workers(home, observer, |context, pool| {
        let search = Search {
            context,
            pool,
            dataset: &prepared.dataset,
            folder: &folder,
            home,
            evidence: &sums.evidence,
            only: Some(only),
            declared: None,
        };
        let sampled = Sampled {
            classes: sums.evidence.class_samples(settings.images_per_class),
            settings,
        };
        work(&search, &sampled)
    })
}
