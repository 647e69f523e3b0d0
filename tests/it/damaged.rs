//! A last run whose documents cannot be read: nothing is new, and commands name the file.

use crate::support::{camaudit, demo_text, files, json, stderr};
use camaudit::runs::history;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A name, what is done to `summary.json`, and a part of the cause.
type Damage = (&'static str, fn(&Path), &'static str);

const DAMAGES: [Damage; 2] = [
    ("cut", cut_to_2000_bytes, "EOF while parsing"),
    ("text", number_to_text, "invalid type: string"),
];

fn cut_to_2000_bytes(file: &Path) {
    let bytes = std::fs::read(file).expect("bytes");
    assert!(bytes.len() > 2000);
    std::fs::write(file, &bytes[..2000]).expect("written");
}

fn number_to_text(file: &Path) {
    let mut document = json(file);
    let accuracy = document["top1_accuracy"].as_f64().expect("a number");
    document["top1_accuracy"] = accuracy.to_string().into();
    std::fs::write(file, document.to_string()).expect("written");
}

/// A folder of reports with one finished run of the demo, and the cache beside it.
struct FirstRun {
    folder: tempfile::TempDir,
    pipeline: String,
}

impl FirstRun {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let pipeline = folder.path().join("demo.toml");
        std::fs::write(&pipeline, demo_text("shortcut.onnx")).expect("pipeline");
        let first = Self {
            pipeline: pipeline.display().to_string(),
            folder,
        };
        let output = first.run("original", &[]);
        assert_eq!(output.status.code(), Some(0), "{:?}", stderr(&output));
        first
    }

    fn run(&self, out: &str, more: &[&str]) -> Output {
        let out = self.folder.path().join(out).display().to_string();
        let mut arguments = vec!["run", &self.pipeline, "--out", &out, "--quiet"];
        arguments.extend(more);
        camaudit(&arguments)
    }

    /// Another folder of reports with a copy of the run; returns the run.
    fn copied(&self, out: &str) -> PathBuf {
        let original = self.folder.path().join("original/demo");
        let home = self.folder.path().join(out).join("demo");
        let last = history::finished(&original).pop().expect("the run");
        let copy_of_run = home.join(last.file_name().expect("a run id"));
        for (name, bytes) in files(&last) {
            let file = copy_of_run.join(name);
            std::fs::create_dir_all(file.parent().expect("parent")).expect("folder");
            std::fs::write(file, bytes).expect("written");
        }
        std::fs::copy(original.join("cache.redb"), home.join("cache.redb")).expect("cache");
        copy_of_run
    }
}

/// The changes of the last run in a folder of reports.
fn changes(run: &Path) -> serde_json::Value {
    let last = history::finished(run.parent().expect("home"))
        .pop()
        .expect("a run");
    assert_ne!(last, run);
    json(&last.join("changes.json"))
}

#[test]
fn a_finding_is_not_new_because_the_last_run_is_damaged() {
    let first = FirstRun::new();
    let new_confirmed = ["--fail-on", "new-confirmed"];
    // Without an earlier run the finding is new; after a sound one it is unchanged.
    assert_eq!(first.run("empty", &new_confirmed).status.code(), Some(1));
    let sound = first.copied("sound");
    assert_eq!(first.run("sound", &new_confirmed).status.code(), Some(0));
    assert_eq!(changes(&sound)["changes"][0]["state"], "unchanged");

    for (name, damage, cause) in DAMAGES {
        for (number, more) in [&[][..], &new_confirmed[..]].into_iter().enumerate() {
            let out = format!("{name} {number}");
            let damaged = first.copied(&out);
            let file = damaged.join("summary.json");
            damage(&file);

            let output = first.run(&out, more);
            let lines = stderr(&output);
            assert_eq!(output.status.code(), Some(0), "{out}: {lines:?}");
            let warning = lines.iter().find(|line| line.starts_with("warning: "));
            let warning = warning.unwrap_or_else(|| panic!("{out}: no warning in {lines:?}"));
            for text in [&file.display().to_string(), cause] {
                assert!(
                    warning.contains(text),
                    "{out}: {text:?} is not in {warning}"
                );
            }

            let changes = changes(&damaged);
            let unreadable = changes["unreadable"].as_str().expect("a cause");
            assert!(unreadable.contains(cause), "{out}: {unreadable}");
            let reported = changes["changes"].as_array().expect("changes");
            assert!(!reported.is_empty(), "{out}");
            for change in reported {
                assert_eq!(change["state"], "not_comparable", "{out}: {change}");
                assert_eq!(change["reason"], "last_run_unreadable", "{out}: {change}");
            }
        }
    }
}

#[test]
fn commands_on_a_damaged_run_name_the_file() {
    let first = FirstRun::new();
    let sound = first.copied("sound").display().to_string();
    for (name, damage, cause) in DAMAGES {
        let run = first.copied(name);
        let file = run.join("summary.json");
        damage(&file);
        let run = run.display().to_string();
        let run = run.as_str();
        let pair = ["--class", "horse", "--region", "source-tag"];
        let out = first
            .folder
            .path()
            .join("gallery.html")
            .display()
            .to_string();

        let commands = [
            vec!["diff", &sound, run],
            vec!["diff", run, &sound],
            vec!["review", run],
            [&["gallery", run, "--out", &out], &pair[..]].concat(),
            [&["images", run], &pair[..]].concat(),
            vec!["report", run],
        ];
        for command in commands {
            let output = camaudit(&command);
            let message = stderr(&output).join("\n");
            assert_eq!(output.status.code(), Some(2), "{command:?}: {message}");
            for text in [&file.display().to_string(), cause] {
                assert!(
                    message.contains(text),
                    "{command:?}: {text:?} is not in {message}"
                );
            }
        }
    }
}
