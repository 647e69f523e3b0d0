//! `findings.parquet`: one row per finding.

use super::columns::table;
use crate::finding::{Estimate, Finding, FindingOrigin};

table! {
    /// One class of the model and one declared confounder region: the verdict and everything that
    /// it rests on. Groups are groups of images; an image without one is its own. A looks at all
    /// groups, B at one half (by hash); C at the other, of other classes at both where B did not.
    FindingRow, "findings", {
        label: String, "",
            "label in the dataset; the name of the class where several labels \
            are one class of the model, and for an overlay";
        label_index: u32, "",
            "class of the label in the model";
        region: String, "",
            "name of the region in the pipeline, `surroundings`, or a rule on a \
            property";
        origin: String, "",
            "how the region is known: `declared` in the pipeline or built in, \
            discovered as a `patch`, at a `fixed` place or as a `property`";
        kind: String, "",
            "`confounder`, `overlay` for a region with a picture of its own, \
            `context` for the surroundings of the objects, `property`";
        verdict: String, "",
            "`confirmed`, `model_shortcut`, `candidate`, `data_risk`, \
            `cleared`, `salient_only`, `insufficient` or `none`; see \
            docs/reviewers.md";
        severity: Option<String>, "",
            "`critical`, `high`, `medium` or `low`, by the lower bound of the \
            effect; null where no effect was shown";
        severity_at_least: bool, "",
            "the severity is a lower bound: the template or the search misses \
            some of the regions";
        sentence: String, "",
            "the finding in counts, for people";
        tagged: Option<u32>, "groups",
            "groups of the class that show the region, in both halves; null \
            without presence information";
        unclear: Option<u32>, "images",
            "images of the class that may show a found picture: A counts them \
            as without it, B and C leave them out; null for a declared region";
        missed: Option<u32>, "images",
            "about how many of `unclear` show it";
        in_class_present: Option<u32>, "groups",
            "A: groups of the class with the region";
        in_class_groups: Option<u32>, "groups",
            "A: groups of the class";
        others_present: Option<u32>, "groups",
            "A: groups of other classes with the region";
        others_groups: Option<u32>, "groups",
            "A: groups of other classes";
        association: Option<f64>, "fraction",
            "A: P(present | class) - P(present | other classes)";
        association_low: Option<f64>, "fraction",
            "A: lower 95 % bound, Newcombe";
        association_high: Option<f64>, "fraction",
            "A: upper 95 % bound";
        worst_other: Option<f64>, "fraction",
            "A: largest P(present | class) of any single other class";
        association_p: Option<f64>, "",
            "A: one-sided Fisher";
        association_q: Option<f64>, "",
            "A: adjusted by Benjamini and Hochberg; null where too few groups \
            were tagged";
        contrast: Option<f64>, "logit",
            "B: mean contrast with the region less mean contrast without it";
        contrast_low: Option<f64>, "logit",
            "B: lower 95 % bound, Welch";
        contrast_high: Option<f64>, "logit",
            "B: upper 95 % bound";
        contrast_min_effect: Option<f64>, "logit",
            "B: the smallest effect that counts";
        contrast_present: Option<u32>, "groups",
            "B: groups with the region";
        contrast_absent: Option<u32>, "groups",
            "B: groups without it";
        baseline: Option<String>, "",
            "B: the images without the region: of the `label`, or of \
            `other_classes`";
        contrast_p: Option<f64>, "",
            "B: one-sided, of an effect of at most the smallest that counts";
        contrast_missing: Option<String>, "",
            "B: why it could not be had: `few_with_region`, \
            `few_without_region`, `no_mirror_image` or `sub_cell`; null where \
            it could";
        screening_q: Option<f64>, "",
            "larger p-value of A and B, adjusted by Benjamini and Hochberg";
        hosts: Option<u32>, "images",
            "C: images that the region was pasted on";
        insertion: Option<f64>, "logit",
            "C: mean rise of the class's margin by pasting, less that of the \
            strongest control; of the centred logit for an overlay";
        insertion_low: Option<f64>, "logit",
            "C: lower 95 % bound, Student, clustered by donor";
        insertion_high: Option<f64>, "logit",
            "C: upper 95 % bound";
        insertion_control: Option<String>, "",
            "C: the strongest control";
        insertion_p: Option<f64>, "",
            "C: one-sided, of a rise of at most the smallest that counts; the \
            largest over the controls";
        insertion_q: Option<f64>, "",
            "C: adjusted by Benjamini and Hochberg over both sides of all \
            tested pairs; of the larger p-value where the consensus must \
            support it too; over the classes, and the larger over the \
            controls, for an overlay";
        effect_z: Option<f64>, "",
            "overlay: robust z of the rise among all classes (median, MAD); the \
            smaller over the controls";
        flips: Option<u32>, "images",
            "C: hosts predicted as the class with the region pasted on, or laid \
            over";
        control_flips: Option<u32>, "images",
            "C: hosts predicted as the class with the strongest control";
        feature_auc: Option<f64>, "fraction",
            "property: how well pooled features tell the images inside (AUC)";
        change: Option<String>, "",
            "property: what was done to the hosts; null where none was changed";
        change_part: Option<f64>, "ratio",
            "property: `insertion` / root mean square change of all classes";
        change_t: Option<f64>, "",
            "property: least t against other families' changes; null if the class moved too little";
        top_k: Option<u32>, "classes",
            "overlay: an image counts as entered by the class if the class is \
            among so many of the highest logits; null otherwise, and for \
            sigmoid heads, where it is to be predicted";
        entries: Option<u32>, "images",
            "overlay: hosts that the class enters with the overlay";
        control_entries: Option<u32>, "images",
            "overlay: hosts that the class enters with the control with the \
            smallest net rate";
        detectable_rate: Option<f64>, "fraction",
            "overlay: the smallest net rate of entries that so many hosts can \
            show";
        scrambled_flips: Option<u32>, "images",
            "C: hosts predicted as the class with the region in small shuffled \
            blocks; no control, since colour and texture stay";
        flip_rate: Option<f64>, "fraction",
            "C: net rate of flips to the class, of entries for an overlay; the \
            smallest over the controls";
        flip_low: Option<f64>, "fraction",
            "C: lower 95 % bound, the lower one of Newcombe's for paired \
            proportions and the one clustered by donor; Newcombe's for an \
            overlay";
        flip_high: Option<f64>, "fraction",
            "C: upper 95 % bound";
        largest_shift: Option<bool>, "",
            "C: of classes that do not share the region, no other's logit changes more on average";
        place_control: Option<bool>, "",
            "C: the place of the region in untagged images of the class was a \
            control of pasting";
        hosts_trained_on: Option<bool>, "",
            "C: the region was pasted on images of splits that the model was \
            trained on";
        template_found: Option<u32>, "",
            "C: regions that the template found again, shifted and rescaled, on \
            other photos; null where presence does not come from a template";
        template_tried: Option<u32>, "",
            "C: regions that it was tried on";
        consensus_coverage: Option<f64>, "fraction",
            "C: part of the region that the donors agree about (median absolute \
            deviation at most 12 of 255); null where the place of untagged \
            images was a control";
        consensus_neighbours: Option<f64>, "fraction",
            "C: the largest such part of the four places beside the region; \
            null where none fits";
        consensus_flips: Option<u32>, "images",
            "C: hosts predicted as the class with the median of the donors \
            pasted on";
        consensus_control_flips: Option<u32>, "images",
            "C: hosts predicted as the class with its strongest control";
        consensus_flip_low: Option<f64>, "fraction",
            "C: lower 95 % bound of the net rate of these flips";
        consensus_p: Option<f64>, "",
            "C: one-sided, of a rise by the median of at most the smallest that \
            counts";
        filled: Option<u32>, "images",
            "C: images of the label in which the region (or the objects, for \
            `context`) was filled";
        removal: Option<f64>, "logit",
            "C: mean fall of the margin by filling, less that of the same fill \
            at a mirrored place, less the same difference in untagged images \
            of the class (where `untagged_filled` is not 0); the smaller of \
            two fills";
        removal_low: Option<f64>, "logit",
            "C: lower 95 % bound, Welch; Student without untagged images";
        removal_high: Option<f64>, "logit",
            "C: upper 95 % bound";
        removal_control: Option<String>, "",
            "C: the fill with the smaller effect";
        removal_p: Option<f64>, "",
            "C: one-sided, the larger of the two fills";
        removal_q: Option<f64>, "",
            "C: adjusted by Benjamini and Hochberg over both sides of all \
            tested pairs";
        untagged_filled: Option<u32>, "images",
            "C: untagged images of the class that were filled for comparison; 0 \
            where there are too few";
        kept: Option<u32>, "images",
            "C: of the filled, still predicted as the label";
        control_kept: Option<u32>, "images",
            "C: of them, still predicted with the mirrored place filled";
        loss: Option<f64>, "fraction",
            "C: net loss of recall by filling; for `context` the loss itself";
        loss_low: Option<f64>, "fraction",
            "C: lower 95 % bound, Newcombe; Wilson for `context`";
        loss_high: Option<f64>, "fraction",
            "C: upper 95 % bound";
        kept_net: Option<f64>, "fraction",
            "C: for `context`, kept / filled less the rate at which filled \
            images of other labels are called that; null otherwise";
        kept_net_low: Option<f64>, "fraction",
            "C: lower 95 % bound, Newcombe";
        kept_net_high: Option<f64>, "fraction",
            "C: upper 95 % bound";
        filled_with_confounder: Option<u32>, "images",
            "C: for `context`, of the filled, with a declared confounder; null \
            otherwise";
        object_share: Option<f64>, "fraction",
            "for `context`, mean share of the heat on the objects; null \
            otherwise";
        causal_min_effect: Option<f64>, "logit",
            "C: the smallest effect that counts";
        donors: Option<u32>, "images",
            "C: photos that the region was cut from";
        forwards: Option<u32>, "passes",
            "C: passes through the network";
        photos_lost: Option<u32>, "images",
            "C: photos that could not be read again";
        effect: Option<f64>, "",
            "the effect by which runs are compared: the net flip rate or loss \
            of recall, the larger; in logits the contrast without C, and the rise \
            for an overlay; the difference of the rates for a property";
        effect_unit: Option<String>, "",
            "`fraction` or `logit`";
        declared: Option<String>, "",
            "hash of the region's declaration, its pictures included; null for \
            a region that is not declared";
        decision: Option<String>, "",
            "decision of a reviewer, see review.csv; null without one";
        note: Option<String>, "",
            "note of the reviewer";
        open: bool, "",
            "counts for `--fail-on`: not decided, or reopened since";
        came_back: Option<String>, "",
            "why a decided finding is open again; null otherwise";
        not_tested_reason: Option<String>, "",
            "why C was not run for a candidate, or not on all images; null \
            otherwise";
    }
}

