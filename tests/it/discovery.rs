//! Confounders that nobody declared, from outside: marks on drawn photos are found, and tested as
//! declared ones are.

use crate::support::{audit, camaudit, fixtures, page, plan, report_document, stderr};
use camaudit::finding::{Finding, FindingOrigin, ReviewDecision, Verdict};
use camaudit::tables::{DiscoveredRow, decode};
use image::{Rgb, RgbImage};
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

/// Left and top of the mark at its one place, in a photo of 64 x 64 pixels.
const PLACE: [u32; 2] = [16, 40];
/// Width and height of the mark: blocks of 8 x 8 pixels.
const MARK: [u32; 2] = [24, 16];
const PHOTO: u32 = 64;
/// Levels of noise, and the contrast of a photo, that hide its mark from the search.
const NOISE: f64 = 145.0;
const CONTRAST: f64 = 0.3;
/// Photos of the marked class, of which every second one is marked, and of each other class.
const MARKED_CLASS: u32 = 64;
const OTHER_CLASS: u32 = 16;

/// Random numbers in 0 .. 256.
struct Levels(u32);

impl Levels {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.0 >> 24)
    }
}

/// The colours of `fixtures/make_places.py`.
fn colour(class: u32) -> [f64; 3] {
    let bit = |shift: u32| if class >> shift & 1 == 1 { 0.7 } else { 0.3 };
    let parts = match class {
        8 => [0.5; 3],
        _ => [bit(2), bit(1), bit(0)],
    };
    parts.map(|part| 255.0 * part)
}

/// The mark: checkerboards, which the network looks for, an L above and a T below.
fn is_light(x: u32, y: u32) -> bool {
    let (column, row) = (x % 8, y % 8);
    match (x / 8, y / 8) {
        (1, 0) => (1..3).contains(&column) || (column >= 1 && row >= 6),
        (0, 1) => row < 2 || (3..5).contains(&column),
        _ => (column / 4 + row / 4).is_multiple_of(2),
    }
}

/// A photo of a class: its colour, blobs and noise, and a checkerboard where it is marked.
pub fn photo(class: u32, number: u32, mark: Option<[u32; 2]>) -> RgbImage {
    let mut levels = Levels(1 + 1_000 * class + number);
    let base = colour(class);
    let blobs: Vec<[f64; 4]> = (0..6)
        .map(|_| [0.25, 0.25, 0.04, 0.4].map(|scale| scale * levels.next()))
        .collect();
    RgbImage::from_fn(PHOTO, PHOTO, |x, y| {
        if let Some([left, top]) = mark {
            let (x, y) = (x.wrapping_sub(left), y.wrapping_sub(top));
            if x < MARK[0] && y < MARK[1] {
                return Rgb([if is_light(x, y) { 230 } else { 25 }; 3]);
            }
        }
        let mut blob = levels.next() / 12.0 - 10.0;
        for [left, top, radius, height] in &blobs {
            let (across, down) = (f64::from(x) - left, f64::from(y) - top);
            let radius = 3.0 + radius;
            let distance = (across * across + down * down) / (radius * radius);
            blob += (height - 50.0) * (-distance).exp();
        }
        Rgb(base.map(|part| (part + blob).clamp(0.0, 255.0) as u8))
    })
}

fn count(class: u32) -> u32 {
    if class == 2 {
        MARKED_CLASS
    } else {
        OTHER_CLASS
    }
}

/// Draws nine classes; every second photo of class 2 is marked where `mark` says.
pub fn draw(folder: &Path, mark: impl Fn(u32) -> Option<[u32; 2]> + Copy) {
    for class in 0..9 {
        draw_more(folder, class, 0..count(class), mark);
    }
}

pub fn draw_more(
    folder: &Path,
    class: u32,
    numbers: Range<u32>,
    mark: impl Fn(u32) -> Option<[u32; 2]>,
) {
    let of_class = folder.join(format!("photos/c{class}"));
    std::fs::create_dir_all(&of_class).expect("folder");
    for number in numbers {
        let is_marked = class == 2 && number.is_multiple_of(2);
        let mark = if is_marked { mark(number) } else { None };
        let file = of_class.join(format!("{number:03}.png"));
        photo(class, number, mark).save(file).expect("write");
    }
}

