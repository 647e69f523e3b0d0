//! What people are shown, what they decide, and what becomes of it on the next night.

use crate::support::{audit, demo_text, fixtures, json, numbers, parquet, plan, texts};
use camaudit::plan::Retention;
use camaudit::record::FindingRow;
use camaudit::report::review::{self, Decision};
use camaudit::report::{Night, RunRecord, diff, gallery, index, nights, page};
use camaudit::store;
use std::collections::BTreeMap;
use std::path::Path;

fn finding(verdict: &str, effect: f64) -> FindingRow {
    FindingRow {
        label: "horse".into(),
        region: "tag".into(),
        verdict: verdict.into(),
        effect: Some(effect),
        flip_low: Some(effect - 0.05),
        flip_high: Some(effect + 0.05),
        open: true,
        ..FindingRow::default()
    }
}

#[test]
fn the_page_is_made_of_the_run_folder_alone_and_names_nothing_outside() {
    let folder = tempfile::tempdir().expect("folder");
    let outcome = audit(&plan(
        folder.path(),
        "page",
        &demo_text("shortcut.onnx"),
        &[],
    ));
    let written = std::fs::read_to_string(outcome.folder.join("report.html")).expect("page");
    assert_eq!(
        page(&outcome.folder, 20_000_000).expect("page"),
        written,
        "made again"
    );
    for outside in [
        "http:", "https:", "src=\"/", "href=\"/", "style=\"", "onclick",
    ] {
        assert!(!written.contains(outside), "{outside}");
    }
    assert!(written.matches("data:image/jpeg").count() > 20);
    let small = page(&outcome.folder, 30_000).expect("page");
    assert!(
        small.len() < 30_000 + 80_000 && small.contains("beyond the budget"),
        "{}",
        small.len()
    );
    std::fs::remove_dir_all(outcome.folder.join("pictures")).expect("pictures");
    assert!(
        page(&outcome.folder, 20_000_000)
            .expect("page")
            .contains("pictures are no longer there")
    );
}

#[test]
fn no_pixel_leaves_a_set_that_forbids_it() {
    let folder = tempfile::tempdir().expect("folder");
    let outcome = audit(&plan(
        folder.path(),
        "page",
        &demo_text("shortcut.onnx"),
        &["report.pictures=none"],
    ));
    assert!(!outcome.folder.join("pictures").exists());
    assert!(
        !std::fs::read_to_string(outcome.folder.join("report.html"))
            .expect("page")
            .contains("data:image")
    );
}

/// Names from a dataset are text: quotes, tags, newlines and marks that turn the writing around.
#[test]
fn hostile_names_are_shown_as_text() {
    let folder = tempfile::tempdir().expect("folder");
    let (set, names) = (
        folder.path().join("set"),
        ["<img src=x onerror=alert(1)>", "a\"b'c&d", "x\u{202e}gnp"],
    );
    for (i, name) in names.iter().enumerate() {
        std::fs::create_dir_all(set.join(name)).expect("class");
        for k in 0..2 {
            let from = fixtures().join(format!("horses/car/car{:03}.jpg", 2 * i + k));
            std::fs::copy(from, set.join(name).join(format!("{k}.jpg"))).expect("photo");
        }
    }
    let text = format!(
        "[dataset]\nroot = {set:?}\n[model]\npath = {:?}\n[preprocess]\npreset = \"zero-one\"\nsize = 64\n\
         [[region]]\nname = \"</script><b>\"\ncorner = {{ at = \"top-left\", width = 0.2, height = 0.2 }}\n",
        fixtures().join("models/shortcut.onnx")
    );
    let outcome = audit(&plan(folder.path(), "hostile", &text, &[]));
    let page = std::fs::read_to_string(outcome.folder.join("report.html")).expect("page");
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
    for raw in ["<img src=x", "</script><b>", "\u{202e}"] {
        assert!(!page.contains(raw), "{raw:?}");
    }
}

