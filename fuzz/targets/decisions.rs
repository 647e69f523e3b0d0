//! The decisions of reviewers: `review.csv`.
#![no_main]
use camaudit::runs::review;
use camaudit_fuzz::{own_panics_crash, put};

libfuzzer_sys::fuzz_target!(init: own_panics_crash(), |data: &[u8]| {
    let file = put("review.csv", data);
    match review::read(&file) {
        Ok(decisions) => assert!(decisions.len() <= data.len()),
        Err(e) => assert!(e.to_string().contains("review.csv")),
    }
});
