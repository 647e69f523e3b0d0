//! Templates of pages: each page is one offline file that loads nothing, with all text escaped.

use super::text::{percent_or, printable, thousands};
use crate::error::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;
use sha2::{Digest, Sha256};

const HEAD: &str = include_str!("page/head.html");
const STYLE: &str = include_str!("page/report.css");

/// A page's template and its script.
pub struct Template {
    name: &'static str,
    text: &'static str,
    /// One file for each concern; they are one script in this order.
    scripts: &'static [&'static str],
}

pub const PAGE: Template = Template {
    name: "report.html",
    text: include_str!("page/report.html"),
    scripts: &[
        include_str!("page/dom.js"),
        include_str!("page/document.js"),
        include_str!("page/store.js"),
        include_str!("page/csv.js"),
        include_str!("page/card.js"),
        include_str!("page/list.js"),
        include_str!("page/bar.js"),
        include_str!("page/zoom.js"),
        include_str!("page/classes.js"),
        include_str!("page/print.js"),
        include_str!("page/keys.js"),
        include_str!("page/start.js"),
    ],
};
pub const CONTACT_SHEET: Template = Template {
    name: "contact_sheet.html",
    text: include_str!("page/contact_sheet.html"),
    scripts: &[],
};
pub const COMPARISON: Template = Template {
    name: "comparison.html",
    text: include_str!("page/comparison.html"),
    scripts: &[],
};
pub const INDEX: Template = Template {
    name: "index.html",
    text: include_str!("page/index.html"),
    scripts: &[],
};

impl Template {
    /// Renders the page; the values of `given` are the template's variables.
    ///
    /// # Errors
    /// When the template does not fit the values.
    pub fn render(&self, title: &str, given: impl Serialize) -> Result<String> {
        let script = self.scripts.concat();
        let context = context! {
            title,
            style => STYLE,
            policy => policy(STYLE, &script),
            script,
            ..Value::from(Serde(given))
        };

        let mut environment = environment();
        let page = environment
            .add_template("head.html", HEAD)
            .and_then(|()| environment.render_str(self.text, context));
        page.map_err(|e| Error::new(format!("failed to render {}: {e:#}", self.name)))
    }
}

/// The content security policy: only this style, this script and pictures inside the page.
fn policy(style: &str, script: &str) -> String {
    let style = source_hash(style);
    let script = if script.is_empty() {
        "'none'".to_owned()
    } else {
        source_hash(script)
    };
    format!(
        "default-src 'none'; img-src data:; style-src {style}; script-src {script}; \
         base-uri 'none'; form-action 'none'"
    )
}

fn source_hash(source: &str) -> String {
    let digest = Sha256::digest(source.as_bytes());
    format!("'sha256-{}'", BASE64.encode(digest))
}

/// Escapes everything by default.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("percent", |value: Option<f64>| percent_or(value, MISSING));
    environment.add_filter("fixed", |value: Option<f64>| match value {
        Some(value) => format!("{value:.1}"),
        None => MISSING.to_owned(),
    });
    environment.add_filter("power", |value: Option<f64>| match value {
        Some(value) => format!("{value:.1e}"),
        None => MISSING.to_owned(),
    });
    environment.add_filter("thousands", |count: u64| thousands(count));
    environment.add_filter("plain", |text: String| printable(&text));
    environment
}

/// In place of a value that was not measured.
const MISSING: &str = "–";