#[test]
fn a_decided_finding_is_folded_and_comes_back_when_the_evidence_grows() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("review.csv");
    let night = |set: &[&str]| {
        let text = demo_text("shortcut.onnx") + &format!("[review]\ndecisions = {file:?}\n");
        audit(&plan(folder.path(), "review", &text, set))
    };
    let first = night(&[]);
    assert_eq!(
        (first.summary.at_or_above("candidate"), first.new_confirmed),
        (1, 1),
        "open without a decision"
    );
    let findings = parquet(&first.folder.join("findings.parquet"));
    assert_eq!(texts(&findings, "verdict")[0], "confirmed");
    let mut decided = vec![Decision {
        class: "horse".into(),
        region: "source-tag".into(),
        decision: "confirm".into(),
        note: "known, \"really\"".into(),
        verdict: "confirmed".into(),
        effect: Some(0.9),
        unit: "fraction".into(),
        declared: texts(&findings, "declared")[0].clone(),
        expires: String::new(),
    }];
    review::write(&file, &mut decided).expect("written");
    assert_eq!(review::read(&file).expect("read"), decided);
    let second = night(&[]);
    assert_eq!(
        (
            second.summary.at_or_above("candidate"),
            second.new_confirmed
        ),
        (0, 0),
        "decided"
    );
    let page = std::fs::read_to_string(second.folder.join("report.html")).expect("page");
    assert!(page.contains("1 decided earlier") && page.contains(r"known, \&quot;really\&quot;"));
    decided[0].effect = Some(0.5);
    review::write(&file, &mut decided).expect("written");
    assert_eq!(
        night(&[]).summary.at_or_above("candidate"),
        1,
        "the effect has grown"
    );
    decided[0].effect = Some(0.9);
    decided[0].expires = "2020-01-31".into();
    review::write(&file, &mut decided).expect("written");
    assert_eq!(night(&[]).summary.at_or_above("candidate"), 1, "expired");
    decided[0].expires = String::new();
    decided[0].declared = "0123456789abcdef".into();
    review::write(&file, &mut decided).expect("written");
    let other = night(&[]);
    assert_eq!(
        other.summary.at_or_above("candidate"),
        1,
        "declared otherwise"
    );
    let why = texts(
        &parquet(&other.folder.join("findings.parquet")),
        "came_back",
    )[0]
    .clone();
    assert_eq!(why, "the region is declared otherwise");
}

/// What a decision was about: the place, and the picture itself, whatever the files are called.
#[test]
fn a_region_is_declared_otherwise_when_its_place_or_picture_changes() {
    let folder = tempfile::tempdir().expect("folder");
    let tag = image::open(fixtures().join("tag.png")).expect("tag");
    let hash = |name: &str, width: f64, picture: &image::DynamicImage| {
        let file = folder.path().join(format!("{name}.png"));
        picture.save(&file).expect("picture");
        let corner = format!("corner = {{ at = \"bottom-left\", width = {width}, height = 0.3 }}");
        let region =
            format!("[[region]]\nname = {name:?}\n{corner}\ntemplate = {{ picture = {file:?} }}\n");
        let plan = plan(
            folder.path(),
            "declared",
            &(demo_text("shortcut.onnx") + &region),
            &[],
        );
        plan.regions.last().expect("region").hash.clone()
    };
    let first = hash("stamp", 0.4, &tag);
    assert_eq!(
        first,
        hash("seal", 0.4, &tag),
        "another name, another file of the same picture"
    );
    assert_ne!(first, hash("stamp", 0.5, &tag), "another place");
    assert_ne!(first, hash("stamp", 0.4, &tag.fliph()), "another picture");
    let declared = |hash: &str| FindingRow {
        declared: Some(hash.into()),
        ..finding("confirmed", 0.5)
    };
    let changes = diff::changes(&[declared("one")], &[declared("another")]);
    assert_eq!(
        (changes[0].state.as_str(), changes[0].why.as_str()),
        ("not_comparable", "the region is declared otherwise")
    );
    let night = Night {
        changes,
        ..Night::default()
    };
    assert_eq!(
        night.new_confirmed(&[declared("another")]),
        1,
        "what was confirmed was another region"
    );
    let both = ["model".to_owned(), "dataset".to_owned()];
    assert_eq!(
        diff::headline(&both, &night.changes),
        "another model, another dataset: 1 not comparable"
    );
}

