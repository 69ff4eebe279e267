//! Step by step against the first lane: the first difference, and how it is shown.

use std::fmt::Write;

use super::effects::{Record, Step};
use super::rules::comparable;

/// Steps before a difference that are shown.
const BEFORE: usize = 4;
/// Width of a column.
const COLUMN: usize = 28;

/// A lane's name and steps.
pub(super) struct Lane<'l> {
    pub(super) name: &'l str,
    pub(super) steps: &'l [Step],
}

/// The first step in which two lanes differ.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Counted from 1.
    pub(super) step: usize,
    /// `cause`, `memory`, names of registers; `end` where one lane has no such step.
    pub(super) fields: Vec<String>,
}

/// Looks for the first difference.
pub(super) fn compare(one: &[Step], other: &[Step]) -> Option<Difference> {
    let pairs = one.iter().zip(other).enumerate();
    let first = pairs.map(|(index, (a, b))| (index + 1, differing(&a.record, &b.record)));
    if let Some((step, fields)) = first.into_iter().find(|(_, fields)| !fields.is_empty()) {
        return Some(Difference { step, fields });
    }
    let shorter = one.len().min(other.len());
    (one.len() != other.len()).then(|| Difference { step: shorter + 1, fields: vec!["end".into()] })
}

fn differing(a: &Record, b: &Record) -> Vec<String> {
    let mut fields = Vec::new();
    if a.cause != b.cause {
        fields.push("cause".into());
    }
    if a.memory != b.memory {
        fields.push("memory".into());
    }
    fields.extend(names(a, b).filter(|name| comparable(a, name) != comparable(b, name)).map(str::to_owned));
    fields
}

/// The registers of both, each once.
fn names<'r>(a: &'r Record, b: &'r Record) -> impl Iterator<Item = &'r str> {
    let only = b.registers.iter().filter(|(name, _)| a.registers.iter().all(|(known, _)| known != name));
    a.registers.iter().chain(only).map(|(name, _)| name.as_str())
}

/// The difference side by side, with the steps before it in short.
pub(super) fn show(difference: &Difference, one: &Lane<'_>, other: &Lane<'_>) -> String {
    let step = difference.step;
    let mut text =
        format!("step {step} differs between {} and {}: {}\n", one.name, other.name, difference.fields.join(", "));
    for (index, before) in one.steps.iter().enumerate().take(step - 1).skip((step - 1).saturating_sub(BEFORE)) {
        let _ = writeln!(text, "    {:>5} {} rip={:x}", index + 1, before.record.cause, before.record.register("rip"));
    }
    let at = |lane: &Lane<'_>| lane.steps.get(step - 1).cloned();
    match (at(one), at(other)) {
        (Some(a), Some(b)) => text + &side_by_side(difference, one.name, &a, other.name, &b),
        (Some(a), None) => text + &format!("    {} ended before it; {} has {}", other.name, one.name, a.record.cause),
        (None, Some(b)) => text + &format!("    {} ended before it; {} has {}", one.name, other.name, b.record.cause),
        (None, None) => text,
    }
}

fn side_by_side(difference: &Difference, one: &str, a: &Step, other: &str, b: &Step) -> String {
    let mut text = format!("    {step:>5} {:10} {one:COLUMN$} {other}\n", "", step = difference.step);
    let mut row = |mark: bool, name: &str, left: &str, right: &str| {
        let mark = if mark { '*' } else { ' ' };
        let line = format!("        {mark} {name:10}{left:COLUMN$} {right}");
        let _ = writeln!(text, "{}", line.trim_end());
    };
    let is_marked = |name: &str| difference.fields.iter().any(|field| field == name);
    row(is_marked("cause"), "cause", &a.record.cause, &b.record.cause);
    row(false, "asides", &a.asides.join(" "), &b.asides.join(" "));
    for name in names(&a.record, &b.record) {
        let changed = |record: &Record| record.changed.iter().any(|changed| changed == name);
        if is_marked(name) || changed(&a.record) || changed(&b.record) {
            let value = |record: &Record| format!("{:x}", record.register(name));
            row(is_marked(name), name, &value(&a.record), &value(&b.record));
        }
    }
    let hash = |memory: Option<u64>| memory.map_or_else(|| "-".to_owned(), |hash| format!("{hash:x}"));
    if a.record.memory.or(b.record.memory).is_some() {
        row(is_marked("memory"), "memory", &hash(a.record.memory), &hash(b.record.memory));
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::super::effects::read;
    use super::*;

    const FIRST: &str = "effect 1 start rip=200000 rflags=2\neffect 2 rdmsr:1b rax=fee00900 rip=200002\n\
        effect 3 hypercall:50480000 rax=0 memory=7 rip=200005\n";

    fn difference(change: (&str, &str)) -> Option<Difference> {
        compare(&read(FIRST).unwrap(), &read(&FIRST.replace(change.0, change.1)).unwrap())
    }

    fn at(step: usize, field: &str) -> Option<Difference> {
        Some(Difference { step, fields: vec![field.into()] })
    }

    #[test]
    fn the_first_difference_is_found_and_named() {
        assert_eq!(difference(("", "")), None);
        assert_eq!(difference(("fee00900", "fee00910")), at(2, "rax"));
        assert_eq!(difference(("rdmsr", "wrmsr")), at(2, "cause"));
        assert_eq!(difference(("memory=7", "memory=8")), at(3, "memory"));
        assert_eq!(difference((" rax=0 memory", " rax=0 cr2=5 memory")), at(3, "cr2"));
        assert_eq!(difference(("effect 3", "effective 3")), at(3, "end"));
    }

    #[test]
    fn what_only_some_machines_record_is_no_difference() {
        assert_eq!(difference(("effect 2", "effect - cr4 rbx=5\neffect + rbx=0\neffect 2")), None);
    }

    #[test]
    fn a_difference_is_shown_side_by_side() {
        let (one, other) = (read(FIRST).unwrap(), read(&FIRST.replace("fee00900", "fee00910")).unwrap());
        let found = compare(&one, &other).unwrap();
        let text = show(&found, &Lane { name: "svm", steps: &one }, &Lane { name: "vtx", steps: &other });
        assert!(text.starts_with("step 2 differs between svm and vtx: rax\n        1 start rip=200000\n"), "{text}");
        assert!(text.contains("        * rax       fee00900                     fee00910"), "{text}");
        assert!(text.contains("          rip       200002                       200002"), "{text}");
    }
}