impl FindingRow {
    /// The row of a finding, with its sentence. Every column is named here.
    pub fn new(finding: &Finding, sentence: String) -> Self {
        let confounder = finding.confounder();
        let (overlay, surroundings) = (finding.overlay(), finding.surroundings());
        let found = confounder.filter(|_| finding.origin != FindingOrigin::Declared);
        let a = confounder.and_then(|evidence| evidence.association);
        let b = confounder.and_then(|evidence| evidence.contrast);
        let c = confounder.and_then(|evidence| evidence.intervention.as_deref());
        let insertion = c.and_then(|c| c.insertion);
        let removal = c.and_then(|c| c.removal);
        let consensus = c.and_then(|c| c.consensus);
        let common = consensus.and_then(|consensus| consensus.effect);
        let hits = c.and_then(|c| c.template_hits);
        let missing = confounder.and_then(|c| c.contrast_missing);

        let association = a.map(|a| a.difference);
        let contrast = b.map(|b| b.difference);
        let rise = insertion.map(|i| i.margin).or(overlay.map(|o| o.rise));
        let flip_rate = insertion.map(|i| i.rate).or(overlay.map(|o| o.rate));
        let flips = insertion
            .map(|i| i.predicted)
            .or(overlay.map(|o| o.predicted));
        let fall = removal.map(|r| r.margin);
        let recall_lost = surroundings.and_then(|s| s.rate).map(complement);
        let loss = removal.map(|r| r.rate).or(recall_lost);
        let kept = surroundings.map(|s| s.kept);
        let kept_net = surroundings.and_then(|s| s.net);

        let pasted = insertion.map(|i| i.control.name());
        let laid = overlay.map(|o| o.control.name());
        let insertion_control = pasted.or(laid).map(str::to_owned);
        let shift = insertion.map(|i| i.largest_shift);
        let shift = shift.or(removal.map(|r| r.largest_shift));
        let largest_shift = shift.or(overlay.map(|o| o.rank == 1));

        let row = Self {
            label: finding.label.clone(),
            label_index: finding.class,
            region: finding.region.clone(),
            origin: finding.origin.name().to_owned(),
            kind: finding.kind().name().to_owned(),
            verdict: finding.verdict.name().to_owned(),
            severity: finding.severity.map(|s| s.name().to_owned()),
            severity_at_least: finding.severity_at_least,
            sentence,
            tagged: confounder.and_then(|c| c.tagged),
            unclear: found.map(|c| c.counts.unclear),
            missed: found.map(|c| c.counts.missed),
            in_class_present: a.map(|a| a.in_class.present),
            in_class_groups: a.map(|a| a.in_class.groups),
            others_present: a.map(|a| a.in_others.present),
            others_groups: a.map(|a| a.in_others.groups),
            association: association.map(|e| e.value),
            association_low: association.map(|e| e.low),
            association_high: association.map(|e| e.high),
            worst_other: a.map(|a| a.worst_other),
            association_p: a.map(|a| a.p),
            association_q: confounder.and_then(|c| c.association_q),
            contrast: contrast.map(|e| e.value),
            contrast_low: contrast.map(|e| e.low),
            contrast_high: contrast.map(|e| e.high),
            contrast_min_effect: b.map(|b| b.min_effect),
            contrast_present: b.map(|b| b.present),
            contrast_absent: b.map(|b| b.absent),
            baseline: b.map(|b| b.baseline.name().to_owned()),
            contrast_p: b.map(|b| b.p),
            contrast_missing: missing.map(|missing| missing.name().to_owned()),
            screening_q: confounder.and_then(|c| c.screening_q),
            hosts: insertion.map(|i| i.images).or(overlay.map(|o| o.hosts)),
            insertion: rise.map(|e| e.value),
            insertion_low: rise.map(|e| e.low),
            insertion_high: rise.map(|e| e.high),
            insertion_control,
            insertion_p: insertion.map(|i| i.p).or(overlay.map(|o| o.p)),
            insertion_q: confounder
                .and_then(|c| c.insertion_q)
                .or(overlay.map(|o| o.q)),
            effect_z: overlay.map(|o| o.z),
            flips: flips.map(|[with, _]| with),
            control_flips: flips.map(|[_, control]| control),
            feature_auc: None,
            change: None,
            change_part: None,
            change_t: None,
            top_k: overlay.and_then(|o| o.top_k),
            entries: overlay.map(|o| o.entries[0]),
            control_entries: overlay.map(|o| o.entries[1]),
            detectable_rate: overlay.and_then(|o| o.detectable_rate),
            scrambled_flips: insertion.and(c).map(|c| c.scrambled_flips),
            flip_rate: flip_rate.map(|e| e.value),
            flip_low: flip_rate.map(|e| e.low),
            flip_high: flip_rate.map(|e| e.high),
            largest_shift,
            place_control: c.map(|c| c.has_place_control),
            hosts_trained_on: c.map(|c| c.hosts_trained_on),
            template_found: hits.map(|hits| hits.found),
            template_tried: hits.map(|hits| hits.tried),
            consensus_coverage: consensus.map(|c| c.coverage),
            consensus_neighbours: consensus.and_then(|c| c.neighbours),
            consensus_flips: common.map(|e| e.predicted[0]),
            consensus_control_flips: common.map(|e| e.predicted[1]),
            consensus_flip_low: common.map(|e| e.rate.low),
            consensus_p: common.map(|e| e.p),
            filled: removal.map(|r| r.images).or(surroundings.map(|s| s.images)),
            removal: fall.map(|e| e.value),
            removal_low: fall.map(|e| e.low),
            removal_high: fall.map(|e| e.high),
            removal_control: removal.map(|r| r.control.name().to_owned()),
            removal_p: removal.map(|r| r.p),
            removal_q: confounder.and_then(|c| c.removal_q),
            untagged_filled: c.map(|c| c.untagged_filled),
            kept: removal.map(|r| r.predicted[1]).or(kept),
            control_kept: removal.map(|r| r.predicted[0]),
            loss: loss.map(|e| e.value),
            loss_low: loss.map(|e| e.low),
            loss_high: loss.map(|e| e.high),
            kept_net: kept_net.map(|e| e.value),
            kept_net_low: kept_net.map(|e| e.low),
            kept_net_high: kept_net.map(|e| e.high),
            filled_with_confounder: surroundings.map(|s| s.with_confounder),
            object_share: surroundings.and_then(|s| s.object_share),
            causal_min_effect: c.map(|c| c.min_effect).or(overlay.map(|o| o.min_effect)),
            donors: c.map(|c| c.donors),
            forwards: c.map(|c| c.forwards),
            photos_lost: c.map(|c| c.photos_lost),
            effect: finding.effect,
            effect_unit: Some(finding.effect_unit.name().to_owned()),
            declared: finding.declared.clone(),
            decision: finding.review.decision.map(|d| d.name().to_owned()),
            note: finding.review.note.clone(),
            open: finding.review.open,
            came_back: finding.review.reopened.map(|r| r.name().to_owned()),
            not_tested_reason: finding.not_tested.map(|n| n.to_string()),
        };
        row.with_property(finding.property())
    }
}

/// The rate of the opposite, with its interval.
fn complement(rate: Estimate) -> Estimate {
    Estimate {
        value: 1.0 - rate.value,
        low: 1.0 - rate.high,
        high: 1.0 - rate.low,
    }
}
