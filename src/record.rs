//! The rows of the audit: one schema in one place. `reports/README.md` and the Parquet files follow from here.

/// Version of the tables; raised when a column changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// One column of values, ready for any table format.
#[derive(Debug, Clone)]
pub enum Values {
    Text(Vec<Option<String>>),
    Number(Vec<Option<f64>>),
    Count(Vec<Option<u32>>),
    Flag(Vec<Option<bool>>),
    Floats(Vec<Vec<f32>>),
    Counts(Vec<Vec<u32>>),
}

/// What a column means.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    /// `text`, `number`, `count`, `flag`, `floats` or `counts`.
    pub kind: &'static str,
    pub nullable: bool,
    pub unit: &'static str,
    pub meaning: &'static str,
}

/// A Rust type that fits a column.
trait Cell: Clone {
    const KIND: &'static str;
    const NULLABLE: bool = false;
    fn collect(cells: impl Iterator<Item = Self>) -> Values;
}

macro_rules! cell {
    ($type:ty, $kind:literal, $variant:ident) => {
        impl Cell for $type {
            const KIND: &'static str = $kind;
            fn collect(cells: impl Iterator<Item = Self>) -> Values {
                Values::$variant(cells.map(Some).collect())
            }
        }
        impl Cell for Option<$type> {
            const KIND: &'static str = $kind;
            const NULLABLE: bool = true;
            fn collect(cells: impl Iterator<Item = Self>) -> Values {
                Values::$variant(cells.collect())
            }
        }
    };
}
cell!(String, "text", Text);
cell!(f64, "number", Number);
cell!(u32, "count", Count);
cell!(bool, "flag", Flag);

macro_rules! list {
    ($type:ty, $kind:literal, $variant:ident) => {
        impl Cell for Vec<$type> {
            const KIND: &'static str = $kind;
            fn collect(cells: impl Iterator<Item = Self>) -> Values {
                Values::$variant(cells.collect())
            }
        }
    };
}
list!(f32, "floats", Floats);
list!(u32, "counts", Counts);

/// A table: named columns with meanings, and rows that turn into them.
pub trait Row: Sized {
    const TABLE: &'static str;
    const COLUMNS: &'static [Column];
    fn columns(rows: &[Self]) -> Vec<Values>;
}

/// The tables in Markdown, as `reports/README.md` holds them.
pub fn markdown() -> String {
    let tables = [
        (ImageRow::TABLE, ImageRow::COLUMNS),
        (RegionRow::TABLE, RegionRow::COLUMNS),
        (SkipRow::TABLE, SkipRow::COLUMNS),
        (ProblemRow::TABLE, ProblemRow::COLUMNS),
        (DuplicateRow::TABLE, DuplicateRow::COLUMNS),
        (ClassRow::TABLE, ClassRow::COLUMNS),
        (FindingRow::TABLE, FindingRow::COLUMNS),
    ];
    let column = |c: &Column| {
        let null = if c.nullable { "yes" } else { "" };
        format!(
            "| `{}` | {} | {} | {null} | {} |\n",
            c.name, c.kind, c.unit, c.meaning
        )
    };
    let table = |(name, columns): (&str, &[Column])| {
        let rows: String = columns.iter().map(column).collect();
        format!(
            "### {name}\n\n| column | type | unit | null | meaning |\n|---|---|---|---|---|\n{rows}"
        )
    };
    tables.map(table).join("\n")
}

