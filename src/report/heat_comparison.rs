//! The heat of classes and regions in two runs.

use crate::runs::ClassHeat;
use serde::Serialize;
use std::collections::BTreeMap;

/// Rows of the table; the others changed less.
const ROWS_MAX: usize = 500;

/// One class and region in both runs, the earlier first; `None` where a run has no such row.
#[derive(Serialize)]
pub struct HeatLine<'a> {
    label: &'a str,
    region: &'a str,
    images: [Option<u32>; 2],
    accuracy: [Option<f64>; 2],
    share: [Option<f64>; 2],
    lift: [Option<f64>; 2],
    /// Of the share, in points of a hundred.
    change: Option<f64>,
}

/// The rows, the largest change of heat first, and how many are left out.
pub fn heat_lines<'a>(old: &'a [ClassHeat], new: &'a [ClassHeat]) -> (Vec<HeatLine<'a>>, usize) {
    let mut rows: BTreeMap<(&str, &str), [Option<&ClassHeat>; 2]> = BTreeMap::new();
    for (run, heat) in [old, new].into_iter().enumerate() {
        for row in heat {
            rows.entry((&row.label, &row.region)).or_default()[run] = Some(row);
        }
    }

    let mut lines: Vec<HeatLine<'_>> = Vec::new();
    for ((label, region), both) in rows {
        let share = both.map(|row| row.and_then(|row| row.share));
        let [old, new] = share;
        lines.push(HeatLine {
            label,
            region,
            images: both.map(|row| row.map(|row| row.images)),
            accuracy: both.map(|row| row.and_then(accuracy)),
            share,
            lift: both.map(|row| row.and_then(|row| row.lift)),
            change: old.zip(new).map(|(old, new)| 100.0 * (new - old)),
        });
    }

    let size = |line: &HeatLine<'_>| line.change.map_or(-1.0, f64::abs);
    lines.sort_by(|a, b| size(b).total_cmp(&size(a)));
    let omitted = lines.len().saturating_sub(ROWS_MAX);
    lines.truncate(ROWS_MAX);
    (lines, omitted)
}

fn accuracy(row: &ClassHeat) -> Option<f64> {
    (row.images > 0).then(|| f64::from(row.correct) / f64::from(row.images))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(label: &str, share: Option<f64>) -> ClassHeat {
        ClassHeat {
            label: label.into(),
            region: "tag".into(),
            images: 4,
            correct: 3,
            share,
            lift: None,
        }
    }

    #[test]
    fn the_largest_change_comes_first_and_what_one_run_lacks_last() {
        let old = [
            row("a", Some(0.125)),
            row("b", Some(0.5)),
            row("gone", Some(0.9)),
        ];
        let new = [row("a", Some(0.25)), row("b", Some(0.25)), row("c", None)];
        let (lines, omitted) = heat_lines(&old, &new);
        let listed: Vec<(&str, Option<f64>)> =
            lines.iter().map(|line| (line.label, line.change)).collect();
        assert_eq!(omitted, 0);
        assert_eq!(listed[0], ("b", Some(-25.0)));
        assert_eq!(listed[1], ("a", Some(12.5)));
        assert_eq!(listed[2..], [("c", None), ("gone", None)]);
        assert_eq!(lines[3].images, [Some(4), None]);
        assert_eq!(lines[3].accuracy[0], Some(0.75));
    }
}