#[test]
fn a_decision_that_is_none_is_refused_with_its_line() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("review.csv");
    std::fs::write(
        &file,
        "class,region,decision\nhorse,tag,confirm\nhorse,tag,maybe\n",
    )
    .expect("file");
    let error = review::read(&file).expect_err("refused").to_string();
    assert!(
        error.contains("review.csv:3") && error.contains("legitimate-context"),
        "{error}"
    );
    assert!(
        review::read(Path::new("/nowhere/review.csv"))
            .expect("none")
            .is_empty()
    );
}

#[test]
fn two_nights_tell_new_worse_better_gone_and_unchanged() {
    let state = |before: &[FindingRow], after: &[FindingRow]| {
        let changes = diff::changes(before, after);
        assert_eq!(changes.len(), 1);
        changes[0].state.clone()
    };
    let none = finding("none", 0.0);
    assert_eq!(
        state(std::slice::from_ref(&none), &[finding("candidate", 0.3)]),
        "new"
    );
    assert_eq!(state(&[], &[finding("confirmed", 0.3)]), "new");
    assert_eq!(
        state(&[finding("candidate", 0.3)], &[finding("confirmed", 0.3)]),
        "worse"
    );
    assert_eq!(
        state(&[finding("confirmed", 0.3)], &[finding("confirmed", 0.5)]),
        "worse"
    );
    assert_eq!(
        state(&[finding("confirmed", 0.5)], &[finding("confirmed", 0.3)]),
        "better"
    );
    assert_eq!(
        state(&[finding("confirmed", 0.5)], &[finding("confirmed", 0.55)]),
        "unchanged"
    );
    assert_eq!(
        state(&[finding("confirmed", 0.5)], std::slice::from_ref(&none)),
        "gone"
    );
    assert_eq!(state(&[finding("confirmed", 0.5)], &[]), "not_comparable");
    assert!(diff::changes(std::slice::from_ref(&none), std::slice::from_ref(&none)).is_empty());
    // A proof that is a little weaker tonight does not come and go.
    let weaker = |q: f64| FindingRow {
        confirming_q: Some(q),
        insertion: Some(0.6),
        causal_least: Some(0.5),
        ..finding("candidate", 0.3)
    };
    assert_eq!(
        state(&[finding("confirmed", 0.3)], &[weaker(0.08)]),
        "unchanged"
    );
    assert_eq!(
        state(&[finding("confirmed", 0.3)], &[weaker(0.2)]),
        "better"
    );
}

#[test]
fn old_runs_go_and_the_newest_stays() {
    let folder = tempfile::tempdir().expect("folder");
    let night =
        |set: &[&str]| audit(&plan(folder.path(), "old", &demo_text("clean.onnx"), set)).folder;
    let first = night(&["run.limit=4"]);
    let second = night(&["run.limit=4"]);
    let third = night(&["run.limit=4", "retention.nights=2"]);
    assert_eq!(
        (first.exists(), second.exists(), third.exists()),
        (false, true, true)
    );
    let home = third.parent().expect("home");
    let all = Retention {
        nights: usize::MAX,
        days: None,
        bytes: u64::MAX,
    };
    assert_eq!(
        nights::surplus(home, &Retention { nights: 1, ..all }),
        std::slice::from_ref(&second)
    );
    let old = home.join("20200131T020000Z");
    std::fs::create_dir(&old).expect("an old run");
    std::fs::copy(second.join("run.json"), old.join("run.json")).expect("run.json");
    assert_eq!(
        nights::surplus(
            home,
            &Retention {
                days: Some(400),
                ..all
            }
        ),
        [old]
    );
    assert!(nights::surplus(home, &all).is_empty());
    std::fs::create_dir(home.join("20200131T030000Z")).expect("a torn run");
    assert_eq!(nights::unfinished(home), [home.join("20200131T030000Z")]);
    let fourth = night(&["run.limit=4", "retention.gb=0"]);
    assert_eq!(nights::finished(home), [fourth]);
}

