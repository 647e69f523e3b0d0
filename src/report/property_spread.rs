//! The values of a property in a class and in the others, as rows of a small table.

use crate::finding::PropertyEvidence;
use serde::Serialize;

/// The chart of a property.
#[derive(Serialize)]
pub struct Spread {
    title: String,
    bars: Vec<SpreadBar>,
}

/// One range or level, as parts of the images of either side.
#[derive(Serialize)]
struct SpreadBar {
    name: String,
    in_class: f64,
    in_others: f64,
    is_inside: bool,
}

/// `None` where there is nothing to draw.
pub fn spread(evidence: &PropertyEvidence) -> Option<Spread> {
    let bars = &evidence.distribution.bars;
    let in_class: u32 = bars.iter().map(|bar| bar.in_class).sum();
    let in_others: u32 = bars.iter().map(|bar| bar.in_others).sum();
    let part = |count: u32, all: u32| f64::from(count) / f64::from(all.max(1));

    let rows = bars.iter().map(|bar| SpreadBar {
        name: bar.name.clone(),
        in_class: part(bar.in_class, in_class),
        in_others: part(bar.in_others, in_others),
        is_inside: bar.is_inside,
    });
    let rows: Vec<SpreadBar> = rows.collect();
    (!rows.is_empty()).then(|| Spread {
        title: evidence.property.words(),
        bars: rows,
    })
}
