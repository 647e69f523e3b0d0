//! The table of classes by split: train against val.

use super::build_summary::{accuracy, object_rows};
use crate::runs::documents::{ClassSummary, SplitClass, SplitSummary};
use crate::tables::ClassRow;
use std::collections::BTreeMap;

/// The figures of the listed classes in each split, about the region that the summary lists.
pub fn split_summaries(
    listed: &[ClassSummary],
    splits: &[(String, Vec<ClassRow>)],
) -> Vec<SplitSummary> {
    let mut summaries = Vec::new();
    for (split, rows) in splits {
        summaries.push(SplitSummary {
            split: split.clone(),
            classes: split_classes(listed, rows),
        });
    }
    summaries
}

fn split_classes(listed: &[ClassSummary], rows: &[ClassRow]) -> Vec<SplitClass> {
    let objects = object_rows(rows);
    let mut by_name = BTreeMap::new();
    let mut by_label = BTreeMap::new();
    for row in rows {
        by_name.entry((&row.label, &row.region)).or_insert(row);
        by_label.entry(&row.label).or_insert(row);
    }

    let mut classes = Vec::new();
    for class in listed {
        let object = objects.get(class.label.as_str());
        let row = by_name.get(&(&class.label, &class.region));
        let any = row.or(by_label.get(&class.label));
        classes.push(SplitClass {
            label: class.label.clone(),
            images: any.map_or(0, |row| row.images),
            accuracy: any.and_then(|row| accuracy(row)),
            share: row.and_then(|row| row.share_mean),
            lift: row.and_then(|row| row.lift),
            object_share: object.and_then(|row| row.share_mean),
        });
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::super::fabricated::{class_row, summary};
    use super::*;

    #[test]
    fn every_listed_class_has_its_figures_in_each_split() {
        let listed = summary().classes;
        let label = listed[0].label.as_str();
        let mut train = class_row(label, &listed[0].region, 0.25);
        train.images = 8;
        train.correct = 6;
        let splits = [("train".into(), vec![train]), (String::new(), Vec::new())];
        let summaries = split_summaries(&listed, &splits);
        assert_eq!(summaries.len(), 2);
        for summary in &summaries {
            assert_eq!(summary.classes.len(), listed.len());
        }
        let class = &summaries[0].classes[0];
        assert_eq!(
            (class.images, class.accuracy, class.share),
            (8, Some(0.75), Some(0.25))
        );
        let absent = &summaries[1].classes[0];
        assert_eq!(
            (absent.images, absent.accuracy, absent.share),
            (0, None, None)
        );
    }
}
