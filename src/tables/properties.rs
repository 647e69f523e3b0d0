//! `properties.parquet`: one row per image of the sample in which properties were searched; and the
//! columns of `findings.parquet` that are about properties.

use super::columns::table;
use super::findings::FindingRow;
use crate::finding::{FileProperty, PropertyEvidence, PropertyTrial};
use crate::input::FileProperties;

table! {
    /// One image of the sample in which properties were searched.
    PropertyRow, "properties", {
        image_id: String, "",
            "as in images";
        path: String, "",
            "path relative to the dataset's root";
        label: String, "",
            "label in the dataset";
        label_index: u32, "",
            "class of the label in the model";
        width: Option<f64>, "px",
            "width of the photo, upright unless `preprocess.exif = \"ignore\"`";
        height: Option<f64>, "px",
            "height of it";
        aspect: Option<f64>, "ratio",
            "width / height";
        megapixels: Option<f64>, "megapixels",
            "width * height / 1e6";
        format: Option<String>, "",
            "`JPEG`, `PNG`, `WEBP`, `BMP`, `TIFF` or `GIF`, by content";
        has_exif: Option<String>, "",
            "`yes` or `no`";
        exif_orientation: Option<String>, "",
            "1 to 8";
        camera_make: Option<String>, "",
            "EXIF Make";
        software: Option<String>, "",
            "EXIF Software without digits";
        name_prefix: Option<String>, "",
            "letters that the file name begins with";
        folder: Option<String>, "",
            "folders of the path but those called as the label";
        jpeg_quality: Option<f64>, "",
            "quality whose standard luma table is nearest, 1 to 100";
        jpeg_standard_table: Option<String>, "",
            "whether the luma table is that one";
        jpeg_table_sum: Option<f64>, "",
            "sum of the luma table";
        chroma_subsampling: Option<String>, "",
            "`4:4:4`, `4:2:2`, `4:2:0`, `4:4:0`, `4:1:1` or `other`";
        progressive: Option<String>, "",
            "whether the JPEG is progressive";
        bytes_per_pixel: Option<f64>, "byte",
            "size of the file / number of pixels";
        blockiness: Option<f64>, "log level",
            "how much steps between pixels stand out at one of 8 phases";
        luma_mean: Option<f64>, "level",
            "mean luma, 0 to 255";
        luma_sd: Option<f64>, "level",
            "its standard deviation";
        dark_share: Option<f64>, "fraction",
            "pixels with luma under 16";
        light_share: Option<f64>, "fraction",
            "pixels with luma over 239";
        saturation: Option<f64>, "level",
            "mean of the largest less the smallest channel";
        grey: Option<String>, "",
            "whether that is under 12 in 99 % of the pixels";
        grey_file: Option<String>, "",
            "whether a JPEG or PNG has one channel";
        red_minus_green: Option<f64>, "level",
            "mean of red less green";
        blue_minus_green: Option<f64>, "level",
            "mean of blue less green";
        sharpness: Option<f64>, "log level^2",
            "log variance of the Laplacian on the centre 512 pixels";
        sharpness_224: Option<f64>, "log level^2",
            "the same on the photo resized to 224 x 224";
        fine_detail: Option<f64>, "log ratio",
            "sharpness less that at half resolution";
        noise: Option<f64>, "log level",
            "log SD of the noise by Immerkaer's kernel, on the centre";
        border_top: Option<f64>, "fraction",
            "constant border at the top, at most 0.35";
        border_bottom: Option<f64>, "fraction",
            "the same at the bottom";
        border_left: Option<f64>, "fraction",
            "the same at the left";
        border_right: Option<f64>, "fraction",
            "the same at the right";
        ring_sd: Option<f64>, "level",
            "standard deviation of the outermost pixels, mean of the channels";
        ring_mean: Option<f64>, "level",
            "their mean where the standard deviation is under 20";
    }
}

