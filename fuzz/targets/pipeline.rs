//! The pipeline file, with an override.
#![no_main]
use camaudit_fuzz::{own_panics_crash, put, split};

libfuzzer_sys::fuzz_target!(init: { own_panics_crash(); put("images/x/a.jpg", b"a"); put("m.onnx", b""); }, |data: &[u8]| {
    let [file, over] = split(data);
    let file = put("pipeline.toml", file);
    let over: Vec<String> = String::from_utf8(over.to_vec()).ok().filter(|s| !s.is_empty()).into_iter().collect();
    if let Err(e) = camaudit::plan::Plan::load(&file, &over) {
        assert!(!e.to_string().is_empty());
    }
});