pub fn pipeline(folder: &Path, discovery: &str) -> String {
    let classes: Vec<String> = (0..9).map(|class| format!("c{class}")).collect();
    std::fs::write(folder.join("classes.txt"), classes.join("\n")).expect("write");
    format!(
        "[dataset]\nroot = {:?}\nnear_duplicates = false\n[model]\npath = {:?}\n\
         classes = \"classes.txt\"\n[preprocess]\npreset = \"zero-one\"\nsize = 64\n\
         [discovery]\nproperties = false\n{discovery}\n",
        folder.join("photos"),
        fixtures().join("models/places.onnx"),
    )
}

pub fn of_origin(findings: &[Finding], origin: FindingOrigin) -> Vec<&Finding> {
    findings.iter().filter(|f| f.origin == origin).collect()
}

pub fn at_one_place(_: u32) -> Option<[u32; 2]> {
    Some(PLACE)
}

#[test]
fn a_mark_at_one_place_is_found_and_confirmed() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path(), at_one_place);
    let text = pipeline(dir.path(), "patches = false");
    let outcome = audit(&plan(dir.path(), "places", &text, &[]));

    let findings = &outcome.summary.findings;
    let [place] = of_origin(findings, FindingOrigin::Fixed)[..] else {
        panic!("{findings:#?}");
    };
    assert!(place.region.starts_with("place-"), "{}", place.region);
    assert_eq!(place.label, "c2");
    assert_eq!(place.verdict, Verdict::Confirmed, "{place:#?}");

    let rows = rows(&outcome.folder);
    assert_marked(&rows);
    for row in &rows {
        assert_eq!(row.origin, "fixed");
        let edges = [row.left, row.top, row.right, row.bottom].map(|part| 64.0 * part);
        let expected = [16.0, 40.0, 40.0, 56.0];
        for (edge, expected) in edges.iter().zip(expected) {
            assert!((edge - expected).abs() <= 8.0, "{edges:?}");
        }
    }
}

/// Draws the mark of marked photos once more at another place.
fn mark_twice(folder: &Path, [left, top]: [u32; 2]) {
    for number in (0..MARKED_CLASS).filter(|number| number.is_multiple_of(2)) {
        let file = folder.join(format!("photos/c2/{number:03}.png"));
        let mut photo = image::open(&file).expect("a photo").to_rgb8();
        let [x, y] = PLACE;
        let mark = image::imageops::crop_imm(&photo, x, y, MARK[0], MARK[1]).to_image();
        image::imageops::replace(&mut photo, &mark, left.into(), top.into());
        photo.save(file).expect("write");
    }
}

/// As the sides of a frame.
#[test]
fn places_of_the_same_images_are_one_finding() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path(), at_one_place);
    mark_twice(dir.path(), [32, 8]);
    let text = pipeline(dir.path(), "patches = false");
    let outcome = audit(&plan(dir.path(), "places", &text, &[]));

    let findings = &outcome.summary.findings;
    let [place] = of_origin(findings, FindingOrigin::Fixed)[..] else {
        panic!("{findings:#?}");
    };
    assert_eq!(place.verdict, Verdict::Confirmed, "{place:#?}");
    assert_marked(&rows(&outcome.folder));
    let scope = outcome.summary.scope.join("\n");
    assert!(scope.contains("and is listed with it"), "{scope}");
    let page = page(&outcome.folder, 20_000_000);
    assert!(page.contains("the first of 2 places"), "no caption");
}

pub fn rows(run: &Path) -> Vec<DiscoveredRow> {
    decode(&run.join("discovered.parquet")).expect("rows")
}

/// All rows are marked photos, and nearly all marked photos have one.
fn assert_marked(rows: &[DiscoveredRow]) {
    for row in rows {
        let number: u32 = row.path[3..6].parse().expect("a number");
        let is_marked = row.path.starts_with("c2/") && number.is_multiple_of(2);
        assert!(is_marked, "{row:?}");
    }
    assert!(rows.len() >= 30, "{} of 32 marks", rows.len());
}

/// Places that differ from photo to photo, on the blocks that the network looks at.
fn moving(number: u32) -> Option<[u32; 2]> {
    Some([8 + 8 * (number / 2 % 4), 8 + 8 * (number / 2 * 3 % 5)])
}

fn patch(findings: &[Finding]) -> &Finding {
    let [patch] = of_origin(findings, FindingOrigin::Patch)[..] else {
        panic!("{findings:#?}");
    };
    patch
}

