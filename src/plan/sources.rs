//! The pipeline text and the overrides as one range of positions.

/// The texts that a pipeline is parsed from.
///
/// Each override becomes a line of TOML, padded to start behind all text before it, so that the
/// position of a key tells which text it comes from.
pub struct Sources {
    text: String,
    overrides: Vec<String>,
}

impl Sources {
    pub fn new(text: String, overrides: &[String]) -> Self {
        let mut padded = Vec::new();
        let mut start = text.len() + 1;
        for pair in overrides {
            let line = " ".repeat(start) + &toml_line(pair);
            start = line.len() + 1;
            padded.push(line);
        }

        Self {
            text,
            overrides: padded,
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The overrides as lines of TOML, each behind the text and the overrides before it.
    pub fn overrides(&self) -> &[String] {
        &self.overrides
    }
}

/// A `key=value` pair as TOML.
///
/// A value that is not TOML is taken as a string, so `run.out=x` needs no quotes.
fn toml_line(pair: &str) -> String {
    match pair.split_once('=') {
        Some((key, value)) if pair.parse::<toml::Table>().is_err() => {
            format!("{key}={}", toml::Value::String(value.trim().to_owned()))
        }
        _ => pair.to_owned(),
    }
}

/// Line of a position, from 1.
pub fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&b| b == b'\n').count() + 1
}
