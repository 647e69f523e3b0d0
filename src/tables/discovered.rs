//! `discovered.parquet`: where found patches and fixed places are.

use super::columns::table;

table! {
    /// One found patch or fixed place in one image that shows it.
    DiscoveredRow, "discovered", {
        region: String, "",
            "name of the found region, as in `findings`";
        origin: String, "",
            "`patch`: a repeated picture; `fixed`: what is shown at one place of the \
            model's input";
        image_id: String, "",
            "as in `images`";
        path: String, "",
            "path relative to the dataset's root";
        label: String, "",
            "label in the dataset";
        label_index: u32, "",
            "class of the label in the model";
        mining: bool, "",
            "the image is of the half that was searched; else of the half in \
            which the found was tested";
        left: f64, "fraction",
            "left edge of the place in the upright photo; of several places the first one";
        top: f64, "fraction",
            "top edge";
        right: f64, "fraction",
            "right edge";
        bottom: f64, "fraction",
            "bottom edge";
        score: f64, "",
            "correlation with the found picture, at most 1";
        weak: bool, "",
            "the correlation is below 0.65";
    }
}