#[test]
fn a_mark_at_changing_places_is_found_and_confirmed_whatever_the_order() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path(), moving);
    let text = pipeline(dir.path(), "");
    let folder_run = audit(&plan(dir.path(), "one", &text, &["run.jobs=1"]));

    let found = patch(&folder_run.summary.findings);
    assert!(found.region.starts_with("patch-"), "{}", found.region);
    assert_eq!(found.label, "c2");
    assert_eq!(found.verdict, Verdict::Confirmed, "{found:#?}");
    let first = rows(&folder_run.folder);
    assert_marked(&first);
    for row in &first {
        let number: u32 = row.path[3..6].parse().expect("a number");
        let [left, top] = moving(number).expect("a mark").map(f64::from);
        let (x, y) = (64.0 * row.left, 64.0 * row.top);
        assert!((x - left).abs() <= 4.0 && (y - top).abs() <= 4.0, "{row:?}");
    }

    // Two threads: the same bytes.
    let threads = audit(&plan(dir.path(), "two", &text, &["run.jobs=2"]));
    for name in ["discovered.parquet", "findings.parquet", "patterns.json"] {
        let bytes = |run: &Path| std::fs::read(run.join(name)).expect("read");
        assert!(
            bytes(&folder_run.folder) == bytes(&threads.folder),
            "{name}"
        );
    }

    // The photos in another order, in shards of another size: the same rows and findings.
    let mut lines: Vec<String> = Vec::new();
    for class in 0..9 {
        lines.extend((0..count(class)).map(|n| format!("c{class}/{n:03}.png,c{class}")));
    }
    lines.sort_by_key(|line| blake3::hash(line.as_bytes()).to_hex().to_string());
    let manifest = format!("path,label\n{}\n", lines.join("\n"));
    std::fs::write(dir.path().join("manifest.csv"), manifest).expect("write");
    let shuffled = text.replace(
        "[model]",
        "format = \"csv\"\nmanifest = \"manifest.csv\"\n[model]",
    );
    let shuffled = plan(dir.path(), "three", &shuffled, &["run.shard_size=50"]);
    let shuffled = audit(&shuffled);
    assert_eq!(shuffled.summary.findings, folder_run.summary.findings);
    assert_eq!(rows(&shuffled.folder), first);
}

/// Two classes that show the same mark do not hide it from each other.
#[test]
fn a_mark_of_two_classes_is_found_in_both() {
    let dir = tempfile::tempdir().expect("folder");
    for class in 0..9 {
        draw_more(dir.path(), class, 0..MARKED_CLASS, moving);
    }
    for number in (0..MARKED_CLASS).step_by(2) {
        let file = dir.path().join(format!("photos/c5/{number:03}.png"));
        photo(5, number, moving(number)).save(file).expect("write");
    }
    let text = pipeline(dir.path(), "fixed = false");
    let outcome = audit(&plan(dir.path(), "shared", &text, &[]));

    let found = of_origin(&outcome.summary.findings, FindingOrigin::Patch);
    let labels: Vec<&str> = found.iter().map(|finding| finding.label.as_str()).collect();
    let names: BTreeSet<&str> = found
        .iter()
        .map(|finding| finding.region.as_str())
        .collect();
    assert_eq!(BTreeSet::from_iter(labels), BTreeSet::from(["c2", "c5"]));
    assert_eq!(names.len(), 1, "one picture: {names:?}");
    let rows = rows(&outcome.folder);
    for class in ["c2/", "c5/"] {
        let of_class = rows.iter().filter(|row| row.path.starts_with(class));
        assert!(of_class.count() >= 28, "{class}: of 32 marks");
    }
}

/// Every photo of class 2 shows the mark, but noise hides it in a third of them from the search. As
/// photos without the mark these would be the controls of its effect.
#[test]
fn marks_that_the_search_misses_are_unclear() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path(), moving);
    let mut levels = Levels(7);
    for number in 0..MARKED_CLASS {
        let mut photo = photo(2, number, moving(number));
        if number.is_multiple_of(3) {
            for level in photo.iter_mut() {
                let noise = NOISE * (levels.next() / 128.0 - 1.0);
                let faint = 128.0 + CONTRAST * (f64::from(*level) - 128.0);
                *level = (faint + noise).clamp(0.0, 255.0) as u8;
            }
        }
        let file = dir.path().join(format!("photos/c2/{number:03}.png"));
        photo.save(file).expect("write");
    }
    let text = pipeline(dir.path(), "fixed = false");
    let outcome = audit(&plan(dir.path(), "missed", &text, &[]));

    let patch = patch(&outcome.summary.findings);
    let counts = patch.confounder().expect("evidence").counts;
    let present = counts.present.expect("a count");
    assert!((38..=50).contains(&present), "{counts:?}");
    assert!((8..=26).contains(&counts.missed), "{counts:?}");
    assert!(
        counts.unclear >= counts.missed && patch.severity_at_least,
        "{patch:#?}"
    );
    let page = page(&outcome.folder, 20_000_000);
    let sentence = format!("of 64 c2 images (about {} more may show it)", counts.missed);
    assert!(page.contains(&sentence), "{sentence}");
    let note = format!(
        "{} further images of the class match the picture",
        counts.unclear
    );
    assert!(page.contains(&note), "{note}");
}

