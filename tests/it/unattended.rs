//! A run that nobody watches: its stderr, files and exit codes, and its limits.

use crate::support::{audit, demo_text, fixtures, parquet, plan, stderr, texts};
use camaudit::audit::Observer;
use camaudit::cache::Cache;
use camaudit::tables::SkipRow;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Three of four files are no images.
fn broken_set(folder: &Path) -> String {
    let set = folder.join("set/horse");
    std::fs::create_dir_all(&set).expect("set");
    for i in 0..4 {
        let from = if i == 0 {
            "horses/horse/horse000.jpg"
        } else {
            "odd/text.jpg"
        };
        std::fs::copy(fixtures().join(from), set.join(format!("{i}.jpg"))).expect("copy");
    }
    demo_text("shortcut.onnx").replace(
        &format!("{:?}", fixtures().join("horses")),
        &format!("{:?}", folder.join("set")),
    )
}

fn camaudit(folder: &Path, text: &str, more: &[&str]) -> Output {
    std::fs::write(folder.join("demo.toml"), text).expect("pipeline");
    let mut command = Command::new(env!("CARGO_BIN_EXE_camaudit"));
    command
        .current_dir(folder)
        .args(["run", "demo.toml"])
        .args(more)
        .output()
        .expect("started")
}

#[cfg(unix)]
#[test]
fn hook_metrics_and_log_report_a_broken_set() {
    let folder = tempfile::tempdir().expect("folder");
    let hook = "[run]\nmetrics = \"demo.prom\"\non_finish = [\"sh\", \"-c\", \"echo $CAMAUDIT_EXIT > called\"]\n";
    let text = broken_set(folder.path()) + hook;
    let output = camaudit(folder.path(), &text, &["--log", "json"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        std::fs::read_to_string(folder.path().join("called"))
            .expect("hook")
            .trim(),
        "3"
    );
    let metrics = std::fs::read_to_string(folder.path().join("demo.prom")).expect("metrics");
    assert!(
        metrics.contains("camaudit_exit_code{pipeline=\"demo\"} 3"),
        "{metrics}"
    );
    let lines = stderr(&output);
    let events: Vec<serde_json::Value> = lines
        .iter()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|_| panic!("not JSON: {l}")))
        .collect();
    let last = events.last().expect("an event");
    assert_eq!(
        (last["event"].as_str(), last["exit_code"].as_u64()),
        (Some("finish"), Some(3))
    );
}

#[cfg(unix)]
#[test]
fn a_hook_that_fails_does_not_hide_the_findings() {
    let folder = tempfile::tempdir().expect("folder");
    let text = demo_text("shortcut.onnx") + "[run]\non_finish = [\"false\"]\n";
    let found = camaudit(folder.path(), &text, &["--fail-on", "confirmed", "--quiet"]);
    assert_eq!(found.status.code(), Some(1), "{:?}", stderr(&found));
    assert!(
        stderr(&found)
            .iter()
            .any(|l| l.contains("run.on_finish (false) ended")),
        "{:?}",
        stderr(&found)
    );
    let calm = camaudit(folder.path(), &text, &["--quiet"]);
    assert_eq!(calm.status.code(), Some(2), "{:?}", stderr(&calm));
    // The command is called although the metrics cannot be written; the JSON log has the warning.
    let text = demo_text("shortcut.onnx")
        + "[run]\nmetrics = \"/dev/null/x.prom\"\non_finish = [\"touch\", \"called\"]\n";
    let found = camaudit(
        folder.path(),
        &text,
        &["--fail-on", "confirmed", "--log", "json"],
    );
    assert_eq!(found.status.code(), Some(1), "{:?}", stderr(&found));
    assert!(folder.path().join("called").is_file());
    assert!(
        stderr(&found)
            .iter()
            .any(|l| l.contains("\"warning\"") && l.contains("run.metrics")),
        "{:?}",
        stderr(&found)
    );
}

#[test]
fn the_last_line_says_what_happened() {
    let folder = tempfile::tempdir().expect("folder");
    let text = demo_text("shortcut.onnx");
    let last = |output: &Output| stderr(output).pop().expect("a line");
    let calm = camaudit(folder.path(), &text, &["--quiet"]);
    assert_eq!(
        last(&calm),
        "camaudit: demo: 400 of 400 images scored; top-1 91.5 %; 1 open finding, confirmed"
    );
    let found = camaudit(folder.path(), &text, &["--quiet", "--fail-on", "confirmed"]);
    assert_eq!(
        last(&found),
        "camaudit: 1 finding is at or above confirmed (--fail-on)"
    );
}

