//! The connected parts of a mask.

/// The set places that touch each other, corners included: each part in order, and the parts in the
/// order of their first place. `columns` is the length of a row.
pub fn touching(mask: &[bool], columns: usize) -> Vec<Vec<usize>> {
    let mut is_open = mask.to_vec();
    let rows = mask.len() / columns.max(1);
    let mut parts = Vec::new();
    for start in 0..is_open.len() {
        if !is_open[start] {
            continue;
        }
        is_open[start] = false;
        let mut part = vec![start];
        let mut next = 0;
        while next < part.len() {
            let (x, y) = (part[next] % columns, part[next] / columns);
            next += 1;
            for row in y.saturating_sub(1)..(y + 2).min(rows) {
                for column in x.saturating_sub(1)..(x + 2).min(columns) {
                    let at = row * columns + column;
                    if is_open[at] {
                        is_open[at] = false;
                        part.push(at);
                    }
                }
            }
        }
        part.sort_unstable();
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_touch_and_rows_do_not_wrap() {
        let mask = [
            [true, false, false, true],
            [false, true, false, false],
            [false, false, false, false],
            [true, false, true, true],
        ];
        let parts = touching(mask.as_flattened(), 4);
        assert_eq!(parts, [vec![0, 5], vec![3], vec![12], vec![14, 15]]);
    }
}
