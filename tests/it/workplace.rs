//! A pipeline on files of its own, and `measure`, `run` and `conclude` on it as commands.

use crate::support::{camaudit, demo_text, files, fixtures, stderr};
use camaudit::runs::history;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A folder with a pipeline `demo.toml` on a copy of the demo's model.
pub struct Workplace {
    folder: tempfile::TempDir,
}

impl Workplace {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let workplace = Self { folder };
        workplace.use_model("shortcut.onnx");
        let shortcut = fixtures().join("models/shortcut.onnx");
        let text = demo_text("shortcut.onnx").replace(
            &shortcut.display().to_string(),
            &workplace.path("model.onnx").display().to_string(),
        );
        std::fs::write(workplace.pipeline(), text).expect("pipeline");
        workplace
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn pipeline(&self) -> PathBuf {
        self.path("demo.toml")
    }

    pub fn use_model(&self, name: &str) {
        let model = fixtures().join("models").join(name);
        std::fs::copy(model, self.path("model.onnx")).expect("model");
    }

    /// Runs `measure` or `run` with the reports in `out`; returns the run folder.
    pub fn start(&self, command: &str, out: &str, more: &[&str]) -> PathBuf {
        let pipeline = self.pipeline().display().to_string();
        let out = self.path(out).display().to_string();
        let mut arguments = vec![command, &pipeline, "--out", &out, "--quiet"];
        arguments.extend(["--set", "run.shard_size=100"]);
        arguments.extend(more);
        let output = camaudit(&arguments);
        assert_eq!(output.status.code(), Some(0), "{:?}", stderr(&output));
        newest(&Path::new(&out).join("demo"))
    }
}

pub fn newest(home: &Path) -> PathBuf {
    let mut runs = history::unfinished(home);
    runs.extend(history::finished(home));
    runs.sort();
    runs.pop().expect("a run")
}

pub fn conclude(run: &Path, more: &[&str]) -> Output {
    let run = run.display().to_string();
    let mut arguments = vec!["conclude", run.as_str(), "--quiet"];
    arguments.extend(more);
    camaudit(&arguments)
}

pub fn concluded(run: &Path, more: &[&str]) {
    let output = conclude(run, more);
    assert_eq!(output.status.code(), Some(0), "{:?}", stderr(&output));
}

/// `conclude` ends with exit code 2 and a message with these texts.
pub fn refused(run: &Path, more: &[&str], texts: &[&str]) {
    let output = conclude(run, more);
    let message = stderr(&output).join("\n");
    assert_eq!(output.status.code(), Some(2), "{texts:?}: {message}");
    for text in texts {
        assert!(message.contains(text), "{text:?} is not in: {message}");
    }
}

pub fn copy(from: &Path, to: &Path) {
    for (name, bytes) in files(from) {
        let file = to.join(name);
        std::fs::create_dir_all(file.parent().expect("parent")).expect("folder");
        std::fs::write(file, bytes).expect("written");
    }
}

/// A copy of a run in a pipeline folder of its own.
pub fn copied(run: &Path, home: &Path) -> PathBuf {
    let copy_of_run = home.join(run.file_name().expect("a run id"));
    copy(run, &copy_of_run);
    copy_of_run
}
