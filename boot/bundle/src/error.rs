//! Diagnostics: what is wrong, where in the manifest, and what to write instead.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource};

/// Why a bundle could not be built. Print it with a `miette` handler to see the lines of the manifest.
///
/// The first problem is the error itself; all others are related to it.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct Error {
    message: String,
    #[source_code]
    manifest: Option<Arc<NamedSource<String>>>,
    #[label(collection)]
    labels: Vec<LabeledSpan>,
    #[help]
    help: Option<String>,
    #[related]
    others: Vec<Error>,
}

/// One thing that is wrong, at a place in the manifest.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    message: String,
    labels: Vec<(Range<usize>, String)>,
    help: Option<String>,
}

impl Problem {
    /// A problem with `message` at the bytes `at`; the label says what is wrong with them.
    pub(crate) fn new(at: Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { message: message.into(), labels: vec![(at, label.into())], help: None }
    }

    /// Adds a second place.
    pub(crate) fn and(mut self, at: Range<usize>, label: impl Into<String>) -> Self {
        self.labels.push((at, label.into()));
        self
    }

    /// Says what to write instead.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn start(&self) -> usize {
        self.labels.first().map_or(0, |(at, _)| at.start)
    }
}

impl Error {
    /// The manifest itself cannot be read.
    pub(crate) fn unreadable(manifest: &Path, error: &io::Error) -> Self {
        Self {
            message: format!("cannot read the manifest {}: {error}", manifest.display()),
            manifest: None,
            labels: Vec::new(),
            help: Some("docs/manifest.md describes what a manifest looks like".into()),
            others: Vec::new(),
        }
    }

    /// All problems of a manifest, in the order of its text. There is at least one.
    pub(crate) fn in_manifest(name: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(Problem::start);
        let source = Arc::new(NamedSource::new(name, text.to_owned()).with_language("TOML"));
        let mut errors = problems.into_iter().map(|problem| Self::at(problem, Arc::clone(&source)));
        let nothing = || Self::at(Problem::new(0..0, "the manifest is invalid", ""), Arc::clone(&source));
        let first = errors.next().unwrap_or_else(nothing);
        Self { others: errors.collect(), ..first }
    }

    fn at(problem: Problem, manifest: Arc<NamedSource<String>>) -> Self {
        let label = |(at, text): (Range<usize>, String)| LabeledSpan::new_with_span(Some(text), at);
        Self {
            message: problem.message,
            manifest: Some(manifest),
            labels: problem.labels.into_iter().map(label).collect(),
            help: problem.help,
            others: Vec::new(),
        }
    }
}
