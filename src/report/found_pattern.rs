//! What the card of a found region lists beside its evidence: its images in all classes, and the
//! lines of a pipeline that declare it.

use super::text::thousands;
use crate::runs::patterns::{Pattern, PatternDeclaration};
use serde::Serialize;

/// What a card shows of a found region.
#[derive(Serialize)]
pub struct FoundPattern {
    /// The list of its images, relative to the run folder.
    list: String,
    counts: Vec<FoundCount>,
    /// Lines of a pipeline; the path of the picture begins with `RUN`, the run folder.
    lines: Vec<String>,
    /// How well the lines find the region.
    lines_note: String,
}

#[derive(Serialize)]
struct FoundCount {
    class: String,
    present: u32,
    images: u32,
    part: f64,
}

/// `None` for a name that is a path: the document may come from elsewhere.
pub fn found_pattern(pattern: &Pattern) -> Option<FoundPattern> {
    if !pattern.has_plain_name() {
        return None;
    }
    let mut counts = Vec::new();
    for count in &pattern.counts {
        let class = match &count.class {
            Some(class) => class.clone(),
            None if count.classes == 1 => "1 other class".to_owned(),
            None => format!("{} other classes", thousands(count.classes)),
        };
        counts.push(FoundCount {
            class,
            present: count.present,
            images: count.images,
            part: f64::from(count.present) / f64::from(count.images.max(1)),
        });
    }

    let declaration = pattern.declaration.as_ref();
    Some(FoundPattern {
        list: pattern.list_file(),
        counts,
        lines: declaration
            .map(|declaration| pipeline_lines(pattern, declaration))
            .unwrap_or_default(),
        lines_note: declaration.map(note).unwrap_or_default(),
    })
}

/// The lines that declare a found region.
fn pipeline_lines(pattern: &Pattern, declaration: &PatternDeclaration) -> Vec<String> {
    let [left, top, right, bottom] = declaration.rect;
    let scales: Vec<String> = declaration.scales.iter().map(f64::to_string).collect();
    vec![
        "[[region]]".to_owned(),
        format!("name = \"{}\"", pattern.name),
        format!("rect = {{ left = {left}, top = {top}, right = {right}, bottom = {bottom} }}"),
        format!(
            "template = {{ picture = \"RUN/{}\", scales = [{}], threshold = {} }}",
            pattern.picture_file(),
            scales.join(", "),
            declaration.threshold,
        ),
    ]
}

fn note(declaration: &PatternDeclaration) -> String {
    let [found, tried] = declaration.found;
    let [wrong, without] = declaration.elsewhere;
    format!(
        "Tried on sampled images, these lines find it in {found} of {tried} that show it, and in \
         {wrong} of {without} that do not. Keep the picture: run folders may be removed."
    )
}
