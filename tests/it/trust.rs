//! What the last line says where a run must not be relied on, or could find nothing.

use crate::support::{camaudit, fixtures, json, stderr};
use crate::workplace::newest;
use std::path::{Path, PathBuf};

const CORNER: &str = "corner = { at = \"top-left\", width = 0.25, height = 0.25 }\n";

/// A pipeline on three photos of every class.
fn pipeline(folder: &Path, more: &str) -> PathBuf {
    let models = fixtures().join("models");
    for class in ["boat", "car", "horse"] {
        for number in 0..3 {
            photo(folder, class, &format!("{number}.jpg"));
        }
    }
    let text = format!(
        "[dataset]\nroot = \"set\"\n[model]\npath = {:?}\nclasses = {:?}\n[preprocess]\n\
         preset = \"zero-one\"\nsize = 64\n[[region]]\nname = \"corner\"\n{CORNER}{more}",
        models.join("shortcut.onnx"),
        models.join("classes.txt"),
    );
    let file = folder.join("p.toml");
    std::fs::write(&file, text).expect("pipeline");
    file
}

fn photo(folder: &Path, class: &str, name: &str) {
    let target = folder.join("set").join(class);
    std::fs::create_dir_all(&target).expect("folder");
    let from = fixtures().join(format!("horses/{class}/{class}000.jpg"));
    std::fs::copy(from, target.join(name)).expect("photo");
}

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn call(command: &str, pipeline: &Path, more: &[&str]) -> Ended {
    let pipeline = pipeline.display().to_string();
    let output = camaudit(&[&[command, pipeline.as_str()], more].concat());
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: stderr(&output).join("\n"),
    }
}

fn run(folder: &Path, pipeline: &Path, more: &[&str]) -> Ended {
    let out = folder.join("out").display().to_string();
    call(
        "run",
        pipeline,
        &[&["--quiet", "--out", &out], more].concat(),
    )
}

#[test]
fn a_refused_run_is_never_told_as_no_finding() {
    // Some photos are damaged, or all are.
    for damaged in [4, 9] {
        let folder = tempfile::tempdir().expect("folder");
        let hook = "on_finish = [\"sh\", \"-c\", \"echo $CAMAUDIT_HEADLINE > headline\"]\n";
        let metrics = format!("metrics = {:?}\n", folder.path().join("p.prom"));
        let file = pipeline(folder.path(), &format!("always = true\n[run]\n{metrics}"));
        let text = std::fs::read_to_string(&file).expect("text");
        let hook = hook.replace(
            "headline\"]",
            &format!("{}\"]", folder.path().join("headline").display()),
        );
        std::fs::write(&file, text + &hook).expect("pipeline");
        let photos = walkdir::WalkDir::new(folder.path().join("set")).sort_by_file_name();
        let photos = photos
            .into_iter()
            .flatten()
            .filter(|e| e.file_type().is_file());
        for photo in photos.take(damaged) {
            std::fs::write(photo.path(), "no picture").expect("damaged");
        }

        let ended = run(folder.path(), &file, &[]);
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        assert!(
            ended.stdout.contains("p: NOT RELIABLE, "),
            "{}",
            ended.stdout
        );
        assert!(
            !ended.stderr.contains("model.classes") || damaged < 9,
            "{}",
            ended.stderr
        );

        let latest = newest(&folder.path().join("out/p"));
        let read = |name: &str| std::fs::read_to_string(latest.join(name)).expect("text");
        let index = camaudit(&["index", &folder.path().join("out").display().to_string()]);
        assert_eq!(index.status.code(), Some(0));
        let texts = [
            ("terminal", ended.stdout.clone()),
            ("summary.md", read("summary.md")),
            ("report.html", read("report.html")),
            (
                "index",
                std::fs::read_to_string(folder.path().join("out/index.html")).expect("index"),
            ),
        ];
        for (name, text) in texts {
            assert!(text.contains("do not rely on this run"), "{name}: {text}");
            assert!(
                text.contains(&format!("{damaged} of 9 images were skipped")),
                "{name}"
            );
            assert!(
                !text.to_lowercase().contains("no open finding"),
                "{name}: {text}"
            );
        }
        let metrics = std::fs::read_to_string(folder.path().join("p.prom")).expect("metrics");
        assert!(
            metrics.contains("camaudit_refused{pipeline=\"p\"} 1"),
            "{metrics}"
        );
        let headline = std::fs::read_to_string(folder.path().join("headline")).expect("headline");
        assert!(headline.contains("NOT RELIABLE"), "{headline}");

        // `check` says the same before the run.
        let checked = call("check", &file, &[]);
        assert_eq!(checked.code, Some(3), "{}", checked.stdout);
        let reason = format!("{damaged} of 9 images were skipped");
        assert!(
            checked.stdout.contains("a run would not be reliable"),
            "{}",
            checked.stdout
        );
        assert!(checked.stdout.contains(&reason), "{}", checked.stdout);
        assert!(
            damaged < 9 || !checked.stdout.contains("model.classes"),
            "{}",
            checked.stdout
        );
    }
}

