//! The places that runs are written to: links, pipes, rights, and file systems that lack something.
#![cfg(unix)]

use crate::support::{camaudit, files, stderr};
use crate::workplace::{Workplace, conclude, concluded, newest};
use camaudit::runs::{Lock, history, latest};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

const FEW: [&str; 2] = ["--limit", "4"];
/// So many that there is a finding.
const SOME: [&str; 2] = ["--limit", "40"];

fn run(workplace: &Workplace, more: &[&str]) -> (Option<i32>, String) {
    let (pipeline, out) = (workplace.pipeline(), workplace.path("out"));
    let (pipeline, out) = (pipeline.display().to_string(), out.display().to_string());
    let mut arguments = vec!["run", &pipeline, "--out", &out, "--quiet"];
    arguments.extend(FEW);
    arguments.extend(more);
    let output = camaudit(&arguments);
    (output.status.code(), stderr(&output).join("\n"))
}

/// A folder outside with a file that nothing may change.
fn treasure(workplace: &Workplace) -> PathBuf {
    let outside = workplace.path("outside");
    std::fs::create_dir(&outside).expect("folder");
    std::fs::write(outside.join("file"), "treasure").expect("file");
    outside
}

fn assert_untouched(outside: &Path) {
    let left = files(outside);
    assert_eq!(left, [("file".to_owned(), b"treasure".to_vec())]);
}

#[test]
fn nothing_is_written_through_links_in_the_output_folder() {
    for name in [
        ".lock",
        "cache.redb",
        "latest",
        "latest folder",
        "home",
        "dangling lock",
    ] {
        let workplace = Workplace::new();
        let outside = treasure(&workplace);
        let out = workplace.path("out");
        let home = out.join("demo");
        std::fs::create_dir_all(&out).expect("out");
        let file = outside.join("file");
        if name != "home" {
            std::fs::create_dir(&home).expect("home");
        }
        let linked = match name {
            "home" => symlink(&outside, &home),
            "latest folder" => symlink(&outside, home.join("latest")),
            "dangling lock" => symlink(outside.join("new"), home.join(".lock")),
            name => symlink(&file, home.join(name)),
        };
        linked.expect("a link");

        let (code, message) = run(&workplace, &[]);
        match name {
            ".lock" | "home" | "dangling lock" => {
                assert_eq!(code, Some(2), "{name}: {message}");
                assert!(message.contains("is a symbolic link"), "{name}: {message}");
            }
            "cache.redb" => {
                assert_eq!(code, Some(0), "{name}: {message}");
                assert!(message.contains("is not used"), "{name}: {message}");
            }
            _ => {
                assert_eq!(code, Some(0), "{name}: {message}");
                let newest = newest(&home).canonicalize().expect("a run");
                assert_eq!(latest(&home), Some(newest), "{name}");
            }
        }
        assert_untouched(&outside);
    }
}

#[test]
fn nothing_is_written_through_links_in_a_run_folder() {
    let workplace = Workplace::new();
    let outside = treasure(&workplace);
    let measured = workplace.start("measure", "out", &FEW);

    // A link in place of a document is replaced, one in place of a folder refused.
    for document in ["report.html", "summary.md"] {
        let _ = std::fs::remove_file(measured.join(document));
        symlink(outside.join("file"), measured.join(document)).expect("a link");
    }
    concluded(&measured, &[]);
    assert!(!measured.join("summary.md").is_symlink());
    assert_untouched(&outside);

    let full = workplace.start("run", "full", &SOME);
    std::fs::remove_dir_all(full.join("pictures")).expect("removed");
    symlink(&outside, full.join("pictures")).expect("a link");
    let output = conclude(&full, &[]);
    let message = stderr(&output).join("\n");
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("pictures is a symbolic link"), "{message}");
    assert_untouched(&outside);
}

/// A run folder, and the folder of a pipeline, may be named by a link of the user's.
#[test]
fn runs_are_reached_through_links() {
    let workplace = Workplace::new();
    let first = workplace.start("run", "out", &FEW);
    workplace.start("run", "out", &FEW);
    let home = first.parent().expect("home");
    let (run_link, home_link) = (workplace.path("a run"), workplace.path("a pipeline"));
    symlink(&first, &run_link).expect("a link");
    symlink(home, &home_link).expect("a link");

    concluded(&run_link, &[]);
    let home_link = home_link.display().to_string();
    let pruned = camaudit(&["prune", &home_link, "--keep", "1"]);
    assert_eq!(pruned.status.code(), Some(0), "{:?}", stderr(&pruned));
    assert!(!first.exists() && history::finished(home).len() == 1);
}

