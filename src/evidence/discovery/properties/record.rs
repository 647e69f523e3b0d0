//! What a search found, as the evidence of a finding.

use super::distribution::distribution;
use super::selection::PropertyFound;
use super::table::PropertyTable;
use crate::finding::{PropertyAssociation, PropertyEvidence, PropertyTrial};

/// The evidence with the outcome of the experiment; `tests` is the number of all tests of the
/// search.
pub fn evidence(
    table: &PropertyTable,
    found: &PropertyFound,
    tests: usize,
    test: PropertyTrial,
) -> PropertyEvidence {
    let rates = &found.rates;
    PropertyEvidence {
        property: found.property.clone(),
        rule: found.rule.clone(),
        also: found.also.clone(),
        is_other_source: found.is_other_source(),
        association: PropertyAssociation {
            in_class: rates.in_class,
            in_others: rates.in_others,
            median_other: rates.median_other,
            worst_other: rates.worst_other,
            difference: found.test.difference,
            p: found.test.p,
            q: found.q,
            tests: u32::try_from(tests).unwrap_or(u32::MAX),
        },
        distribution: distribution(table, found),
        visible: None,
        test,
    }
}