impl PropertyRow {
    /// The row of an image.
    pub fn new(
        image_id: String,
        label: String,
        label_index: u32,
        path: String,
        file: &FileProperties,
    ) -> Self {
        let number = |property| file.of_number(property);
        let level = |property| file.of_level(property).map(str::to_owned);
        Self {
            image_id,
            path,
            label,
            label_index,
            width: number(FileProperty::Width),
            height: number(FileProperty::Height),
            aspect: number(FileProperty::Aspect),
            megapixels: number(FileProperty::Megapixels),
            format: level(FileProperty::Format),
            has_exif: level(FileProperty::HasExif),
            exif_orientation: level(FileProperty::ExifOrientation),
            camera_make: level(FileProperty::CameraMake),
            software: level(FileProperty::Software),
            name_prefix: level(FileProperty::NamePrefix),
            folder: level(FileProperty::Folder),
            jpeg_quality: number(FileProperty::JpegQuality),
            jpeg_standard_table: level(FileProperty::JpegStandardTable),
            jpeg_table_sum: number(FileProperty::JpegTableSum),
            chroma_subsampling: level(FileProperty::ChromaSubsampling),
            progressive: level(FileProperty::Progressive),
            bytes_per_pixel: number(FileProperty::BytesPerPixel),
            blockiness: number(FileProperty::Blockiness),
            luma_mean: number(FileProperty::LumaMean),
            luma_sd: number(FileProperty::LumaSd),
            dark_share: number(FileProperty::DarkShare),
            light_share: number(FileProperty::LightShare),
            saturation: number(FileProperty::Saturation),
            grey: level(FileProperty::Grey),
            grey_file: level(FileProperty::GreyFile),
            red_minus_green: number(FileProperty::RedGreen),
            blue_minus_green: number(FileProperty::BlueGreen),
            sharpness: number(FileProperty::Sharpness),
            sharpness_224: number(FileProperty::SharpnessSmall),
            fine_detail: number(FileProperty::FineDetail),
            noise: number(FileProperty::Noise),
            border_top: number(FileProperty::BorderTop),
            border_bottom: number(FileProperty::BorderBottom),
            border_left: number(FileProperty::BorderLeft),
            border_right: number(FileProperty::BorderRight),
            ring_sd: number(FileProperty::RingSd),
            ring_mean: number(FileProperty::RingMean),
        }
    }
}

impl FindingRow {
    /// The row with the evidence about a property.
    pub(super) fn with_property(self, evidence: Option<&PropertyEvidence>) -> Self {
        let Some(evidence) = evidence else {
            return self;
        };
        let a = &evidence.association;
        let row = Self {
            in_class_present: Some(a.in_class.present),
            in_class_groups: Some(a.in_class.groups),
            others_present: Some(a.in_others.present),
            others_groups: Some(a.in_others.groups),
            association: Some(a.difference.value),
            association_low: Some(a.difference.low),
            association_high: Some(a.difference.high),
            worst_other: Some(a.worst_other),
            association_p: Some(a.p),
            association_q: Some(a.q),
            feature_auc: evidence.visible,
            ..self
        };
        row.with_trial(&evidence.test)
    }

    fn with_trial(self, test: &PropertyTrial) -> Self {
        match test {
            PropertyTrial::NotTested(reason) => Self {
                not_tested_reason: Some(reason.to_string()),
                ..self
            },
            PropertyTrial::Tested { change, usage } => Self {
                hosts: Some(usage.hosts),
                insertion: Some(usage.rise),
                insertion_control: usage.against.map(|against| against.sham.name().to_owned()),
                flips: Some(usage.predicted[0]),
                control_flips: Some(usage.predicted[1]),
                flip_rate: Some(usage.rate.value),
                flip_low: Some(usage.rate.low),
                flip_high: Some(usage.rate.high),
                largest_shift: Some(usage.moves_most),
                causal_min_effect: Some(usage.min_effect),
                change: Some(change.clone()),
                change_part: Some(usage.part_of_change),
                change_t: usage.against.map(|against| against.t),
                ..self
            },
        }
    }
}
