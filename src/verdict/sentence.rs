//! A finding in counts, for people.

use crate::evidence::{Effect, Pair};
use crate::record::ClassRow;

/// A count as people read it: 1,300.
pub fn thousands(n: impl Into<u64>) -> String {
    let digits = n.into().to_string();
    let first = digits.len() % 3;
    let (head, tail) = digits.split_at(first);
    let groups = tail.as_bytes().chunks(3).map(|g| String::from_utf8_lossy(g).into_owned());
    let head = (!head.is_empty()).then(|| head.to_owned());
    head.into_iter().chain(groups).collect::<Vec<_>>().join(",")
}

/// What a reviewer reads first; `all` are the rows of every label.
pub fn of(row: &ClassRow, pair: Option<&Pair>, all: &[&ClassRow]) -> String {
    let Some(pair) = pair else { return heat(row) };
    let mut parts = vec![presence(row, all)];
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

fn presence(row: &ClassRow, all: &[&ClassRow]) -> String {
    let others = || all.iter().filter(|r| r.region == row.region && r.label != row.label);
    let sum = |count: fn(&ClassRow) -> u32| others().map(|r| count(r)).map(u64::from).sum::<u64>();
    format!(
        "{} in {} of {} {} images and {} of {} others",
        row.region,
        thousands(row.present.unwrap_or(0)),
        thousands(row.images),
        row.label,
        thousands(sum(|r| r.present.unwrap_or(0))),
        thousands(sum(|r| r.images))
    )
}

fn contrast(pair: &Pair) -> Option<String> {
    let b = pair.contrast?;
    let than = if b.other_classes { "on other classes without it" } else { "without it" };
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
