//! `concepts.parquet` and `heat_clusters.parquet`: what the features of the classes are made of,
//! and images whose heat lies alike.

use super::columns::table;

table! {
    /// One concept of one class.
    ConceptRow, "concepts", {
        label: String, "",
            "class, as in `findings`";
        label_index: u32, "",
            "class of the label in the model";
        concept: u32, "",
            "its number, from 1, in the order in which it is shown";
        ordered_by: String, "",
            "`outside_objects`: by `outside`, those that speak against the class last; \
            `right_less_wrong`: by that column; `unordered`: by `share`, which tells no artefact";
        images: u32, "",
            "sampled images of the class, whose features are the concepts";
        others: u32, "",
            "images of other classes that are compared";
        presence: f64, "",
            "mean activation over cells and images";
        presence_elsewhere: Option<f64>, "",
            "the same in images of other classes";
        high_elsewhere: Option<f64>, "fraction",
            "images of other classes with at least the presence that a tenth of the class's have";
        contribution: f64, "logit",
            "mean of presence * (weights of the class less the mean of all classes) . direction";
        share: f64, "fraction",
            "contribution / the sum of the positive contributions of the class's concepts";
        outside: Option<f64>, "fraction",
            "activation outside the objects, in images with objects; null with under 20 of them";
        right_less_wrong: Option<f64>, "fraction",
            "mean contribution of held-out images that are right less that of wrong ones, divided \
            as `share`; null with under 5 right or 15 wrong";
        explained: f64, "fraction",
            "squared features that the concepts of the class make up";
        residual_share: f64, "fraction",
            "part of the residual in the logit of an image, signs left out: the median";
        cell_level: f64, "",
            "activation from which a cell shows the concept: half of the median of the largest of \
            the strongest images";
        strongest: String, "",
            "ids of the at most ten images with the most presence, as in `images`, separated by \
            blanks";
        strongest_cells: Vec<f32>, "",
            "activations of their cells, row by row, one image behind the other";
    }
}

table! {
    /// One image of a class in the cluster of its heat.
    HeatClusterRow, "heat_clusters", {
        label: String, "",
            "class, as in `findings`";
        label_index: u32, "",
            "class of the label in the model";
        cluster: u32, "",
            "its number, from 1: the largest first";
        image_id: String, "",
            "as in `images`";
        correct: bool, "",
            "the model predicts the label";
    }
}
