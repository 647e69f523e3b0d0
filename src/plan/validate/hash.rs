//! Hashes of a pipeline's meaning, to tell which runs can be compared.

use crate::plan::file::{
    PipelineFile, ReportFile, RetentionFile, ReviewFile, RunFile, VerdictFile,
};
use crate::plan::types::Region;

/// BLAKE3 hashes of a pipeline, in hex.
pub struct Hashes {
    /// Of everything that decides a result.
    pub audit: String,
    /// Of what decides the measured rows.
    pub measure: String,
}

/// Hashes a pipeline with the contents of the files that it names: class names and pictures.
pub fn hashes(mut file: PipelineFile, class_names: &[String], regions: &[Region]) -> Hashes {
    file.retention = RetentionFile::default();
    file.run = RunFile {
        jobs: None,
        out: None,
        cache_gb: None,
        memory_gb: None,
        metrics: None,
        on_finish: None,
        max_drop: None,
        ..file.run
    };
    let audit = hash(&file, class_names, regions);

    // These two decide which images are compared with which classes, and so the rows.
    file.verdict = VerdictFile {
        tagged_min: file.verdict.tagged_min,
        baseline_min: file.verdict.baseline_min,
        ..VerdictFile::default()
    };
    file.discovery = None;
    file.report = ReportFile::default();
    file.review = ReviewFile::default();
    // The rows are the same for any shard size, and `max_skipped` only decides the exit code.
    file.run = RunFile {
        shard_size: None,
        max_skipped: None,
        ..file.run
    };
    let measure = hash(&file, class_names, regions);

    Hashes { audit, measure }
}

fn hash(file: &PipelineFile, class_names: &[String], regions: &[Region]) -> String {
    let mut hasher = blake3::Hasher::new();
    // Without JSON the debug text, so that two pipelines never share a hash by failing.
    let text = serde_json::to_vec(file).unwrap_or_else(|_| format!("{file:?}").into_bytes());
    hasher.update(&text);
    for name in class_names {
        hasher.update(name.as_bytes()).update(b"\n");
    }
    for region in regions {
        hasher.update(region.hash.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
