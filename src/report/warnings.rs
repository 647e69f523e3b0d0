//! Warnings of a run: signs that its figures are not what the user expects.

use super::text::percent;
use crate::dataset::ignored_pictures;
use crate::plan::problems::IMPLAUSIBLE_BOXES;
use crate::plan::{Plan, Presence};
use crate::runs::documents::{Counts, RunRecord};
use crate::tables::ClassRow;
use std::collections::BTreeMap;

/// A region that is cut off by more than this fraction is worth a warning.
const INVISIBLE_WARNING: f64 = 0.2;

/// What the class rows say of one region.
#[derive(Default)]
struct RegionTotals {
    visible_sum: f64,
    visible_count: usize,
    /// Labels with a count of images that show the region above 0, or without any count.
    not_absent: usize,
}

/// Warnings about the model, annotations, accuracy and regions.
pub fn warnings(
    plan: &Plan,
    record: &RunRecord,
    heat_rows: &[&ClassRow],
    class_count: usize,
) -> Vec<String> {
    let mut warnings = record.facts.model.warnings.clone();
    warnings.extend(annotation_warnings(record));
    let counts = &record.facts.counts;
    warnings.extend(counts.ignored_pictures().map(|_| ignored_warning(counts)));
    if counts.scored > 0 {
        let images = counts.scored;
        // What is expected may have been measured with as many images of each class.
        let of_classes = class_accuracy(heat_rows).unwrap_or(record.top1_accuracy);
        let expected = plan.model.expected_accuracy;
        let expected = expected.filter(|expected| falls_short(of_classes, images, *expected));
        let top1 = record.top1_accuracy;
        warnings.extend(accuracy_warning(top1, images, class_count, expected));
    }

    let totals = region_totals(heat_rows);
    for region in &plan.regions {
        let Some(totals) = totals.get(region.name.as_str()) else {
            continue;
        };
        if let Some(invisible) = totals.invisible().filter(|v| *v > INVISIBLE_WARNING) {
            warnings.push(format!(
                "the model never sees {:.0} % of region {:?}: [preprocess] cuts it off",
                100.0 * invisible,
                region.name
            ));
        }
        let is_searched = !matches!(region.presence, Presence::Annotated);
        if is_searched && totals.not_absent == 0 {
            warnings.push(format!("region {:?} was found on no image", region.name));
        }
    }
    warnings
}

/// Pictures that nobody would hear of otherwise.
pub fn ignored_warning(counts: &Counts) -> String {
    let mut kinds = Vec::new();
    for (kind, files) in ignored_pictures(&counts.ignored) {
        kinds.push(format!("{files} x {kind}"));
    }
    format!(
        "pictures are ignored beside {} images found: {}; rename or convert them, or move them \
         into a class folder",
        counts.found,
        kinds.join(", ")
    )
}

fn annotation_warnings(record: &RunRecord) -> Vec<String> {
    let problems = &record.facts.counts.annotation_problems;
    let mut warnings = Vec::new();
    if let Some(count) = problems.get("bad_file") {
        warnings.push(format!(
            "{count} annotation files or shards are damaged: entries behind the damage are \
             not counted (bad_file in problems.parquet)"
        ));
    }
    if let Some(count) = problems.get(IMPLAUSIBLE_BOXES) {
        let sets = if *count == 1 {
            "category"
        } else {
            "categories"
        };
        warnings.push(format!(
            "most boxes of {count} {sets} cannot be what the format says, and [dataset.problems] \
             ignores it ({IMPLAUSIBLE_BOXES} in problems.parquet)"
        ));
    }
    for code in ["not_a_number", "box_without_area"] {
        let count = problems.get(code).copied().unwrap_or(0);
        if count > 0 {
            let boxes = if count == 1 { "box was" } else { "boxes were" };
            warnings.push(format!(
                "{count} {boxes} left out, and the images count as without: {code} in \
                 problems.parquet"
            ));
        }
    }
    if let Some(count) = problems.get("bad_row") {
        let rows = if *count == 1 { "row" } else { "rows" };
        warnings.push(format!(
            "{count} {rows} of the annotations could not be used (bad_row in problems.parquet)"
        ));
    }
    warnings
}

fn region_totals<'r>(rows: &[&'r ClassRow]) -> BTreeMap<&'r str, RegionTotals> {
    let mut by_region: BTreeMap<&str, RegionTotals> = BTreeMap::new();
    for row in rows {
        let totals = by_region.entry(&row.region).or_default();
        if let Some(visible) = row.visible_mean {
            totals.visible_sum += visible;
            totals.visible_count += 1;
        }
        if row.present != Some(0) {
            totals.not_absent += 1;
        }
    }
    by_region
}

