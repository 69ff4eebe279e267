//! Reads the keys of one table: right type, right choice, no key that nobody asked for.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::Problem;

/// What people write who know other tools, and what it is called here.
const ALIASES: [(&str, &str); 14] = [
    ("cpus", "vcpus"),
    ("smp", "vcpus"),
    ("cores", "vcpus"),
    ("mem", "memory"),
    ("ram", "memory"),
    ("ramdisk", "initrd"),
    ("initramfs", "initrd"),
    ("module", "initrd"),
    ("append", "cmdline"),
    ("bootargs", "cmdline"),
    ("image", "kernel"),
    ("address", "load"),
    ("arch", "architecture"),
    ("machine", "architecture"),
];

/// The keys of one table. Problems are collected; a value with a problem reads as absent.
pub(super) struct Reader<'a, 'i> {
    table: &'a Spanned<&'a DeTable<'i>>,
    owner: &'static str,
    asked: Vec<&'static str>,
    problems: &'a mut Vec<Problem>,
}

impl<'a, 'i> Reader<'a, 'i> {
    /// `owner` is what the table is called in complaints.
    pub(super) fn new(
        table: &'a Spanned<&'a DeTable<'i>>,
        owner: &'static str,
        problems: &'a mut Vec<Problem>,
    ) -> Self {
        Self { table, owner, asked: Vec::new(), problems }
    }

    /// Adds a problem that the caller found in a value.
    pub(super) fn complain(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    pub(super) fn string(&mut self, key: &'static str) -> Option<Spanned<String>> {
        self.typed(key, "a string", |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> Option<Spanned<bool>> {
        self.typed(key, "`true` or `false`", DeValue::as_bool)
    }

    /// A number from 0 to 2^63 - 1, in any base that TOML knows.
    pub(super) fn number(&mut self, key: &'static str) -> Option<Spanned<u64>> {
        self.typed(key, "a whole number that is not negative", |value| {
            let integer = value.as_integer()?;
            u64::from_str_radix(integer.as_str(), integer.radix()).ok()
        })
    }

    /// One of the given words.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<Spanned<T>> {
        let text = self.string(key)?;
        let chosen = choices.iter().find(|(word, _)| word == text.get_ref());
        if let Some((_, value)) = chosen {
            return Some(Spanned::new(text.span(), *value));
        }
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let message = format!("`{}` is not a value of `{key}`", text.get_ref());
        let mut problem = Problem::new(text.span(), message, "unknown value");
        problem = problem.help(suggestion(text.get_ref(), &words, "possible values are"));
        self.complain(problem);
        None
    }

    /// Complains that a key which cannot be left out was not there at all.
    pub(super) fn require(&mut self, key: &'static str, example: &str) {
        if !self.table.get_ref().contains_key(key) {
            let message = format!("the domain has no `{key}`");
            let problem = Problem::new(self.table.span(), message, "in this domain");
            self.complain(problem.help(format!("write for example `{key} = {example}`")));
        }
    }

    /// Complains about all keys that nobody asked for.
    pub(super) fn finish(self) {
        unknown_keys(self.table.get_ref(), &self.asked, self.owner, self.problems);
    }

    fn typed<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl Fn(&DeValue<'i>) -> Option<T>,
    ) -> Option<Spanned<T>> {
        self.asked.push(key);
        let value = self.table.get_ref().get(key)?;
        let Some(read) = read(value.get_ref()) else {
            let message = format!("`{key}` must be {expected}");
            self.complain(Problem::new(value.span(), message, format!("expected {expected}")));
            return None;
        };
        Some(Spanned::new(value.span(), read))
    }
}

/// Complains about keys of `table` that are not in `known`.
pub(super) fn unknown_keys(table: &DeTable<'_>, known: &[&str], owner: &str, problems: &mut Vec<Problem>) {
    for key in table.keys() {
        let name = key.get_ref().as_ref();
        if !known.contains(&name) {
            let at: Range<usize> = key.span();
            let problem = Problem::new(at, format!("{owner} has no key `{name}`"), "unknown key");
            problems.push(problem.help(suggestion(name, known, "possible keys are")));
        }
    }
}

/// "did you mean", or the whole choice where nothing is near.
fn suggestion(word: &str, known: &[&str], all: &str) -> String {
    let alias = ALIASES.iter().find(|(other, _)| *other == word).map(|(_, here)| *here);
    let near = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), *candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let found = alias.filter(|alias| known.contains(alias)).or(near.map(|(_, candidate)| candidate));
    match found {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("{all} `{}`", known.join("`, `")),
    }
}
