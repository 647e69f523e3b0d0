//! Finding, removing and merging keys of a parsed TOML document.

use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Position of a dotted key, or of the deepest part of it that is written.
pub fn find(root: &Spanned<DeTable<'_>>, key: &str) -> Option<usize> {
    let mut steps = key.split(['.', '[']).map(|step| step.trim_end_matches(']'));
    let (name, mut value) = root.get_ref().get_key_value(steps.next()?)?;
    let mut start = name.span().start;

    for step in steps {
        let Some((child_start, child)) = child(value.get_ref(), step) else {
            break;
        };
        start = child_start;
        value = child;
    }
    Some(start)
}

/// The value at a key of a table or at an index of an array, and its position.
fn child<'t, 'a>(value: &'t DeValue<'a>, step: &str) -> Option<(usize, &'t Spanned<DeValue<'a>>)> {
    match value {
        DeValue::Table(table) => {
            let (key, value) = table.get_key_value(step)?;
            Some((key.span().start, value))
        }
        DeValue::Array(items) => {
            let item = items.get(step.parse::<usize>().ok()?)?;
            Some((item.span().start, item))
        }
        _ => None,
    }
}

/// Removes the key or element at `span`, which may be the span of the key or of its value.
///
/// Returns its dotted key, below `parent`, and its position; `None` if nothing has that span.
pub fn remove(
    table: &mut DeTable<'_>,
    span: &Range<usize>,
    parent: &str,
) -> Option<(String, usize)> {
    let hit = table
        .iter()
        .find(|(key, value)| key.span() == *span || value.span() == *span)
        .map(|(key, _)| key.clone());
    if let Some(key) = hit {
        table.remove(key.get_ref().as_ref());
        return Some((join(parent, key.get_ref()), key.span().start));
    }

    for (key, value) in table {
        let removed = remove_below(value.get_mut(), span, &join(parent, key.get_ref()));
        if removed.is_some() {
            return removed;
        }
    }
    None
}

fn remove_below(
    value: &mut DeValue<'_>,
    span: &Range<usize>,
    parent: &str,
) -> Option<(String, usize)> {
    let items = match value {
        DeValue::Table(table) => return remove(table, span, parent),
        DeValue::Array(items) => items,
        _ => return None,
    };

    if let Some(hit) = items.iter().position(|item| item.span() == *span) {
        // The array type has no `remove`: rebuild it without the element.
        let all = std::mem::replace(items, std::iter::empty().collect());
        for (i, item) in all.into_iter().enumerate() {
            if i != hit {
                items.push(item);
            }
        }
        return Some((format!("{parent}[{hit}]"), span.start));
    }

    for (i, item) in items.iter_mut().enumerate() {
        let removed = remove_below(item.get_mut(), span, &format!("{parent}[{i}]"));
        if removed.is_some() {
            return removed;
        }
    }
    None
}

fn join(parent: &str, key: &str) -> String {
    if parent.is_empty() {
        key.to_owned()
    } else {
        format!("{parent}.{key}")
    }
}

/// Writes the keys of `from` over those of `into`; tables are merged, other values replaced.
pub fn merge<'a>(into: &mut DeTable<'a>, from: DeTable<'a>) {
    for (key, value) in from {
        let old = into.get_mut(key.get_ref().as_ref()).map(Spanned::get_mut);
        if let Some(DeValue::Table(old)) = old
            && value.get_ref().is_table()
        {
            if let DeValue::Table(new) = value.into_inner() {
                merge(old, new);
            }
            continue;
        }

        // Inserting over an existing key would keep that key, and with it the old position.
        into.remove(key.get_ref().as_ref());
        into.insert(key, value);
    }
}
