//! The tables: names, types, units and meanings of their columns. `reports/README.md` is made of
//! them.

use super::columns::table;

table! {
    /// One image and one class whose map was taken.
    ImageRow, "images", {
        image_id: String, "",
            "BLAKE3 of the path relative to the root, 16 bytes in hex";
        path: String, "",
            "path relative to the dataset's root";
        label: String, "",
            "label in the dataset";
        label_index: u32, "",
            "class of the label in the model, from 0";
        split: Option<String>, "",
            "split named by the manifest";
        group: Option<String>, "",
            "group named by the manifest; images of a group are one piece of \
            evidence";
        width: u32, "px",
            "width of the upright photo";
        height: u32, "px",
            "height of the upright photo";
        predicted: String, "",
            "class with the largest logit";
        predicted_index: u32, "",
            "its index";
        target: String, "",
            "the class whose map this row is of: `label`, `predicted` where \
            that differs, or `baseline` for a class whose own images nearly \
            all show a region";
        target_class: u32, "",
            "index of the target class";
        logit: f64, "logit",
            "the network's logit of the target class";
        centred_logit: f64, "logit",
            "logit less the mean over all classes; the logit itself for sigmoid \
            heads";
        margin: f64, "logit",
            "logit minus logsumexp of the others; the logit itself for sigmoid \
            heads";
        bias: f64, "logit",
            "the part of the logit that has no place on the map";
        positive_mass: f64, "logit cells",
            "sum of max(CAM, 0) over the cells";
        negative_mass: f64, "logit cells",
            "sum of max(-CAM, 0) over the cells";
        low_mass: bool, "",
            "too little positive heat to take shares of; shares are null";
        object_share: Option<f64>, "fraction",
            "positive heat inside the object boxes";
        object_area: Option<f64>, "fraction",
            "part of the view that the object boxes take";
        object_lift: Option<f64>, "ratio",
            "object_share / object_area";
        object_visible: Option<f64>, "fraction",
            "part of the object boxes that the model sees; null without boxes";
        pointing_hit: Option<bool>, "",
            "the hottest pixel lies on the object, or within the tolerance";
        rank_accuracy: Option<f64>, "fraction",
            "fraction on the object of the hottest pixels, as many as the \
            object has";
        border_share: Option<f64>, "fraction",
            "positive heat within half a CAM cell of the view's edge";
        entropy: Option<f64>, "",
            "entropy of the positive heat over the cells / ln(h w)";
        content_hash: String, "",
            "BLAKE3 of the file, in hex";
        fingerprint: Option<String>, "",
            "perceptual hash of the photo, 256 bits in hex; null where \
            near-duplicates are not searched for";
        cam_height: u32, "cells",
            "rows of the map";
        cam_width: u32, "cells",
            "columns of the map";
        cam: Vec<f32>, "logit",
            "the signed map, row by row; mean + bias = logit";
    }
}

table! {
    /// One image, one class whose map was taken, and one region.
    RegionRow, "regions", {
        image_id: String, "",
            "as in images";
        label: String, "",
            "label in the dataset";
        target: String, "",
            "as in images";
        region: String, "",
            "name of the region in the pipeline, or `padding`";
        kind: String, "",
            "`confounder`, `object`, `overlay` or `padding`";
        present: Option<bool>, "",
            "whether it is present in the image; null without presence \
            information";
        area: Option<f64>, "fraction",
            "part of the view that the region takes; null where it is absent";
        visible: Option<f64>, "fraction",
            "part of the region that the model sees";
        share: Option<f64>, "fraction",
            "positive heat inside; null at low mass or where the region is out \
            of view";
        lift: Option<f64>, "ratio",
            "share / area";
        excess: Option<f64>, "fraction",
            "share - area";
        s_max: Option<f64>, "fraction",
            "the largest part of its own heat that one cell could give to the \
            region";
        rho: Option<f64>, "ratio",
            "share / s_max";
        contribution: Option<f64>, "logit",
            "mean over the view of the centred map inside the region; raw map \
            for sigmoid heads";
        relative_contribution: Option<f64>, "logit",
            "contribution to the target less its mean over the other classes";
        contrast: Option<f64>, "logit",
            "relative contribution less its mean over the mirrored places; \
            where the region is absent, at the place of another image that \
            shows it";
        resolution: Option<String>, "",
            "`ok`, or `sub_cell` under a quarter of a CAM cell: no claim about \
            place";
    }
}

table! {
    /// One image that was found and could not be scored.
    SkipRow, "skipped", {
        path: String, "",
            "path relative to the dataset's root";
        label: Option<String>, "",
            "label in the dataset, where it is known";
        stage: String, "",
            "stage at which it was skipped: walk, annotation, read, decode, \
            preprocess or infer";
        reason: String, "",
            "short code that stays the same from version to version";
        message: String, "",
            "cause, for people";
    }
}

table! {
    /// One problem of the annotations.
    ProblemRow, "problems", {
        path: Option<String>, "",
            "the image, where it belongs to one";
        code: String, "",
            "short code; all are in docs/formats.md";
        severity: String, "",
            "what was done: `ignore`, `skip` or `error`";
        place: String, "",
            "file and line";
        message: String, "",
            "what is wrong, for people";
        count: u32, "problems",
            "how many problems the row stands for: above 1 where so many are of \
            its kind that not all are listed";
    }
}

table! {
    /// One image of a group of near-duplicates, where the dataset names no group.
    DuplicateRow, "duplicates", {
        image_id: String, "",
            "as in images";
        group: String, "",
            "smallest image_id of the group";
    }
}

table! {
    /// One label and one region (or the object boxes): means over the maps of the label.
    ClassRow, "classes", {
        label: String, "",
            "label in the dataset";
        label_index: u32, "",
            "class of the label in the model";
        region: String, "",
            "name of the region; `object` stands for the object boxes, `border` \
            for the view's edge";
        kind: String, "",
            "`confounder`, `object`, `overlay`, `padding` or `border`";
        images: u32, "images",
            "images of the label that were scored";
        correct: u32, "images",
            "of these, predicted as the label";
        low_mass: u32, "images",
            "of these, with too little positive heat for shares";
        present: Option<u32>, "images",
            "images in which the region is present; null without presence \
            information";
        measured: u32, "images",
            "images that gave a share";
        share_mean: Option<f64>, "fraction",
            "mean share";
        share_counts: Vec<u32>, "images",
            "of these, images with a share in [0, 0.1), [0.1, 0.2) and so on to \
            [0.9, 1]";
        area_mean: Option<f64>, "fraction",
            "mean area over the same images";
        lift: Option<f64>, "ratio",
            "share_mean / area_mean";
        excess_mean: Option<f64>, "fraction",
            "mean excess";
        relative_contribution_mean: Option<f64>, "logit",
            "mean relative contribution";
        visible_mean: Option<f64>, "fraction",
            "mean part of the region that the model sees, where it is placed";
        unseen: u32, "images",
            "images in which the model sees too little of the region \
            (`scores.*_visible_min`)";
    }
}
