//! Properties of files that tell a class, and whether the model uses them: `sample` measures the
//! files of the sample, `trial` changes photos of other classes (`hosts`) as `dose` says and
//! `changed` predicts them, `features` asks whether the model's features show a rule, `pictures`
//! shows what was done.

mod changed;
mod dose;
mod features;
mod hosts;
mod pictures;
mod sample;
mod samples;
mod scope;
mod trial;

use super::kept::Kept;
use super::search::FoundLine;
use super::{Discovered, Sampled, Search};
use crate::error::Result;
use crate::evidence::discovery::properties as evidence;
use crate::evidence::discovery::properties::PropertyFound;
use crate::finding::{FindingOrigin, PropertyEvidence};
use crate::verdict;
use sample::MeasuredSample;
use trial::Trials;

/// Searches for properties that tell a class, and tests whether the model uses them.
///
/// # Errors
/// When the dataset can no longer be read, the disk fails, or the run is asked to stop.
pub fn search(search: &Search<'_, '_>, sampled: &Sampled) -> Result<Discovered> {
    let kept = Kept::new(search, &sampled.classes)?;
    let measured = MeasuredSample::measure(search, sampled, &kept)?;
    measured.write(search.folder, search.context.labels)?;
    let table = measured.table();
    let mut result = evidence::search(&table);
    result.found.retain(|found| search.is_searched(found.class));
    let mut discovered = Discovered {
        lines: lines(search, &result.found),
        scope: scope::sentences(&table, &result, &sampled.settings, measured.lost),
        lost: measured.lost,
        ..Discovered::default()
    };
    if search.declared.is_none() {
        return Ok(discovered);
    }

    let trials = Trials::run(search, &table, &result.found, &measured, &kept)?;
    discovered.lost += trials.lost;
    let names = search.context.labels.pooled_names();
    for (index, found) in result.found.iter().enumerate() {
        let evidence = PropertyEvidence {
            visible: trials.visible[index],
            ..evidence::evidence(&table, found, result.tests, trials.outcomes[index].clone())
        };
        let label = names.get(&(found.class as usize));
        let label = label.cloned().unwrap_or_else(|| found.class.to_string());
        let policy = &search.context.plan.verdict;
        let finding = verdict::property_finding(label, found.class, evidence, policy);
        discovered.figures.extend(trials.figures(index, &finding));
        discovered.findings.push(finding);
    }
    Ok(discovered)
}

fn lines(search: &Search<'_, '_>, found: &[PropertyFound]) -> Vec<FoundLine> {
    let names = search.context.labels.pooled_names();
    let mut lines = Vec::new();
    for found in found {
        let name = names.get(&(found.class as usize)).cloned();
        lines.push(FoundLine {
            class: name.unwrap_or_else(|| found.class.to_string()),
            origin: FindingOrigin::Property,
            what: found.rule.of(&found.property.name()),
            in_class: found.rates.in_class,
            in_others: found.rates.in_others,
            q: found.q,
        });
    }
    lines
}
