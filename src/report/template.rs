//! Pages: each one offline file that may load nothing, and everything in it escaped.

use super::summary::printable;
use crate::error::{Error, Result};
use crate::verdict::thousands;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;
use sha2::{Digest, Sha256};

const HEAD: &str = include_str!("page/head.html");
const STYLE: &str = include_str!("page/report.css");

/// A page's template, and the script that it runs.
pub struct Template {
    name: &'static str,
    text: &'static str,
    script: &'static str,
}

pub const REPORT: Template = Template {
    name: "report.html",
    text: include_str!("page/report.html"),
    script: include_str!("page/report.js"),
};
pub const GALLERY: Template = Template {
    name: "gallery.html",
    text: include_str!("page/gallery.html"),
    script: "",
};
pub const INDEX: Template = Template {
    name: "index.html",
    text: include_str!("page/index.html"),
    script: "",
};

impl Template {
    /// # Errors
    /// When the template does not fit what it is given.
    pub fn render(&self, title: &str, given: impl Serialize) -> Result<String> {
        let context = context! {
            title,
            style => STYLE,
            script => self.script,
            policy => policy(STYLE, self.script),
            ..Value::from(Serde(given))
        };
        let mut environment = environment();
        let page = environment
            .add_template("head.html", HEAD)
            .and_then(|()| environment.render_str(self.text, context));
        page.map_err(|e| Error::new(format!("failed to render {}: {e:#}", self.name)))
    }
}

/// What the browser may run and load: the style and the script of these very texts, pictures inside the page.
fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| {
        format!(
            "'sha256-{}'",
            BASE64.encode(Sha256::digest(text.as_bytes()))
        )
    };
    let (style, script) = (
        hash(style),
        if script.is_empty() {
            "'none'".to_owned()
        } else {
            hash(script)
        },
    );
    format!(
        "default-src 'none'; img-src data:; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"
    )
}

/// Templates escape everything by default.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("percent", |v: Option<f64>| {
        v.map_or("–".to_owned(), |v| format!("{:.1} %", 100.0 * v))
    });
    environment.add_filter("fixed", |v: Option<f64>| {
        v.map_or("–".to_owned(), |v| format!("{v:.1}"))
    });
    environment.add_filter("power", |v: Option<f64>| {
        v.map_or("–".to_owned(), |v| format!("{v:.1e}"))
    });
    environment.add_filter("thousands", |v: u64| thousands(v));
    environment.add_filter("plain", |text: String| printable(&text));
    environment
}
