//! Formats with one annotation file an image. The first byte chooses: VOC, LabelMe, YOLO, masks.
#![no_main]
use camaudit::plan::Format;
use camaudit_fuzz::{own_panics_crash, put, read, set, split};

libfuzzer_sys::fuzz_target!(init: { own_panics_crash(); put("images/a.jpg", b"a"); }, |data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    let [file, names] = split(data);
    let (format, extension) = [(Format::Voc, "xml"), (Format::Labelme, "json"), (Format::Yolo, "txt"), (Format::Masks, "png")][usize::from(*first) % 4];
    put(&format!("{extension}/a.{extension}"), file);
    let mut plan = set(camaudit_fuzz::folder().join("images"), format);
    plan.annotations = Some(camaudit_fuzz::folder().join(extension));
    plan.names = matches!(format, Format::Yolo | Format::Masks).then(|| put("names/data.yaml", names));
    read(&plan);
});
