//! Formats that hold the images inside. The first byte chooses: tar shards, Parquet with images, Parquet manifest.
#![no_main]
use camaudit::plan::Format;
use camaudit_fuzz::{folder, own_panics_crash, put, read, set};

libfuzzer_sys::fuzz_target!(init: own_panics_crash(), |data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    let plan = match first % 3 {
        0 => {
            put("tar/0.tar", data);
            set(folder().join("tar"), Format::Webdataset)
        }
        1 => {
            put("parquet/0.parquet", data);
            set(folder().join("parquet"), Format::ParquetImages)
        }
        _ => {
            let mut plan = set(folder().to_path_buf(), Format::Parquet);
            plan.manifest = Some(put("manifest.parquet", data));
            plan
        }
    };
    read(&plan);
});
