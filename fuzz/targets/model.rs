//! The ONNX graph: from bytes to trunk, pool and head.
#![no_main]
use camaudit::model::{Model, Options};
use camaudit_fuzz::{own_panics_crash, put};

libfuzzer_sys::fuzz_target!(init: own_panics_crash(), |data: &[u8]| {
    let file = put("model.onnx", data);
    let _ = Model::load(&file, &Options::default());
});