/// What is not named as a run is not ours to remove, whatever it looks like.
#[test]
fn only_torn_runs_are_swept() {
    let home = tempfile::tempdir().expect("folder");
    let names = [
        "ToyZebra",
        "20261123T021500Z",
        "20261123T021500Z-2",
        "20261124T021500Z",
        "20261123T021500Z-old",
    ];
    for name in names {
        std::fs::create_dir_all(home.path().join(name).join("images")).expect("folder");
    }
    std::fs::write(home.path().join("20261124T021500Z/run.json"), "{}").expect("a finished run");
    nights::sweep(home.path());
    let left: Vec<bool> = names
        .iter()
        .map(|name| home.path().join(name).exists())
        .collect();
    assert_eq!(left, [true, false, false, true, true]);
}

#[test]
fn a_decision_on_an_effect_below_zero_holds() {
    let mut found = [FindingRow {
        effect_unit: Some("logit".into()),
        ..finding("data_risk", -0.7)
    }];
    let decided = |effect, unit: &str| Decision {
        class: "horse".into(),
        region: "tag".into(),
        decision: "legitimate-context".into(),
        verdict: "data_risk".into(),
        effect: Some(effect),
        unit: unit.into(),
        ..Decision::default()
    };
    let today = jiff::civil::date(2026, 11, 23);
    let mut open = |d| {
        review::apply(&mut found, &[d], 0.25, today);
        found[0].open
    };
    assert!(!open(decided(-0.7, "logit")), "nothing has changed");
    assert!(open(decided(-1.2, "logit")), "it has grown");
    assert!(
        !open(decided(-1.2, "fraction")),
        "another measure is no growth"
    );
}

/// An apostrophe keeps a spreadsheet from reading names and notes as formulas, and comes off again.
#[test]
fn formulas_in_decisions_are_text() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("review.csv");
    let mut decided = [Decision {
        class: "=HYPERLINK(\"http://x\")".into(),
        region: "'quoted".into(),
        decision: "unsure".into(),
        note: "-1+1".into(),
        ..Decision::default()
    }];
    review::write(&file, &mut decided).expect("written");
    let text = std::fs::read_to_string(&file).expect("text");
    assert!(
        !text.contains("\n\"=") && !text.contains(",=") && !text.contains(",-"),
        "{text}"
    );
    assert_eq!(review::read(&file).expect("read"), decided);
}

/// The same pipeline and photos, and a model file that is another on the second night.
#[test]
fn a_new_model_is_told_as_what_it_learned_and_unlearned() {
    let folder = tempfile::tempdir().expect("folder");
    let model = folder.path().join("model.onnx");
    let text = demo_text("shortcut.onnx").replace(
        &fixtures()
            .join("models/shortcut.onnx")
            .display()
            .to_string(),
        &model.display().to_string(),
    );
    std::fs::copy(fixtures().join("models/shortcut.onnx"), &model).expect("model");
    let plan = plan(folder.path(), "models", &text, &[]);
    let night = |of: &str| {
        std::fs::copy(fixtures().join("models").join(of), &model).expect("model");
        let run = audit(&plan).folder;
        let page = std::fs::read_to_string(run.join("report.html")).expect("page");
        (json(&run.join("changes.json"))["differences"].clone(), page)
    };
    let says = |page: &str, what: &str| {
        let line = page.lines().find(|l| l.contains("Against the night"));
        assert!(line.is_some_and(|l| l.contains(what)), "{what}: {line:?}");
    };
    assert_eq!(
        night("shortcut.onnx").0,
        serde_json::json!([]),
        "the first night"
    );
    let (same, page) = night("shortcut.onnx");
    assert_eq!(same, serde_json::json!([]));
    says(&page, ": 1 unchanged.");
    let (another, page) = night("clean.onnx");
    assert_eq!(another, serde_json::json!(["model"]));
    says(
        &page,
        ": another model: the new model learned nothing, unlearned 1 (1 better).",
    );
    let (_, page) = night("shortcut.onnx");
    says(
        &page,
        ": another model: the new model learned 1 (1 worse), unlearned nothing.",
    );
}

