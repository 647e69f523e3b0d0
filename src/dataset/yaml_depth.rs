//! Checks how deep a YAML file is nested before it is parsed: the parser's time grows with the
//! square of the depth, and 200 KB can hold 100,000 levels.

/// Most levels; a file of names has two. The parser itself refuses more than 128, but only later.
const DEPTH_MAX: usize = 500;
/// Most columns of blanks and of the signs of lists and keys at the start of a line: each level of
/// a block takes one or two.
const INDENT_MAX: usize = 2 * DEPTH_MAX;

/// # Errors
/// When there are more levels than `DEPTH_MAX`; names the line.
pub fn check(text: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    for (number, line) in (1..).zip(text.lines()) {
        depth = brackets(line, depth);
        if depth > DEPTH_MAX || indent(line) > INDENT_MAX {
            return Err(format!(
                "line {number} is nested too deep for a file of names"
            ));
        }
    }
    Ok(())
}

/// The largest number of columns before the content of a line.
fn indent(line: &str) -> usize {
    let is_structure = |byte: &u8| matches!(byte, b' ' | b'\t' | b'-' | b'?' | b':');
    line.bytes().take_while(|byte| is_structure(byte)).count()
}

/// Open brackets at the end of a line, or the most in it where those are too many. Brackets of
/// names count as well; whoever has five hundred names with a bracket that is not closed can quote
/// none.
fn brackets(line: &str, open: usize) -> usize {
    let mut open = open;
    for byte in line.bytes() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > DEPTH_MAX {
            return open;
        }
    }
    open
}
