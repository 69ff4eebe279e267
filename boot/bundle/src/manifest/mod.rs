//! The manifest, version 0, as `docs/manifest.md` describes it: from text to checked values that know their place.

mod domain;
mod reader;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(crate) use domain::{DomainEntry, Format};

use phalanx_abi::bundle::{Architecture, MAX_DOMAINS};
use reader::Reader;

use crate::error::Problem;

const EXAMPLE: &str = "describe at least one domain:\n\n[[domain]]\nname = \"linux\"\nkernel = \"debian:cloud\"";

/// A manifest without mistakes of its own; whether its files fit is another matter.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) domains: Vec<DomainEntry>,
}

/// Reads a manifest, or says everything that is wrong with it.
pub(crate) fn parse(text: &str, architecture: Architecture) -> Result<Manifest, Vec<Problem>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors.iter().map(syntax).collect());
    }
    let mut problems = Vec::new();
    reader::unknown_keys(root.get_ref(), &["architecture", "domain"], "a manifest", &mut problems);
    if let Some(wanted) = wanted(&Spanned::new(root.span(), root.get_ref()), &mut problems) {
        problems.extend(mismatch(&wanted, architecture));
    }
    let tables = domain_tables(root.get_ref(), &mut problems);
    let read = |table| domain::read(&table, architecture, &mut problems);
    let domains: Vec<_> = tables.into_iter().filter_map(read).collect();
    domain::names_differ(&domains, &mut problems);
    if problems.is_empty() { Ok(Manifest { domains }) } else { Err(problems) }
}

/// The architecture that a manifest asks for.
fn wanted(root: &Spanned<&DeTable<'_>>, problems: &mut Vec<Problem>) -> Option<Spanned<Architecture>> {
    let choices = [Architecture::X86_64, Architecture::Aarch64].map(|one| (one.name(), one));
    Reader::new(root, "a manifest", problems).choice("architecture", &choices)
}

/// The complaint about a manifest for other machines than those that it is built for.
fn mismatch(wanted: &Spanned<Architecture>, built: Architecture) -> Option<Problem> {
    let name = *wanted.get_ref();
    let problem = || {
        Problem::new(wanted.span(), format!("the manifest is for {name} machines"), format!("built for {built}"))
            .help(format!("build it for {name} (`--arch {name}`), or leave `architecture` out if it fits any machine"))
    };
    (name != built).then(problem)
}

fn syntax(error: &toml::de::Error) -> Problem {
    let at = error.span().unwrap_or(0..0);
    Problem::new(at, "the manifest is not valid TOML", error.message())
}

/// The `[[domain]]` tables.
fn domain_tables<'a, 'i>(root: &'a DeTable<'i>, problems: &mut Vec<Problem>) -> Vec<Spanned<&'a DeTable<'i>>> {
    let Some(value) = root.get("domain") else {
        problems.push(Problem::new(0..0, "the manifest has no domain", "").help(EXAMPLE));
        return Vec::new();
    };
    let not_tables =
        |at| Problem::new(at, "`domain` is not a list of tables", "write `[[domain]]` with two brackets").help(EXAMPLE);
    let DeValue::Array(array) = value.get_ref() else {
        problems.push(not_tables(value.span()));
        return Vec::new();
    };
    if array.is_empty() || array.len() > MAX_DOMAINS {
        let message = format!("the manifest has {} domains", array.len());
        problems.push(Problem::new(value.span(), message, format!("1 to {MAX_DOMAINS} are possible")));
    }
    let mut tables = Vec::new();
    for item in array {
        match item.get_ref() {
            DeValue::Table(table) => tables.push(Spanned::new(item.span(), table)),
            _ => problems.push(not_tables(item.span())),
        }
    }
    tables
}