/// The images behind a finding, against the tables themselves; a photo that is gone leaves a tile that says so.
#[test]
fn a_gallery_shows_the_images_that_the_tables_name() {
    let folder = tempfile::tempdir().expect("folder");
    let plan = plan(folder.path(), "gallery", &demo_text("shortcut.onnx"), &[]);
    let run = audit(&plan).folder;
    let found = store::found(&run, "horse", "source-tag").expect("found");
    assert_eq!(found.len(), 200);
    let regions = parquet(&run.join("regions/part-00000.parquet"));
    let rows = [
        texts(&regions, "label"),
        texts(&regions, "target"),
        texts(&regions, "region"),
    ];
    let shares = numbers(&regions, "share");
    let own = (0..shares.len())
        .filter(|&i| [&rows[0][i], &rows[1][i], &rows[2][i]] == ["horse", "label", "source-tag"]);
    let images = parquet(&run.join("images/part-00000.parquet"));
    let paths: BTreeMap<String, String> = texts(&images, "image_id")
        .into_iter()
        .zip(texts(&images, "path"))
        .collect();
    let ids = texts(&regions, "image_id");
    let expected: Vec<(&str, Option<f64>)> =
        own.map(|i| (paths[&ids[i]].as_str(), shares[i])).collect();
    assert_eq!(
        found
            .iter()
            .map(|f| (f.path.as_str(), f.measures[0]))
            .collect::<Vec<_>>(),
        expected
    );
    let present = found.iter().filter(|f| f.present == Some(true)).count();
    assert_eq!(
        (present, found[0].cam.len()),
        (40, found[0].cells[0] * found[0].cells[1])
    );
    let mut shown = found[..3].to_vec();
    shown[2].path = "horse/<b>gone</b>.jpg".into();
    shown[1].content = "of another photo".into();
    let (tiles, scale) = camaudit::audit::tiles(&plan, &shown, "source-tag").expect("tiles");
    assert!(scale > 1.0 && tiles[1].lost.as_deref() == Some("the photo has changed since the run"));
    let page = gallery::page(&tiles, "horse / source-tag", "3 of 200 images.").expect("page");
    assert_eq!(page.matches("data:image/jpeg").count(), 2);
    assert!(
        page.contains("no longer in the dataset")
            && page.contains("&lt;b&gt;gone")
            && !page.contains("<b>gone")
    );
    let sheet = gallery::sheet(&tiles, "horse");
    let painted = |x: u32| (100..180).any(|y| sheet.get_pixel(x, y).0 != [255; 3]);
    assert!(
        painted(60) && painted(220) && !painted(400) && !painted(700),
        "the first tile has pictures"
    );
    let wrong =
        store::found(&folder.path().join("nowhere"), "horse", "source-tag").expect_err("refused");
    assert!(wrong.to_string().contains("nowhere"), "{wrong}");
}

