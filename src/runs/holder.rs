//! The process that holds a lock, as it is written into the lock's file.

use super::clock;

/// A process: its computer, its id, and when it started by the computer's own count.
#[derive(Debug, PartialEq, Eq)]
pub struct Holder {
    host: String,
    process: u32,
    /// Tells the process from a later one with the same id; empty where it is not known.
    start: String,
}

impl Holder {
    /// This process.
    pub fn this() -> Self {
        let process = std::process::id();
        Self {
            host: host(),
            process,
            start: start_of(process).unwrap_or_default(),
        }
    }

    /// One line for the file.
    pub fn text(&self) -> String {
        let now = clock::now().strftime("%Y-%m-%d %H:%M:%S UTC");
        format!(
            "process {} of host {} (start {}) since {now}\n",
            self.process, self.host, self.start
        )
    }

    /// `None` for a text that [`Holder::text`] has not written.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("process ")?;
        let (process, rest) = rest.split_once(" of host ")?;
        let (host, rest) = rest.split_once(" (start ")?;
        let (start, _) = rest.split_once(')')?;
        Some(Self {
            host: host.to_owned(),
            process: process.parse().ok()?,
            start: start.to_owned(),
        })
    }

    /// Whether the process is known to have ended: it was one of this computer, and no process of
    /// its id and start is there.
    pub fn is_gone(&self) -> bool {
        let here = Self::this();
        if self.host != here.host || here.start.is_empty() || self.start.is_empty() {
            return false;
        }
        start_of(self.process).is_none_or(|start| start != self.start)
    }
}

/// The name of this computer; "unknown" where the system does not tell it.
fn host() -> String {
    let name = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|file| std::fs::read_to_string(file).ok());
    let name = name.unwrap_or_default();
    match name.trim() {
        "" => "unknown".to_owned(),
        name => name.to_owned(),
    }
}

/// When a process started, in ticks since the computer did; `None` where there is no such process,
/// or the system does not tell.
fn start_of(process: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name in parentheses, and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19).map(str::to_owned)
}
