//! The manifest, version 0, as `docs/manifest.md` describes it: from text to checked values that know their place.

mod domain;
mod reader;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(crate) use domain::{DomainEntry, Format};

use crate::error::Problem;
use phalanx_abi::bundle::MAX_DOMAINS;

const EXAMPLE: &str = "describe at least one domain:\n\n[[domain]]\nname = \"linux\"\nkernel = \"debian:cloud\"";

/// A manifest without mistakes of its own; whether its files fit is another matter.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) domains: Vec<DomainEntry>,
}

/// Reads a manifest, or says everything that is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Manifest, Vec<Problem>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors.iter().map(syntax).collect());
    }
    let mut problems = Vec::new();
    reader::unknown_keys(root.get_ref(), &["domain"], "a manifest", &mut problems);
    let tables = domain_tables(root.get_ref(), &mut problems);
    let domains: Vec<_> = tables.into_iter().filter_map(|table| domain::read(&table, &mut problems)).collect();
    domain::names_differ(&domains, &mut problems);
    if problems.is_empty() { Ok(Manifest { domains }) } else { Err(problems) }
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