#[test]
fn the_index_names_the_last_run_of_every_pipeline_the_most_serious_first() {
    let folder = tempfile::tempdir().expect("folder");
    let reports = folder.path().join("reports");
    assert!(index::page(folder.path()).is_err());
    for (name, model) in [
        ("calm", "clean.onnx"),
        ("clever", "shortcut.onnx"),
        ("clever", "shortcut.onnx"),
    ] {
        audit(&plan(folder.path(), name, &demo_text(model), &[]));
    }
    let page = index::page(&reports).expect("page");
    let (clever, calm) = (
        page.find(">clever<").expect("clever"),
        page.find(">calm<").expect("calm"),
    );
    assert!(
        clever < calm && page.contains("1 confirmed") && page.contains("1 unchanged"),
        "{page}"
    );
    assert_eq!(page.matches("/report.html").count(), 2);
    let link = page
        .split("href=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a link");
    assert!(reports.join(link).is_file(), "{link}");
    // A run whose files are damaged is no calm one.
    let calm = nights::finished(&reports.join("calm"))
        .pop()
        .expect("a run");
    std::fs::write(calm.join("summary.json"), "{").expect("damaged");
    let page = index::page(&reports).expect("page");
    let (damaged, clever) = (
        page.find("not readable: summary.json").expect("said"),
        page.find(">clever<").expect("clever"),
    );
    assert!(damaged < clever);
}

/// Where the evidence lies on average, with the region and without it: at the tag, and nowhere near it.
#[test]
fn the_mean_maps_of_a_shortcut_differ_at_its_place() {
    let folder = tempfile::tempdir().expect("folder");
    let run = audit(&plan(
        folder.path(),
        "means",
        &demo_text("shortcut.onnx"),
        &[],
    ))
    .folder;
    let exhibits = json(&run.join("exhibits.json"));
    let means = exhibits
        .as_array()
        .expect("exhibits")
        .iter()
        .find(|e| e["role"] == "mean")
        .expect("means");
    let captions: Vec<&str> = (0..3)
        .map(|i| means["panels"][i]["caption"].as_str().expect("caption"))
        .collect();
    assert!(
        captions[0].contains("40 images") && captions[1].contains("160 without"),
        "{captions:?}"
    );
    // Orange, strong at the bottom left, nothing at the top right.
    let file = run.join(means["panels"][2]["file"].as_str().expect("file"));
    let picture = image::open(file).expect("picture").to_rgb8();
    let warmth = |x: u32, y: u32| {
        i32::from(picture.get_pixel(x, y).0[0]) - i32::from(picture.get_pixel(x, y).0[2])
    };
    assert!(
        warmth(12, 54) > 60 && warmth(52, 10).abs() < 30,
        "{} {}",
        warmth(12, 54),
        warmth(52, 10)
    );
}

/// A chat or a pull request must not follow what a class is called.
#[test]
fn names_in_the_summary_are_no_markdown() {
    let folder = tempfile::tempdir().expect("folder");
    let set = folder.path().join("set");
    let name = "@all [x](http:) `a` <b> | *c* www.x _d_";
    std::fs::create_dir_all(set.join(name)).expect("class");
    std::fs::copy(
        fixtures().join("horses/car/car000.jpg"),
        set.join(name).join("0.jpg"),
    )
    .expect("photo");
    let text = format!(
        "[dataset]\nroot = {set:?}\n[dataset.labels]\n{name:?} = 0\n[model]\npath = {:?}\n[preprocess]\npreset = \"zero-one\"\nsize = 64\n\
         [[region]]\nname = \"corner\"\ncorner = {{ at = \"top-left\", width = 0.2, height = 0.2 }}\n",
        fixtures().join("models/shortcut.onnx")
    );
    let run = audit(&plan(folder.path(), "markdown", &text, &[])).folder;
    let summary = std::fs::read_to_string(run.join("summary.md")).expect("summary");
    let line = summary
        .lines()
        .find(|l| l.contains("&#64;"))
        .expect("the class");
    assert!(
        line.contains("&#64;all \\[x\\](http&#58;) \\`a\\` &lt;b> \\| \\*c\\* www&#46;x \\_d\\_"),
        "{line}"
    );
}

