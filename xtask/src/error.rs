//! How a command fails: what went wrong, and what to type next.

use std::fmt::Display;

use miette::{Report, miette};

/// Every command returns this; `main` prints the report and ends with exit code 1.
pub(crate) type Result<T> = miette::Result<T>;

/// A failure with a way out: `what` happened, `help` says what to do about it.
pub(crate) fn trouble(what: impl Display, help: impl Display) -> Report {
    miette!(help = help.to_string(), "{what}")
}

/// Turns an I/O error at `path` into a report that names both.
pub(crate) fn at_path(doing: &str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Report + use<> {
    let what = format!("cannot {doing} {}", path.display());
    move |error| miette!("{what}: {error}")
}