#[test]
fn files_have_the_rights_that_the_umask_leaves() {
    for (umask, file_mode, folder_mode) in [("027", 0o640, 0o750), ("002", 0o664, 0o775)] {
        let workplace = Workplace::new();
        let pipeline = workplace.pipeline().display().to_string();
        let out = workplace.path("out");
        let metrics = format!("run.metrics={:?}", workplace.path("out/demo.prom"));
        let status = Command::new("sh")
            .args(["-c", "umask $0; exec \"$@\"", umask])
            .args([env!("CARGO_BIN_EXE_camaudit"), "run", &pipeline, "--quiet"])
            .args(SOME)
            .args(["--set", &metrics, "--out"])
            .arg(&out)
            .output()
            .expect("started");
        assert_eq!(status.status.code(), Some(0), "{:?}", stderr(&status));

        let mut seen = 0;
        for entry in walkdir::WalkDir::new(&out).into_iter().flatten() {
            let metadata = entry.path().symlink_metadata().expect("metadata");
            if metadata.is_symlink() {
                continue;
            }
            let expected = if metadata.is_dir() {
                folder_mode
            } else {
                file_mode
            };
            let mode = metadata.permissions().mode() & 0o777;
            assert_eq!(mode, expected, "{:o}: {}", mode, entry.path().display());
            seen += 1;
        }
        assert!(seen > 20, "{seen}");
    }
}

#[test]
fn a_file_that_names_the_last_run_is_as_good_as_a_link() {
    let workplace = Workplace::new();
    let older = workplace.start("run", "out", &SOME);
    let newer = workplace.start("run", "out", &SOME);
    let home = newer.parent().expect("home");
    let file = home.join("latest");
    let name = newer
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    std::fs::remove_file(&file).expect("the link");
    std::fs::write(&file, format!("{name}\n")).expect("the file");

    let text = |path: &Path| path.display().to_string();
    let (latest_file, old, reports) = (text(&file), text(&older), text(&workplace.path("out")));
    let pages = text(&workplace.path("sheet.html"));
    let finding = ["--class", "horse", "--region", "source-tag"];
    let commands: [Vec<&str>; 8] = [
        vec!["review", &latest_file],
        vec!["diff", &old, &latest_file],
        [&["images", &latest_file, "--limit", "3"], &finding[..]].concat(),
        [
            &["gallery", &latest_file, "--limit", "3", "--out", &pages],
            &finding[..],
        ]
        .concat(),
        vec!["report", &latest_file],
        vec!["conclude", &latest_file, "--quiet"],
        vec!["index", &reports],
        vec!["runs", home.to_str().expect("text")],
    ];
    for command in commands {
        let output = camaudit(&command);
        let (out, messages) = (String::from_utf8_lossy(&output.stdout), stderr(&output));
        assert_eq!(output.status.code(), Some(0), "{command:?}: {messages:?}");
        if command[0] == "runs" {
            let line = out.lines().find(|line| line.contains("latest"));
            assert!(line.is_some_and(|line| line.contains(&name)), "{out}");
        }
    }

    // The run that it names is kept, whatever the policy says; the next run writes a link again.
    let _ = std::fs::remove_file(&file);
    std::fs::write(&file, text(older.file_name().expect("a name").as_ref())).expect("the file");
    let pruned = camaudit(&["prune", home.to_str().expect("text"), "--keep", "1"]);
    assert_eq!(pruned.status.code(), Some(0), "{:?}", stderr(&pruned));
    assert!(older.exists() && newer.exists());
    let next = workplace.start("run", "out", &SOME);
    assert!(file.is_symlink());
    assert_eq!(latest(home), next.canonicalize().ok());
}

#[test]
fn a_file_that_names_no_run_names_nothing() {
    let home = tempfile::tempdir().expect("folder");
    std::fs::create_dir_all(home.path().join("elsewhere")).expect("folder");
    for text in [
        "",
        "elsewhere",
        "../etc",
        "/etc",
        "20261123T021500Z",
        "\u{0}",
    ] {
        std::fs::write(home.path().join("latest"), text).expect("file");
        assert_eq!(latest(home.path()), None, "{text:?}");
    }
}

/// A pipe in place of a document would block the reader for ever.
#[test]
fn pipes_in_place_of_documents_are_errors() {
    let workplace = Workplace::new();
    let run = workplace.start("run", "out", &FEW);
    let home = run.parent().expect("home");
    let path = run.display().to_string();
    for (file, command) in [
        ("summary.json", vec!["review", &path]),
        ("changes.json", vec!["report", &path]),
        ("figures.json", vec!["report", &path]),
        ("findings.parquet", vec!["diff", &path, &path]),
        ("measured.json", vec!["conclude", &path, "--quiet"]),
        (
            "images/part-00000.parquet",
            vec!["conclude", &path, "--quiet"],
        ),
    ] {
        let file = run.join(file);
        let kept = std::fs::read(&file).expect("bytes");
        std::fs::remove_file(&file).expect("removed");
        let made = Command::new("mkfifo").arg(&file).status().expect("mkfifo");
        assert!(made.success());

        let output = camaudit(&command);
        let message = stderr(&output).join("\n");
        assert_eq!(output.status.code(), Some(2), "{command:?}: {message}");
        assert!(
            message.contains("not a regular file"),
            "{command:?}: {message}"
        );
        std::fs::remove_file(&file).expect("removed");
        std::fs::write(&file, kept).expect("written");
    }

    for name in [".lock", "cache.redb"] {
        let _ = std::fs::remove_file(home.join(name));
        let made = Command::new("mkfifo").arg(home.join(name)).status();
        assert!(made.expect("mkfifo").success());
    }
    let error = Lock::take(home).expect_err("a pipe").to_string();
    assert!(error.contains("no regular file"), "{error}");
}
