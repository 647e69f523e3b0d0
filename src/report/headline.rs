//! The run in a sentence or two: counts, accuracy, open findings, warnings.

use super::text::{counted, percent};
use crate::finding::{Finding, Verdict};
use crate::runs::documents::Summary;

/// Images, skipped images and accuracy, in one sentence.
pub fn headline(summary: &Summary) -> String {
    let counts = &summary.counts;
    let mut images = format!("{} of {} images scored", counts.scored, counts.found);
    if let Some(limit) = summary.limit {
        images += &format!(" (at most {limit} of each label)");
    }
    if counts.skipped > 0 {
        let reasons = counted(&counts.skipped_by_reason);
        images += &format!(", {} skipped ({reasons})", counts.skipped);
    }
    if counts.turned > 0 {
        images += &format!(", {} turned by EXIF", counts.turned);
    }
    if counts.not_turned > 0 {
        images += &format!(", {} not turned by EXIF", counts.not_turned);
    }
    if let Some(pictures) = counts.ignored_pictures() {
        images += &format!(", {pictures} pictures ignored");
    }
    if counts.scored > 0 {
        images += &format!("; top-1 {}", percent(summary.top1_accuracy));
    }

    let refused = if summary.refused.is_some() {
        "NOT RELIABLE, "
    } else {
        ""
    };
    format!("{}: {refused}{images}", summary.pipeline)
}

/// The outcome: open findings, pairs with too few images, warnings.
pub fn upshot(summary: &Summary) -> String {
    let mut parts = match refusal(summary) {
        Some(refusal) => vec![refusal],
        None => vec![open_findings_text(summary)],
    };
    if let Some(text) = insufficient_text(summary) {
        parts.push(text);
    }

    match summary.warnings.len() {
        0 => {}
        1 => parts.push("1 warning".to_owned()),
        count => parts.push(format!("{count} warnings")),
    }
    parts.join("; ")
}

/// Why the run must not be relied on, and what it found all the same.
pub fn refusal(summary: &Summary) -> Option<String> {
    let refused = summary.refused.as_ref()?;
    let found = match open_reported(summary).count() {
        0 => "whether there is a finding is not known".to_owned(),
        _ => format!(
            "{} among the images that were scored",
            open_findings_text(summary)
        ),
    };
    Some(format!("do not rely on this run: {refused}; {found}"))
}

fn open_findings_text(summary: &Summary) -> String {
    let Some(worst) = open_reported(summary).next() else {
        let nothing = if summary.nothing_declared {
            "nothing was declared whose presence is known, so nothing can be found"
        } else {
            "no open finding"
        };
        return format!("{nothing}{}", decided_text(summary));
    };
    let worst = worst.verdict.words();
    match open_reported(summary).count() {
        1 => format!("1 open finding, {worst}{}", decided_text(summary)),
        count => format!(
            "{count} open findings, the most serious {worst}{}",
            decided_text(summary)
        ),
    }
}

/// How many findings reviewers have decided; empty for none.
fn decided_text(summary: &Summary) -> String {
    let reported = summary.findings.iter().filter(|f| f.verdict.is_reported());
    match reported.filter(|finding| !finding.review.open).count() {
        0 => String::new(),
        count => format!(" ({count} decided)"),
    }
}

/// How many pairs of class and region have no verdict for want of data.
pub fn insufficient_text(summary: &Summary) -> Option<String> {
    let insufficient = *summary.verdicts.get(&Verdict::Insufficient)?;
    let pairs: usize = summary.verdicts.values().sum();
    (insufficient > 0).then(|| {
        format!(
            "{insufficient} of {pairs} pairs of class and region have insufficient data for a \
             verdict"
        )
    })
}

/// The findings that reviewers are asked to decide about, most serious first.
pub fn open_reported(summary: &Summary) -> impl Iterator<Item = &Finding> {
    summary.findings.iter().filter(|f| f.needs_decision())
}

/// The number of [`open_findings`].
pub fn open_at_or_above(findings: &[Finding], verdict: Verdict) -> usize {
    open_findings(findings, verdict).len()
}

/// The open findings with this verdict or a more serious one.
pub fn open_findings(findings: &[Finding], verdict: Verdict) -> Vec<&Finding> {
    let open = findings.iter().filter(|finding| finding.review.open);
    open.filter(|finding| finding.verdict <= verdict).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fabricated;
    use super::*;

    #[test]
    fn the_headline_counts_images() {
        let mut summary = fabricated::summary();
        assert_eq!(
            headline(&summary),
            "demo: 1200 of 1200 images scored; top-1 91.5 %"
        );

        summary.limit = Some(3);
        summary.counts.skipped = 2;
        let reasons = &mut summary.counts.skipped_by_reason;
        reasons.insert("decode/truncated".into(), 2);
        assert_eq!(
            headline(&summary),
            "demo: 1200 of 1200 images scored (at most 3 of each label), \
             2 skipped (2 decode/truncated); top-1 91.5 %"
        );

        summary.counts.turned = 5;
        let text = headline(&summary);
        assert!(text.ends_with("truncated), 5 turned by EXIF; top-1 91.5 %"));
        summary.counts.turned = 0;
        summary.counts.not_turned = 4;
        let text = headline(&summary);
        assert!(text.ends_with("truncated), 4 not turned by EXIF; top-1 91.5 %"));
    }

    #[test]
    fn the_upshot_counts_open_findings_and_warnings() {
        let mut summary = fabricated::summary();
        summary.verdicts.insert(Verdict::Insufficient, 2);
        assert_eq!(
            upshot(&summary),
            "5 open findings, the most serious confirmed; \
             2 of 14 pairs of class and region have insufficient data for a verdict; 1 warning"
        );
        assert_eq!(open_at_or_above(&summary.findings, Verdict::Candidate), 4);

        summary.findings.truncate(1);
        summary.verdicts.clear();
        summary.warnings.clear();
        assert_eq!(upshot(&summary), "1 open finding, confirmed");

        summary.findings[0].review.open = false;
        assert_eq!(upshot(&summary), "no open finding (1 decided)");
        assert_eq!(open_at_or_above(&summary.findings, Verdict::Candidate), 0);
    }
}