macro_rules! table {
    ($(#[$doc:meta])* $row:ident, $table:literal, { $($name:ident: $type:ty, $unit:literal, $meaning:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $row {
            $(#[doc = $meaning] pub $name: $type,)*
        }
        impl Row for $row {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [Column] = &[$(Column {
                name: stringify!($name),
                kind: <$type as Cell>::KIND,
                nullable: <$type as Cell>::NULLABLE,
                unit: $unit,
                meaning: $meaning,
            },)*];
            fn columns(rows: &[Self]) -> Vec<Values> {
                vec![$(Cell::collect(rows.iter().map(|r| r.$name.clone())),)*]
            }
        }
    };
}

table! {
    /// One image and one class whose map was taken.
    ImageRow, "images", {
        image_id: String, "", "BLAKE3 of the path relative to the root, 16 bytes in hex";
        path: String, "", "path relative to the dataset's root";
        label: String, "", "label in the dataset";
        label_index: u32, "", "class of the label in the model, from 0";
        split: Option<String>, "", "split named by the manifest";
        group: Option<String>, "", "group named by the manifest; images of a group are one piece of evidence";
        width: u32, "px", "width of the upright photo";
        height: u32, "px", "height of the upright photo";
        predicted: String, "", "class with the largest logit";
        predicted_index: u32, "", "its index";
        target: String, "", "whose map this row is of: `label`, `predicted` where that differs, or `baseline` for a class whose own images nearly all show a region";
        target_class: u32, "", "index of the target class";
        logit: f64, "logit", "the network's logit of the target class";
        centred_logit: f64, "logit", "logit less the mean over all classes; the logit itself for sigmoid heads";
        margin: f64, "logit", "logit minus logsumexp of the others; the logit itself for sigmoid heads";
        bias: f64, "logit", "the part of the logit that has no place on the map";
        positive_mass: f64, "logit cells", "sum of max(CAM, 0) over the cells";
        negative_mass: f64, "logit cells", "sum of max(-CAM, 0) over the cells";
        low_mass: bool, "", "too little positive heat to take shares of; shares are null";
        object_share: Option<f64>, "fraction", "positive heat inside the object boxes";
        object_area: Option<f64>, "fraction", "part of the view that the object boxes take";
        object_lift: Option<f64>, "ratio", "object_share / object_area";
        object_visible: Option<f64>, "fraction", "part of the object boxes that the model sees; null without boxes";
        pointing_hit: Option<bool>, "", "the hottest pixel lies on the object, or within the tolerance";
        rank_accuracy: Option<f64>, "fraction", "of the hottest pixels, as many as the object has, the part on it";
        border_share: Option<f64>, "fraction", "positive heat within half a CAM cell of the view's edge";
        entropy: Option<f64>, "", "entropy of the positive heat over the cells / ln(h w)";
        content_hash: String, "", "BLAKE3 of the file, in hex";
        fingerprint: Option<String>, "", "perceptual hash of the photo, 256 bits in hex; null where near-duplicates are not looked for";
        cam_height: u32, "cells", "rows of the map";
        cam_width: u32, "cells", "columns of the map";
        cam: Vec<f32>, "logit", "the signed map, row by row; mean + bias = logit";
    }
}

table! {
    /// One image, one class whose map was taken, and one region.
    RegionRow, "regions", {
        image_id: String, "", "as in images";
        label: String, "", "label in the dataset";
        target: String, "", "as in images";
        region: String, "", "name of the region in the pipeline, or `padding`";
        kind: String, "", "`confounder`, `object`, `overlay` or `padding`";
        present: Option<bool>, "", "whether the annotations show it; null where nothing tells";
        area: Option<f64>, "fraction", "part of the view that the region takes; null where it is absent";
        visible: Option<f64>, "fraction", "part of the region that the model sees";
        share: Option<f64>, "fraction", "positive heat inside; null at low mass or where the region is out of view";
        lift: Option<f64>, "ratio", "share / area";
        excess: Option<f64>, "fraction", "share - area";
        s_max: Option<f64>, "fraction", "the most of its own heat that one cell could give to the region";
        rho: Option<f64>, "ratio", "share / s_max";
        contribution: Option<f64>, "logit", "mean over the view of the centred map inside the region; raw map for sigmoid heads";
        specificity: Option<f64>, "logit", "contribution to the target less its mean over the other classes";
        contrast: Option<f64>, "logit", "specificity less its mean over the mirrored places; at a borrowed place where the region is absent";
        resolution: Option<String>, "", "`ok`, or `sub_cell` under a quarter of a CAM cell: no claim about place";
    }
}

table! {
    /// One image that was found and could not be scored.
    SkipRow, "skipped", {
        path: String, "", "path relative to the dataset's root";
        label: Option<String>, "", "label in the dataset, where it is known";
        stage: String, "", "where it was lost: walk, annotation, read, decode, preprocess or infer";
        reason: String, "", "short code that stays the same from version to version";
        message: String, "", "what happened, for people";
    }
}

table! {
    /// One oddity of the annotations.
    ProblemRow, "problems", {
        path: Option<String>, "", "the image, where it belongs to one";
        code: String, "", "short code; all are in docs/formats.md";
        severity: String, "", "what was done: `ignore`, `skip` or `error`";
        place: String, "", "file and line";
        message: String, "", "what is odd, for people";
    }
}

table! {
    /// One image of a group of near-duplicates, where the dataset names no group.
    DuplicateRow, "duplicates", {
        image_id: String, "", "as in images";
        group: String, "", "smallest image_id of the group";
    }
}

table! {
    /// One label and one region (or the object boxes): means over the maps of the label.
    ClassRow, "classes", {
        label: String, "", "label in the dataset";
        label_index: u32, "", "class of the label in the model";
        region: String, "", "name of the region; `object` stands for the object boxes, `border` for the view's edge";
        kind: String, "", "`confounder`, `object`, `overlay`, `padding` or `border`";
        images: u32, "images", "images of the label that were scored";
        correct: u32, "images", "of these, predicted as the label";
        low_mass: u32, "images", "of these, with too little positive heat for shares";
        present: Option<u32>, "images", "images whose annotations show the region; null where nothing tells";
        measured: u32, "images", "images that gave a share";
        share_mean: Option<f64>, "fraction", "mean share";
        share_counts: Vec<u32>, "images", "of these, images with a share in [0, 0.1), [0.1, 0.2) and so on to [0.9, 1]";
        area_mean: Option<f64>, "fraction", "mean area over the same images";
        lift: Option<f64>, "ratio", "share_mean / area_mean";
        excess_mean: Option<f64>, "fraction", "mean excess";
        specificity_mean: Option<f64>, "logit", "mean specificity";
        visible_mean: Option<f64>, "fraction", "mean part of the region that the model sees, where it is placed";
        unseen: u32, "images", "images in which the model sees too little of the region (`scores.*_visible_min`)";
    }
}

table! {
    /// One label and one declared confounder region: the verdict and everything that it rests on. Groups are groups of
    /// images; an image without one is its own. A and B look at one half of the groups, chosen by hash; C at the other.
    FindingRow, "findings", {
        label: String, "", "label in the dataset";
        label_index: u32, "", "class of the label in the model";
        region: String, "", "name of the region in the pipeline, or `surroundings`";
        kind: String, "", "`confounder`, `overlay` for a region with a picture of its own, `context` for the surroundings of the objects";
        verdict: String, "", "`confirmed`, `model_shortcut`, `candidate`, `data_risk`, `cleared`, `salient_only`, `insufficient` or `none`; see docs/verdicts.md";
        severity: Option<String>, "", "`critical`, `high`, `medium` or `low`, by the lower bound of what the region does; null where nothing was proved";
        sentence: String, "", "the finding in counts, for people";
        tagged: Option<u32>, "groups", "groups of the label that show the region, both halves; null where nothing tells";
        own_present: Option<u32>, "groups", "A: groups of the label with the region";
        own_groups: Option<u32>, "groups", "A: groups of the label";
        others_present: Option<u32>, "groups", "A: groups of other labels with the region";
        others_groups: Option<u32>, "groups", "A: groups of other labels";
        association: Option<f64>, "fraction", "A: P(present | label) - P(present | other labels)";
        association_low: Option<f64>, "fraction", "A: lower 95 % bound, Newcombe";
        association_high: Option<f64>, "fraction", "A: upper 95 % bound";
        worst_other: Option<f64>, "fraction", "A: largest P(present | label) of any single other label";
        association_p: Option<f64>, "", "A: one-sided Fisher";
        association_q: Option<f64>, "", "A: adjusted by Benjamini and Hochberg; null where too few groups were tagged";
        contrast: Option<f64>, "logit", "B: mean contrast with the region less mean contrast without it";
        contrast_low: Option<f64>, "logit", "B: lower 95 % bound, Welch";
        contrast_high: Option<f64>, "logit", "B: upper 95 % bound";
        contrast_least: Option<f64>, "logit", "B: the least effect that counts";
        contrast_present: Option<u32>, "groups", "B: groups with the region";
        contrast_absent: Option<u32>, "groups", "B: groups without it";
        baseline: Option<String>, "", "B: whose images lack the region: of the `label`, or of `other_classes`";
        contrast_p: Option<f64>, "", "B: one-sided, of an effect of at most the least that counts";
        screening_q: Option<f64>, "", "larger p-value of A and B, adjusted by Benjamini and Hochberg";
        hosts: Option<u32>, "images", "C: images that the region was pasted on";
        insertion: Option<f64>, "logit", "C: mean rise of the class's margin by pasting, less that of the strongest control; of the centred logit for an overlay";
        insertion_low: Option<f64>, "logit", "C: lower 95 % bound, Student";
        insertion_high: Option<f64>, "logit", "C: upper 95 % bound";
        insertion_against: Option<String>, "", "C: the strongest control";
        insertion_p: Option<f64>, "", "C: one-sided, of a rise of at most the least that counts; the largest over the controls";
        effect_z: Option<f64>, "", "overlay: robust z of the rise among all classes (median, MAD)";
        flips: Option<u32>, "images", "C: hosts that say the class with the region pasted on";
        control_flips: Option<u32>, "images", "C: hosts that say it with the strongest control";
        scrambled_flips: Option<u32>, "images", "C: hosts that say it with the region in small shuffled blocks: no control, colour and texture stay";
        flip_rate: Option<f64>, "fraction", "C: net rate of flips to the class; the least over the controls";
        flip_low: Option<f64>, "fraction", "C: lower 95 % bound, Newcombe";
        flip_high: Option<f64>, "fraction", "C: upper 95 % bound";
        moved_most: Option<bool>, "", "C: of all classes, this one moves most";
        filled: Option<u32>, "images", "C: images of the label in which the region (or the objects, for `context`) was filled";
        removal: Option<f64>, "logit", "C: mean fall of the margin by filling, less that of the same fill at a mirrored place; the lesser of two fills";
        removal_low: Option<f64>, "logit", "C: lower 95 % bound, Student";
        removal_high: Option<f64>, "logit", "C: upper 95 % bound";
        removal_against: Option<String>, "", "C: the fill with the lesser effect";
        removal_p: Option<f64>, "", "C: one-sided, the larger of the two fills";
        kept: Option<u32>, "images", "C: of the filled, still predicted as the label";
        control_kept: Option<u32>, "images", "C: of them, still predicted with the mirrored place filled";
        loss: Option<f64>, "fraction", "C: net loss of recall by filling; for `context` the loss itself";
        loss_low: Option<f64>, "fraction", "C: lower 95 % bound, Newcombe; Wilson for `context`";
        loss_high: Option<f64>, "fraction", "C: upper 95 % bound";
        kept_net: Option<f64>, "fraction", "C: for `context`, kept / filled less the rate at which filled images of other labels are called that; null otherwise";
        kept_net_low: Option<f64>, "fraction", "C: lower 95 % bound, Newcombe";
        kept_net_high: Option<f64>, "fraction", "C: upper 95 % bound";
        causal_least: Option<f64>, "logit", "C: the least effect that counts";
        confirming_p: Option<f64>, "", "C: min(1, 2 min(insertion_p, removal_p))";
        confirming_q: Option<f64>, "", "C: adjusted by Benjamini and Hochberg over the pairs put to the proof";
        donors: Option<u32>, "images", "C: photos that the region was cut from";
        forwards: Option<u32>, "passes", "C: passes through the network";
        effect: Option<f64>, "", "what nights are compared by: the net flip rate or loss of recall, the larger; in logits the contrast where C was not run, the rise for an overlay";
        effect_unit: Option<String>, "", "`fraction` or `logit`";
        declared: Option<String>, "", "hash of how the region is declared, its pictures included; null where nobody declares it";
        decision: Option<String>, "", "what a reviewer decided, see review.csv; null where nobody did";
        note: Option<String>, "", "what the reviewer wrote";
        open: bool, "", "counts for `--fail-on`: not decided, or come back since";
        came_back: Option<String>, "", "why a decided finding is open again";
        unproved: Option<String>, "", "why a candidate was not put to the proof, or not with all images; null otherwise";
    }
}