impl RegionTotals {
    /// The part of the region that the model does not see, as a mean over the labels.
    fn invisible(&self) -> Option<f64> {
        let mean = self.visible_sum / self.visible_count as f64;
        (self.visible_count > 0).then_some(1.0 - mean)
    }
}

/// The mean accuracy of the classes; `None` without a row.
fn class_accuracy(rows: &[&ClassRow]) -> Option<f64> {
    let mut of_classes = BTreeMap::new();
    for row in rows.iter().filter(|row| row.images > 0) {
        let accuracy = f64::from(row.correct) / f64::from(row.images);
        of_classes.insert(row.label.as_str(), accuracy);
    }
    let sum: f64 = of_classes.values().sum();
    (!of_classes.is_empty()).then(|| sum / of_classes.len() as f64)
}

/// Less than the expected accuracy by so much, or by half of it, is a warning where chance does not
/// explain it.
const SHORTFALL: f64 = 0.1;
/// Standard errors of the accuracy that chance explains.
const CHANCE_ERRORS: f64 = 3.0;

/// Warns of an accuracy on some images that is well below the expected one, or below five times
/// chance (one half at most).
///
/// A wrong order of the classes or a wrong preprocessing passes every other check.
pub fn accuracy_warning(
    accuracy: f64,
    images: usize,
    class_count: usize,
    expected: Option<f64>,
) -> Option<String> {
    let chance = 1.0 / class_count.max(1) as f64;

    let reason = match expected {
        Some(expected) if falls_short(accuracy, images, expected) => format!(
            "{:.0} points under model.expected_accuracy ({})",
            100.0 * (expected - accuracy),
            percent(expected)
        ),
        _ if accuracy < (5.0 * chance).min(0.5) => format!("near chance ({})", percent(chance)),
        _ => return None,
    };
    Some(format!(
        "top-1 accuracy {} is {reason}: check the order of model.classes and [preprocess]",
        percent(accuracy)
    ))
}

fn falls_short(accuracy: f64, images: usize, expected: f64) -> bool {
    let error = (expected * (1.0 - expected) / images.max(1) as f64).sqrt();
    let least = SHORTFALL.min(expected / 2.0);
    expected - accuracy > least.max(CHANCE_ERRORS * error)
}

#[cfg(test)]
mod tests {
    use super::super::fabricated;
    use super::*;

    #[test]
    fn an_accuracy_near_chance_or_well_below_the_expected_one_is_a_warning() {
        let table = [
            (0.8, 100, 10, None, None),
            (0.4, 100, 10, None, Some("near chance (10.0 %)")),
            (0.6, 100, 2, None, None),
            (0.4, 100, 2, None, Some("near chance (50.0 %)")),
            (
                0.48,
                158,
                1000,
                Some(0.88),
                Some("40 points under model.expected_accuracy (88.0 %)"),
            ),
            // Under ten points, more than it, and within three standard errors (0.11).
            (0.79, 10_000, 1000, Some(0.88), None),
            (0.95, 158, 1000, Some(0.88), None),
            (0.77, 75, 1000, Some(0.88), None),
            (0.03, 10_000, 1000, Some(0.08), Some("5 points under")),
        ];
        for (accuracy, images, classes, expected, reason) in table {
            let warning = accuracy_warning(accuracy, images, classes, expected);
            assert_eq!(warning.is_some(), reason.is_some(), "{warning:?}");
            if let (Some(warning), Some(reason)) = (warning, reason) {
                assert!(warning.contains(reason), "{warning}");
            }
        }
    }

    #[test]
    fn damaged_annotations_and_cut_regions_are_warnings() {
        let plan = fabricated::plan();
        let region = plan.regions[0].name.clone();
        let mut record = fabricated::record();
        let problems = &mut record.facts.counts.annotation_problems;
        problems.extend([("bad_file".to_owned(), 2), ("bad_row".to_owned(), 1)]);
        problems.extend([("not_a_number".to_owned(), 13)]);
        let row = ClassRow {
            visible_mean: Some(0.25),
            ..fabricated::class_row("horse", &region, 0.5)
        };

        let warnings = warnings(&plan, &record, &[&row], 2);
        let expected = [
            "2 annotation files or shards are damaged: entries behind the damage are not counted \
             (bad_file in problems.parquet)"
                .to_owned(),
            "13 boxes were left out, and the images count as without: not_a_number in \
             problems.parquet"
                .to_owned(),
            "1 row of the annotations could not be used (bad_row in problems.parquet)".to_owned(),
            format!("the model never sees 75 % of region {region:?}: [preprocess] cuts it off"),
        ];
        assert_eq!(warnings, expected);
    }
}