#[test]
fn check_ends_as_a_run_does_where_the_annotations_lose_the_images() {
    let folder = tempfile::tempdir().expect("folder");
    let file = pipeline(folder.path(), "");
    std::fs::write(
        folder.path().join("m.csv"),
        "path,label\nboat/0.jpg,boat\nx,boat\ny\n",
    )
    .expect("manifest");
    let text = std::fs::read_to_string(&file).expect("text");
    std::fs::write(
        &file,
        text.replace("[model]", "manifest = \"m.csv\"\n[model]"),
    )
    .expect("text");
    for more in [&["--no-images"][..], &["--json"], &[]] {
        let checked = call("check", &file, more);
        assert_eq!(
            checked.code,
            Some(3),
            "{more:?}: {}{}",
            checked.stdout,
            checked.stderr
        );
    }
    let fewer = ["--set", "run.max_skipped=0.9"];
    assert_eq!(call("check", &file, &fewer).code, Some(0));
}

#[test]
fn a_run_that_declares_nothing_says_so_first() {
    let folder = tempfile::tempdir().expect("folder");
    let file = pipeline(folder.path(), "");
    let ended = run(folder.path(), &file, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let nothing = "nothing was declared whose presence is known, so nothing can be found";
    assert!(ended.stdout.contains(nothing), "{}", ended.stdout);
    assert!(
        !ended.stdout.contains("no open finding"),
        "{}",
        ended.stdout
    );
    let page = std::fs::read_to_string(newest(&folder.path().join("out/p")).join("report.html"));
    let page = page.expect("page").to_lowercase();
    assert!(page.contains(nothing) && !page.contains("no open finding"));

    let declared = pipeline(folder.path(), "always = true\n");
    let ended = run(folder.path(), &declared, &[]);
    assert!(!ended.stdout.contains(nothing), "{}", ended.stdout);
}

#[test]
fn pictures_that_are_not_read_are_told_aloud() {
    let table: [(&[&str], usize); 4] = [
        (&["horse/a.heic", "horse/b.JP2", "boat/c.jpg?w=1"], 3),
        (&["boat\\p3.jpg", "car\\p4.jpg"], 2),
        (&["loose.png"], 1),
        (&["horse/0.jpg.json", "horse/notes.txt", ".hidden.heic"], 0),
    ];
    for (names, expected) in table {
        let folder = tempfile::tempdir().expect("folder");
        let file = pipeline(folder.path(), "");
        for name in names {
            std::fs::write(folder.path().join("set").join(name), "x").expect("file");
        }
        let ended = run(folder.path(), &file, &[]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let checked = call("check", &file, &["--no-images"]);
        let told = format!(", {expected} pictures ignored");
        let page = newest(&folder.path().join("out/p")).join("report.html");
        let page = std::fs::read_to_string(page).expect("page");
        for text in [&ended.stderr, &checked.stdout, &page] {
            let is_told = text.contains("pictures are ignored");
            assert_eq!(is_told, expected > 0, "{names:?}: {text}");
        }
        let last = ended.stderr.lines().last().unwrap_or_default();
        assert_eq!(last.contains(&told), expected > 0, "{names:?}: {last}");
    }
}

/// A folder that was not mounted, and a class that lost photos.
#[test]
fn images_that_the_last_run_had_are_missed() {
    let folder = tempfile::tempdir().expect("folder");
    let file = pipeline(folder.path(), "");
    assert!(!run(folder.path(), &file, &[]).stderr.contains("last run"));
    assert!(!run(folder.path(), &file, &[]).stderr.contains("last run"));

    // As many images, but one class has fewer.
    let set = folder.path().join("set");
    std::fs::remove_file(set.join("boat/2.jpg")).expect("removed");
    photo(folder.path(), "car", "new.jpg");
    let ended = run(folder.path(), &file, &[]);
    assert!(
        ended.stderr.contains("boat (2, before 3)"),
        "{}",
        ended.stderr
    );
    assert!(
        !ended.stderr.contains("images found, but"),
        "{}",
        ended.stderr
    );

    std::fs::remove_dir_all(set.join("horse")).expect("removed");
    let calm = run(folder.path(), &file, &["--set", "run.max_drop=1"]);
    assert!(!calm.stderr.contains("last run"), "{}", calm.stderr);
    photo(folder.path(), "horse", "0.jpg");
    photo(folder.path(), "horse", "1.jpg");
    photo(folder.path(), "horse", "2.jpg");
    run(folder.path(), &file, &[]);
    std::fs::remove_dir_all(set.join("horse")).expect("removed");
    let ended = run(folder.path(), &file, &[]);
    let message = "6 images found, but the last run found 9";
    assert!(ended.stderr.contains(message), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("horse (0, before 3)"),
        "{}",
        ended.stderr
    );
    let latest = folder.path().join("out/p/latest");
    let page = std::fs::read_to_string(latest.join("report.html")).expect("page");
    assert!(page.contains(message));
    assert_eq!(
        json(&latest.join("changes.json"))["drops"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
}

/// Options and formats of commands that follow a run: each says or writes what it promises.
#[test]
fn commands_behind_a_run_keep_their_promises() {
    let folder = tempfile::tempdir().expect("folder");
    let pipeline = pipeline(folder.path(), "");
    std::fs::rename(
        folder.path().join("set/horse"),
        folder.path().join("set/=2+2"),
    )
    .expect("rename");
    photo(folder.path(), "horse", "other.jpg");
    let out = folder.path().join("out");
    let text = std::fs::read_to_string(&pipeline).expect("pipeline");
    let review = "[review]\ndecisions = \"decisions/review.csv\"\n";
    let labels = "root = \"set\"\nlabels = { \"=2+2\" = \"horse\", horse = \"horse\", boat = \"boat\", car = \"car\" }";
    let text = text.replace("root = \"set\"", labels);
    std::fs::write(&pipeline, format!("{text}{review}")).expect("pipeline");
    let ended = run(folder.path(), &pipeline, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let newest = newest(&out.join("p"));
    let newest_text = newest.display().to_string();

    // A cell that a spreadsheet would run is a text.
    let images = [
        "images",
        &newest_text,
        "--class",
        "horse",
        "--region",
        "corner",
    ];
    let listed = |more: &[&str]| {
        let output = camaudit(&[&images, more].concat());
        assert_eq!(output.status.code(), Some(0), "{:?}", stderr(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (guarded, raw) = (listed(&[]), listed(&["--raw"]));
    assert!(guarded.contains("\n'=2+2/0.jpg,"), "{guarded}");
    assert!(raw.contains("\n=2+2/0.jpg,"), "{raw}");
    // Both labels are the class that the finding is about.
    assert!(raw.contains("\nhorse/other.jpg,"), "{raw}");

    // The decisions are found from every folder.
    let record = json(&newest.join("run.json"));
    let decisions = record["decisions"].as_str().expect("a path");
    assert!(Path::new(decisions).is_absolute(), "{decisions}");
    assert!(decisions.ends_with("decisions/review.csv"), "{decisions}");

    // A limit that no worker fits into is refused with the option's name; a usable one is taken.
    for (memory, code) in [("1MB", 2), ("4GiB", 0)] {
        let output = camaudit(&[
            "conclude",
            newest_text.as_str(),
            "--memory",
            memory,
            "--quiet",
        ]);
        let said = stderr(&output).join("\n");
        assert_eq!(output.status.code(), Some(code), "{memory}: {said}");
        assert_eq!(said.contains("memory"), code == 2, "{said}");
    }

    // The log ends with one JSON object that names the rows.
    let rows = folder.path().join("rows").display().to_string();
    let measured = call("measure", &pipeline, &["--log", "json", "--out", &rows]);
    assert_eq!(measured.code, Some(0), "{}", measured.stderr);
    let last = measured.stderr.lines().last().unwrap_or_default();
    let event: serde_json::Value = serde_json::from_str(last).expect("JSON");
    assert_eq!(event["event"], "finish", "{last}");
    assert_eq!(event["counts"]["scored"], 10, "{last}");
}
