//! A finding in counts, for people.

use crate::evidence::{Effect, Pair};
use crate::record::ClassRow;
use std::collections::BTreeMap;

/// A count as people read it: 1,300.
pub fn thousands(n: impl Into<u64>) -> String {
    let digits = n.into().to_string();
    let first = digits.len() % 3;
    let (head, tail) = digits.split_at(first);
    let groups = tail
        .as_bytes()
        .chunks(3)
        .map(|g| String::from_utf8_lossy(g).into_owned());
    let head = (!head.is_empty()).then(|| head.to_owned());
    head.into_iter().chain(groups).collect::<Vec<_>>().join(",")
}

/// Of every region: images where it is present, and images, over all labels.
pub struct Sums<'r>(BTreeMap<&'r str, [u64; 2]>);

impl<'r> Sums<'r> {
    pub fn new(rows: impl Iterator<Item = &'r ClassRow>) -> Self {
        let mut sums: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
        for row in rows {
            let [present, images] = sums.entry(&row.region).or_default();
            *present += u64::from(row.present.unwrap_or(0));
            *images += u64::from(row.images);
        }
        Self(sums)
    }

    /// The same without the images of this row's label.
    fn others(&self, row: &ClassRow) -> [u64; 2] {
        let [present, images] = self.0.get(row.region.as_str()).copied().unwrap_or_default();
        [
            present.saturating_sub(u64::from(row.present.unwrap_or(0))),
            images.saturating_sub(u64::from(row.images)),
        ]
    }
}

/// What a reviewer reads first.
pub fn of(row: &ClassRow, pair: Option<&Pair>, sums: &Sums<'_>) -> String {
    let Some(pair) = pair else { return heat(row) };
    let mut parts = vec![presence(row, sums)];
    match &pair.intervention {
        None => parts.extend(contrast(pair)),
        Some(proof) => {
            parts.extend(proof.insertion.as_ref().map(|e| inserted(row, e)));
            parts.extend(proof.removal.as_ref().map(removed));
        }
    }
    parts.join("; ")
}

fn heat(row: &ClassRow) -> String {
    let (label, region) = (&row.label, &row.region);
    match (row.share_mean, row.area_mean) {
        (Some(share), Some(area)) => format!(
            "{:.1} % of the heat for {label} lies in {region}, which takes {:.1} % of the view; nothing tells where it is present",
            100.0 * share,
            100.0 * area
        ),
        _ => format!("no heat for {label} was measured in {region}"),
    }
}

fn presence(row: &ClassRow, sums: &Sums<'_>) -> String {
    let [present, images] = sums.others(row);
    format!(
        "{} in {} of {} {} images and {} of {} others",
        row.region,
        thousands(row.present.unwrap_or(0)),
        thousands(row.images),
        row.label,
        thousands(present),
        thousands(images)
    )
}

fn contrast(pair: &Pair) -> Option<String> {
    let b = pair.contrast?;
    let than = if b.other_classes {
        "on other classes without it"
    } else {
        "without it"
    };
    Some(format!(
        "with it, its place speaks {:+.2} logits for {} against {than} ({:.2} to {:.2}; at least {:.2} counts)",
        b.difference.value, pair.label, b.difference.low, b.difference.high, b.least
    ))
}

fn inserted(row: &ClassRow, e: &Effect) -> String {
    let [flips, control] = e.says;
    format!(
        "pasted on {} other images it makes {flips} of them {} (control {control}; margin {:+.2} logits, {:.2} to {:.2})",
        e.images, row.label, e.margin.value, e.margin.low, e.margin.high
    )
}

fn removed(e: &Effect) -> String {
    format!(
        "filled in on {} images, {:.0} points of recall go (margin {:+.2} logits, {:.2} to {:.2})",
        e.images,
        100.0 * e.rate.value,
        -e.margin.value,
        -e.margin.high,
        -e.margin.low
    )
}