/// A run folder from elsewhere must not pull files of this machine into a page that is passed on.
#[test]
fn a_report_shows_pictures_of_its_own_folder_only() {
    let folder = tempfile::tempdir().expect("folder");
    let run = audit(&plan(
        folder.path(),
        "page",
        &demo_text("shortcut.onnx"),
        &[],
    ))
    .folder;
    let before = page(&run, 20_000_000)
        .expect("page")
        .matches("data:image/jpeg")
        .count();
    let exhibits = std::fs::read_to_string(run.join("exhibits.json")).expect("exhibits");
    std::fs::write(run.join("pictures/../secret.jpg"), b"secret").expect("a file");
    for elsewhere in [
        "/etc/hostname",
        "pictures/../secret.jpg",
        "../page/latest/run.json",
    ] {
        std::fs::write(
            run.join("exhibits.json"),
            exhibits.replacen("pictures/00000.jpg", elsewhere, 1),
        )
        .expect("written");
        let after = page(&run, 20_000_000).expect("page");
        assert_eq!(
            after.matches("data:image/jpeg").count(),
            before - 1,
            "{elsewhere}"
        );
    }
}

/// A clock that goes back must not put tonight before last night.
#[test]
fn the_newest_run_has_the_last_name_whatever_the_clock_says() {
    let folder = tempfile::tempdir().expect("folder");
    let pipeline = plan(
        folder.path(),
        "clock",
        &demo_text("shortcut.onnx"),
        &["run.limit=4", "retention.nights=1"],
    );
    let first = audit(&pipeline).folder;
    let home = first.parent().expect("home").to_path_buf();
    let future = home.join("20990101T000000Z");
    std::fs::rename(&first, &future).expect("a run of the future");
    let second = audit(&pipeline).folder;
    assert_eq!(second, home.join("20990101T000000Z-2"));
    assert_eq!(nights::finished(&home), std::slice::from_ref(&second));
    assert_eq!(
        home.join("latest").canonicalize().expect("latest"),
        second.canonicalize().expect("second")
    );
}

/// A proof that is weaker for a night and back the next is no new finding; a night that was refused is none to compare with.
#[test]
fn what_was_held_is_not_new_when_it_is_confirmed_again() {
    let home = tempfile::tempdir().expect("folder");
    let night = |name: &str, found: &FindingRow, refused: bool, held: bool| {
        let run = home.path().join(name);
        std::fs::create_dir_all(&run).expect("folder");
        std::fs::write(
            run.join("run.json"),
            serde_json::json!({"refused": refused}).to_string(),
        )
        .expect("run.json");
        let summary = serde_json::json!({"findings": [found], "heat": []});
        std::fs::write(run.join("summary.json"), summary.to_string()).expect("summary");
        let change = serde_json::json!({"label": "horse", "region": "tag", "state": "unchanged", "before": "confirmed",
            "after": "candidate", "why": "held", "held": held});
        let changes = serde_json::json!({"previous": null, "changes": [change], "trends": {}});
        std::fs::write(run.join("changes.json"), changes.to_string()).expect("changes");
    };
    let tonight = [finding("confirmed", 0.3)];
    let new = || {
        let night = nights::compare(home.path(), &RunRecord::default(), &tonight);
        (
            night.previous.clone(),
            night.changes[0].state.clone(),
            night.new_confirmed(&tonight),
        )
    };
    night("20261101T020000Z", &finding("candidate", 0.3), false, false);
    assert_eq!(new(), (Some("20261101T020000Z".into()), "worse".into(), 1));
    night("20261102T020000Z", &finding("candidate", 0.3), false, true);
    assert_eq!(
        new(),
        (Some("20261102T020000Z".into()), "unchanged".into(), 0)
    );
    night("20261103T020000Z", &finding("none", 0.0), true, false);
    assert_eq!(
        new(),
        (Some("20261102T020000Z".into()), "unchanged".into(), 0)
    );
}
