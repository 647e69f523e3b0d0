//! Serde's error messages in the words of the pipeline file.

/// The message about a key without the names of Rust's types.
///
/// For an unknown key or value it suggests the most similar known one.
pub fn plain_message(key: &str, message: &str) -> String {
    let is_unknown = |what| message.starts_with(what);
    if is_unknown("unknown field") {
        return unknown("key", message);
    }
    if is_unknown("unknown variant") {
        return unknown("value", message);
    }

    let rest = |start: &str| message.strip_prefix(start)?.rsplit_once(", expected ");
    if let Some((found, expected)) = rest("invalid type: ").or(rest("invalid value: ")) {
        let (found, expected) = (plain_value(found), plain_type(key, expected));
        return format!("{found} is given; {expected} is expected");
    }
    if let Some((count, expected)) = rest("invalid length ") {
        let expected = expected.trim_start_matches("an array of length ");
        return format!("a list of {count} is given; a list of {expected} is expected");
    }
    match message.strip_prefix("wanted string or table") {
        Some(_) => "a text in quotes or a table is expected".to_owned(),
        None => message.to_owned(),
    }
}

/// `unknown field `a`, expected one of `b`, `c``, of a key or a value.
fn unknown(what: &str, message: &str) -> String {
    let both = message.split_once('`');
    let both = both.and_then(|(_, names)| names.rsplit_once("`, expected "));
    let Some((unknown, known)) = both else {
        return message.to_owned();
    };
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    let nearest = known
        .iter()
        .map(|name| (changes(unknown, name), name))
        .min_by_key(|(changes, _)| *changes);
    // More changes than half of the letters make another word, not a typing error.
    let suggestion = match nearest {
        Some((changes, name)) if changes * 2 <= unknown.len() => {
            format!(" did you mean `{name}`?")
        }
        _ => String::new(),
    };
    format!(
        "unknown {what} `{unknown}`;{suggestion} known {what}s: {}",
        known.join(", ")
    )
}

/// Letters to change to get a known name, or its start: names are cut short as well.
fn changes(unknown: &str, known: &str) -> usize {
    let count = unknown.chars().count();
    let start: String = known.chars().take(count + 1).collect();
    let whole = strsim::damerau_levenshtein(known, unknown);
    // Short names are starts of many.
    match count {
        4.. => whole.min(1 + strsim::damerau_levenshtein(&start, unknown)),
        _ => whole,
    }
}

/// A value as serde names it: `string "4"`, `integer `-1``, `sequence`.
fn plain_value(found: &str) -> String {
    match found {
        "sequence" => return "a list".to_owned(),
        "map" => return "a table".to_owned(),
        "unit variant" => return "a name alone".to_owned(),
        _ => {}
    }
    if let Some(text) = found.strip_prefix("string ") {
        return format!("the text {text}");
    }
    match found.split('`').nth(1) {
        Some(number) => number.to_owned(),
        None => found.to_owned(),
    }
}

fn plain_type(key: &str, expected: &str) -> String {
    let is_top_level = !key.contains(['.', '[']);
    match expected {
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" => "a whole number from 0 to 4294967295".to_owned(),
        "u64" => "a whole number from 0 on".to_owned(),
        "f64" => "a number".to_owned(),
        "a string" => "a text in quotes".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" if is_top_level => format!("a list of tables, each below a line [[{key}]],"),
        "a sequence" => "a list".to_owned(),
        "newtype variant" => "a table with its values, as { name = .. },".to_owned(),
        _ if !expected.starts_with("struct ") => expected.to_owned(),
        _ if is_top_level => format!("a table, below a line [{key}],"),
        _ => "a table".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_in_the_words_of_the_file() {
        let table = [
            (
                "discovery",
                "invalid type: boolean `true`, expected struct DiscoveryFile",
                "true is given; a table, below a line [discovery], is expected",
            ),
            (
                "region",
                "invalid type: map, expected a sequence",
                "a table is given; a list of tables, each below a line [[region]], is expected",
            ),
            (
                "region[1].corner",
                "invalid type: string \"left\", expected struct CornerFile",
                "the text \"left\" is given; a table is expected",
            ),
            (
                "run.jobs",
                "invalid value: integer `-1`, expected u32",
                "-1 is given; a whole number from 0 to 4294967295 is expected",
            ),
            (
                "run.jobs",
                "invalid type: string \"4\", expected u32",
                "the text \"4\" is given; a whole number from 0 to 4294967295 is expected",
            ),
            (
                "model.classes",
                "invalid type: sequence, expected a string",
                "a list is given; a text in quotes is expected",
            ),
            (
                "preprocess.preset",
                "unknown variant `imagnet`, expected `imagenet` or `zero-one`",
                "unknown value `imagnet`; did you mean `imagenet`? known values: imagenet, \
                 zero-one",
            ),
            (
                "preprocess.preset",
                "unknown variant `imagnet`, expected one of `zero-one`, `imagenet-torchvision`",
                "unknown value `imagnet`; did you mean `imagenet-torchvision`? known values: \
                 zero-one, imagenet-torchvision",
            ),
            (
                "dataset.boxs",
                "unknown field `boxs`, expected one of `root`, `boxes`",
                "unknown key `boxs`; did you mean `boxes`? known keys: root, boxes",
            ),
            (
                "model.engine",
                "unknown variant `a`b`, expected `tract` or `onnxruntime`",
                "unknown value `a`b`; known values: tract, onnxruntime",
            ),
            (
                "preprocess.steps",
                "invalid length 1, expected an array of length 2",
                "a list of 1 is given; a list of 2 is expected",
            ),
            (
                "preprocess.steps",
                "invalid type: unit variant, expected newtype variant",
                "a name alone is given; a table with its values, as { name = .. }, is expected",
            ),
            ("syntax", "duplicate key", "duplicate key"),
        ];
        for (key, message, expected) in table {
            assert_eq!(plain_message(key, message), expected);
        }
    }
}