/// A decoder that takes too long is left behind; the next image gets a new one.
#[test]
fn an_image_that_takes_too_long_is_a_skip() {
    let folder = tempfile::tempdir().expect("folder");
    let text = a_large_photo_between_small_ones(folder.path());
    let run = audit(&plan(
        folder.path(),
        "slow",
        &text,
        &["run.image_seconds=0.4", "run.max_skipped=0.5", "run.jobs=1"],
    ));
    let skipped = parquet(&run.folder.join("skipped.parquet"));
    assert_eq!(
        (texts(&skipped, "path"), texts(&skipped, "reason")),
        (vec!["horse/large.png".into()], vec!["timeout".into()])
    );
    assert_eq!(run.record.facts.counts.scored, 2);
}

/// A run that is asked to stop does not wait for a decoder.
#[test]
fn a_stop_does_not_wait_for_an_image() {
    struct Impatient(Instant);
    impl Observer for Impatient {
        fn stage(&self, _: &str, _: Option<usize>) {}
        fn image(&self, _: Option<&SkipRow>) {}
        fn warning(&self, _: &str) {}
        fn stopped(&self) -> bool {
            self.0.elapsed() > Duration::from_millis(500)
        }
    }
    let folder = tempfile::tempdir().expect("folder");
    let text = a_large_photo_between_small_ones(folder.path());
    let start = Instant::now();
    let photo = std::fs::read(folder.path().join("set/horse/large.png")).expect("photo");
    camaudit::input::decode(&photo).expect("a photo");
    let decoding = start.elapsed();
    let plan = plan(folder.path(), "stop", &text, &["run.jobs=1"]);
    let start = Instant::now();
    let Err(error) = camaudit::audit::run(&plan, &Impatient(start)) else {
        panic!("it was asked to stop")
    };
    assert!(error.is_interruption(), "{error}");
    assert!(
        start.elapsed() < decoding,
        "{:?}, and the photo alone takes {decoding:?}",
        start.elapsed()
    );
}

/// The demo's pipeline on three photos, of which the second takes long to decode.
fn a_large_photo_between_small_ones(folder: &Path) -> String {
    let set = folder.join("set/horse");
    std::fs::create_dir_all(&set).expect("set");
    image::RgbImage::from_fn(13_000, 13_000, |x, y| {
        image::Rgb([(x * y % 251) as u8, (x ^ y) as u8, (x + y) as u8])
    })
    .save(set.join("large.png"))
    .expect("a large photo");
    for name in ["a.jpg", "z.jpg"] {
        std::fs::copy(fixtures().join("horses/horse/horse000.jpg"), set.join(name)).expect("copy");
    }
    demo_text("shortcut.onnx").replace(
        &format!("{:?}", fixtures().join("horses")),
        &format!("{:?}", folder.join("set")),
    )
}

