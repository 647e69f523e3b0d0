//! Text files with one class name a line.

/// The names of the lines, in order. Blank lines at the end are no names.
///
/// # Errors
/// What is wrong, with its line: a blank line inside the list would move all later names by one.
pub fn parse(text: &str) -> Result<Vec<String>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim).collect();

    let mut names = Vec::with_capacity(lines.len());
    for (number, name) in (1..).zip(lines) {
        if name.is_empty() {
            return Err(format!(
                "line {number} is blank, and a class is named by the number of its line: \
                 remove the line, or name the class"
            ));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}