#[test]
fn a_patch_keeps_its_name_and_its_decision_when_photos_are_added() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path(), moving);
    let text = pipeline(dir.path(), "fixed = false") + "[review]\ndecisions = \"review.csv\"\n";
    let first = audit(&plan(dir.path(), "nights", &text, &[]));
    let name = patch(&first.summary.findings).region.clone();

    // The name is passed on, and not made of the content again.
    let patterns = first.folder.join("patterns.json");
    let kept = std::fs::read_to_string(&patterns).expect("read");
    std::fs::write(&patterns, kept.replace(&name, "patch-of-yesterday")).expect("write");
    std::fs::write(
        dir.path().join("review.csv"),
        "class,region,decision\nc2,patch-of-yesterday,confirm\n",
    )
    .expect("write");
    draw_more(dir.path(), 2, 64..67, moving);
    draw_more(dir.path(), 5, 16..18, moving);

    let second = audit(&plan(dir.path(), "nights", &text, &[]));
    let found = patch(&second.summary.findings);
    assert_eq!(found.region, "patch-of-yesterday");
    assert_eq!(found.review.decision, Some(ReviewDecision::Confirm));
    assert!(!found.review.open, "{found:#?}");
}

#[test]
fn damaged_patterns_of_the_last_run_name_nothing() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path(), moving);
    let text = pipeline(dir.path(), "fixed = false");
    let first = audit(&plan(dir.path(), "nights", &text, &[]));
    let name = patch(&first.summary.findings).region.clone();

    let file = first.folder.join("patterns.json");
    let text_of_patterns = std::fs::read_to_string(&file).expect("read");
    let mut patterns: serde_json::Value = serde_json::from_str(&text_of_patterns).expect("JSON");
    patterns["patterns"][0]["name"] = "patch-of-yesterday".into();
    patterns["patterns"][0]["width"] = 0.into();
    std::fs::write(&file, patterns.to_string()).expect("write");

    let second = audit(&plan(dir.path(), "nights", &text, &[]));
    assert_eq!(patch(&second.summary.findings).region, name);
}

/// What the report gives its scripts.
fn document(run: &Path) -> serde_json::Value {
    report_document(&page(run, 1_000_000))
}

#[test]
fn the_report_lists_the_images_and_its_lines_declare_the_patch() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path(), moving);
    let text = pipeline(dir.path(), "fixed = false");
    let run = audit(&plan(dir.path(), "found", &text, &[])).folder;

    let document = document(&run);
    // The rows have no figures of a region that was found, so that no command shows them.
    assert!(document["cards"][0]["gallery_sort"].is_null());
    let found = &document["cards"][0]["found"];
    let counts = found["counts"].as_array().expect("counts");
    assert_eq!(counts.len(), 2, "{counts:?}");
    assert_eq!(counts[0]["class"], "c2");
    assert_eq!(counts[0]["images"], 64);
    assert_eq!(counts[1]["class"], "8 other classes");
    assert_eq!(counts[1]["images"], 128);
    assert_eq!(counts[1]["present"], 0);

    let list = run.join(found["list"].as_str().expect("a list"));
    let name = document["cards"][0]["region"].as_str().expect("a name");
    let folder = run.display().to_string();
    let refused = camaudit(&["images", &folder, "--class", "c2", "--region", name]);
    assert_eq!(refused.status.code(), Some(2));
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(message.contains(&list.display().to_string()), "{message}");
    let list = std::fs::read_to_string(list).expect("the list");
    assert_eq!(list.lines().count(), 1 + rows(&run).len());
    assert!(list.starts_with("path,label,mining,left,"), "{list}");

    // As the page writes them, with the folder that it lies in.
    let folder = format!("\"{}/", run.display());
    let lines = found["lines"].as_array().expect("lines").iter();
    let lines: Vec<&str> = lines.map(|line| line.as_str().expect("a line")).collect();
    let lines = lines.join("\n");
    let lines = lines.replace("\"RUN/", &folder);
    let (head, _) = text.split_once("[discovery]").expect("the table");
    let declared = audit(&plan(dir.path(), "pasted", &format!("{head}{lines}"), &[]));
    let findings = &declared.summary.findings;
    let [finding] = of_origin(findings, FindingOrigin::Declared)[..] else {
        panic!("{findings:#?}");
    };
    assert_eq!(finding.verdict, Verdict::Confirmed, "{finding:#?}");
    let counts = finding.confounder().expect("a confounder").counts;
    let present = counts.present.expect("a count");
    assert!((30..=33).contains(&present), "{lines}{counts:?}");
    assert!(counts.others_present <= 1, "{lines}{counts:?}");
}

