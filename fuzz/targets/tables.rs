//! Formats with one file for all images. The first byte chooses: COCO, Open Images, LOC, WSOL, manifests, boxes, label table.
#![no_main]
use camaudit::plan::Format;
use camaudit_fuzz::{folder, own_panics_crash, put, read, set, split};

libfuzzer_sys::fuzz_target!(init: { own_panics_crash(); put("images/a.jpg", b"a"); }, |data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    let [one, two, three] = split(data);
    let mut plan = set(folder().join("images"), Format::Folder);
    match first % 8 {
        0 => (plan.format, plan.annotations) = (Format::Coco, Some(put("coco.json", data))),
        1 => {
            (plan.format, plan.annotations) = (Format::OpenImages, Some(put("open.csv", one)));
            plan.names = Some(put("descriptions.csv", two));
        }
        2 => (plan.format, plan.annotations) = (Format::ImagenetLoc, Some(put("loc.csv", data))),
        3 => {
            put("wsol/class_labels.txt", one);
            put("wsol/image_sizes.txt", two);
            put("wsol/localization.txt", three);
            (plan.format, plan.annotations) = (Format::Wsol, Some(folder().join("wsol")));
        }
        4 => (plan.format, plan.manifest) = (Format::Csv, Some(put("manifest.csv", data))),
        5 => (plan.format, plan.manifest) = (Format::Tsv, Some(put("manifest.tsv", data))),
        7 => {
            plan.label = Some(camaudit::plan::LabelRule::Table);
            plan.label_table = Some(put("labels.csv", data));
        }
        _ => {
            plan.root = folder().join("classes");
            put("classes/x/a.jpg", b"a");
            plan.boxes = Some(put("boxes.csv", data));
        }
    }
    read(&plan);
});