#[cfg(target_os = "linux")]
#[test]
fn workers_fit_into_the_memory_that_is_allowed() {
    let folder = tempfile::tempdir().expect("folder");
    let text = demo_text("shortcut.onnx");
    let none = camaudit(folder.path(), &text, &["--memory", "20MiB"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(
        stderr(&none).iter().any(|l| l.contains("one worker")),
        "{:?}",
        stderr(&none)
    );
    let fewer = camaudit(
        folder.path(),
        &text,
        &["--memory", "400MiB", "--jobs", "64", "--quiet"],
    );
    assert_eq!(fewer.status.code(), Some(0), "{:?}", stderr(&fewer));
    assert!(
        stderr(&fewer).iter().any(|l| l.contains("of 64 workers")),
        "{:?}",
        stderr(&fewer)
    );
}

/// A value out of range is a problem of the pipeline, never a panic.
#[test]
fn times_out_of_range_are_problems() {
    let folder = tempfile::tempdir().expect("folder");
    for value in ["-1", "nan", "1e300"] {
        let output = camaudit(
            folder.path(),
            &demo_text("shortcut.onnx"),
            &["--set", &format!("run.image_seconds={value}")],
        );
        assert_eq!(
            output.status.code(),
            Some(2),
            "{value}: {:?}",
            stderr(&output)
        );
        assert!(
            stderr(&output)
                .iter()
                .any(|l| l.contains("run.image_seconds")),
            "{:?}",
            stderr(&output)
        );
    }
}

/// Bits of the cache flip on the disk: entries are lost, but there is no wrong number and no panic.
#[test]
fn a_cache_that_is_damaged_anywhere_does_no_harm() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("cache.redb");
    let entries: Vec<(String, Vec<f32>)> = (0..2000)
        .map(|i| (format!("input {i}"), vec![i as f32; 50]))
        .collect();
    let open = || Cache::open(&file, &["a model"]);
    open().0.expect("a new cache").keep_logits(&entries, &[]);
    let sound = std::fs::read(&file).expect("cache");
    let mut rng = 7_u64;
    let mut next = |below: usize| {
        rng = rng
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (rng >> 33) as usize % below
    };
    let (mut known, mut begun_anew) = (0, 0);
    for _ in 0..100 {
        let mut damaged = sound.clone();
        (0..60).for_each(|_| damaged[next(sound.len())] ^= 1 << next(8));
        std::fs::write(&file, damaged).expect("cache");
        let (cache, warning) = open();
        let Some(mut cache) = cache else {
            panic!("a damaged cache is moved aside, and there is another: {warning:?}")
        };
        for (input, logits) in &entries {
            let cached = cache.logits(input);
            assert!(
                cached.is_none() || cached.as_ref() == Some(logits),
                "{input}: {cached:?}"
            );
            known += usize::from(cached.is_some());
        }
        cache.keep_logits(&entries, &[]);
        cache.evict(200_000);
        let failed = cache.failure().is_some();
        drop(cache);
        assert!(
            !failed || !file.exists(),
            "a run that noticed the damage leaves it to no other"
        );
        begun_anew += usize::from(failed);
    }
    assert!(
        known > 1000 && begun_anew > 0,
        "known {known}, begun anew {begun_anew}"
    );
}

/// What an observer is told of a stage without a total.
#[derive(Default, Clone)]
struct Told {
    stage: String,
    /// Photos known to be ahead, and done.
    photos: [usize; 2],
    parts: usize,
    parts_done: usize,
}

#[derive(Default)]
struct Recorder(std::sync::Mutex<Vec<Told>>);

impl Recorder {
    fn change(&self, change: impl Fn(&mut Told)) {
        if let Some(told) = self.0.lock().expect("record").last_mut() {
            change(told);
        }
    }
}

impl Observer for Recorder {
    fn stage(&self, name: &str, _: Option<usize>) {
        let stage = name.to_owned();
        self.0.lock().expect("record").push(Told {
            stage,
            ..Told::default()
        });
    }

    fn ahead(&self, items: usize) {
        self.change(|told| told.photos[0] += items);
    }

    fn step(&self) {
        self.change(|told| told.photos[1] += 1);
    }

    fn parts(&self, total: usize, _: &'static str) {
        self.change(|told| told.parts = total);
    }

    fn part_done(&self) {
        self.change(|told| told.parts_done += 1);
    }

    fn image(&self, _: Option<&SkipRow>) {}
    fn warning(&self, _: &str) {}
}

/// The totals of a progress bar are those of the work: every photo and part ahead is done.
#[test]
fn progress_ends_where_its_totals_say() {
    let folder = tempfile::tempdir().expect("folder");
    let picture = image::RgbaImage::from_pixel(8, 8, image::Rgba([255, 0, 0, 255]));
    picture
        .save(folder.path().join("stamp.png"))
        .expect("picture");
    let text = demo_text("shortcut.onnx")
        + "[[region]]\nname = \"stamp\"\noverlay = { picture = \"stamp.png\" }\n"
        + "[verdict]\nhosts_max = 8\n[discovery]\nproperties = true\n";
    let plan = plan(folder.path(), "bar", &text, &["run.limit=100"]);
    let recorder = Recorder::default();
    camaudit::audit::run(&plan, &recorder).unwrap_or_else(|e| panic!("{e}"));

    let told = recorder.0.into_inner().expect("record");
    for name in ["experiments", "discover", "pictures"] {
        let stage = told.iter().find(|told| told.stage == name).expect(name);
        assert!(stage.photos[0] > 0, "{name}: nothing is ahead");
        assert_eq!(stage.photos[0], stage.photos[1], "{name}: photos");
        // The search tests what it finds; nobody knows before how many.
        if name != "discover" {
            assert_eq!(stage.parts, stage.parts_done, "{name}: parts");
        }
    }
    let experiments = told.iter().find(|told| told.stage == "experiments");
    assert!(
        experiments.is_some_and(|told| told.parts >= 2),
        "an overlay, the surroundings"
    );
    let pictures = told.iter().find(|told| told.stage == "pictures");
    assert!(pictures.is_some_and(|told| told.parts >= 3), "the classes");
}