#[test]
fn a_patch_at_one_place_is_one_finding() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path(), at_one_place);
    let outcome = audit(&plan(dir.path(), "both", &pipeline(dir.path(), ""), &[]));
    let findings = &outcome.summary.findings;
    patch(findings);
    assert!(of_origin(findings, FindingOrigin::Fixed).is_empty());
    let scope = outcome.summary.scope.join("\n");
    assert!(scope.contains("1 fixed place is a patch"), "{scope}");
}

#[test]
fn without_marks_nothing_is_found_and_the_run_says_what_it_looked_at() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path(), |_| None);
    let outcome = audit(&plan(dir.path(), "clean", &pipeline(dir.path(), ""), &[]));
    assert!(rows(&outcome.folder).is_empty());
    let scope = outcome.summary.scope.join("\n");
    assert!(
        scope.contains("No repeated patch that tells a class in 192 sampled images of 9 classes"),
        "{scope}"
    );
    assert!(
        scope.contains("No fixed place with the same content in 192"),
        "{scope}"
    );

    // A run that looks for nothing says so.
    let says_heat_only = |warnings: &[String]| {
        let mut warnings = warnings.iter();
        warnings.any(|warning| warning.contains("can find nothing"))
    };
    assert!(!says_heat_only(&outcome.summary.warnings));
    let off = ["discovery.patches=false", "discovery.fixed=false"];
    let outcome = audit(&plan(dir.path(), "off", &pipeline(dir.path(), ""), &off));
    assert!(says_heat_only(&outcome.summary.warnings));
}

#[test]
fn a_second_night_finds_the_same_in_the_cache() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path(), at_one_place);
    let text = pipeline(dir.path(), "").replace("properties = false\n", "");
    let first = audit(&plan(dir.path(), "kept", &text, &[]));
    let again = audit(&plan(dir.path(), "kept", &text, &[]));
    let mut verifying = plan(dir.path(), "kept", &text, &[]);
    verifying.run.verify_cache = true;
    let verified = audit(&verifying);
    for night in [&again, &verified] {
        for name in ["discovered.parquet", "properties.parquet", "patterns.json"] {
            let bytes = |run: &Path| std::fs::read(run.join(name)).expect("read");
            assert!(bytes(&first.folder) == bytes(&night.folder), "{name}");
        }
        assert_eq!(first.summary.findings, night.summary.findings);
    }
}

#[test]
fn the_search_alone_finds_the_same_on_the_rows_of_a_run() {
    let dir = tempfile::tempdir().expect("folder");
    draw(dir.path(), at_one_place);
    let text = pipeline(dir.path(), "patches = false");
    let run = audit(&plan(dir.path(), "alone", &text, &[])).folder;

    let discover = |more: &[&str]| {
        let pipeline = dir.path().join("alone.toml").display().to_string();
        let out = format!("run.out={:?}", dir.path().join("reports"));
        let mut arguments = vec!["discover", &pipeline, "--set", &out];
        arguments.extend(more);
        camaudit(&arguments)
    };
    let name = &rows(&run)[0].region;
    for class in [&[][..], &["--class", "c2"]] {
        let output = discover(class);
        let table = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{:?}", stderr(&output));
        assert!(table.contains(name.as_str()), "{table}");
        assert!(table.contains("fixed"), "{table}");
        assert_eq!(rows(&run.join("discover")), rows(&run));
    }

    let output = discover(&["--class", "c3"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains(name.as_str()), "{text}");
    assert!(rows(&run.join("discover")).is_empty());
    let unknown = discover(&["--class", "c99"]);
    assert!(!unknown.status.success());
    assert!(
        stderr(&unknown).join("\n").contains("c99"),
        "{:?}",
        stderr(&unknown)
    );
    let none = discover(&["--set", "run.out=\"nowhere\""]);
    assert!(stderr(&none).join("\n").contains("no finished run"));
}
