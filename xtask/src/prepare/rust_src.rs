//! The source of Rust's libraries: from the toolchain where rustup put it, else from Debian's package of the same version.

use std::fs;
use std::path::{Path, PathBuf};

use super::apt::Apt;
use super::rust::{Compiler, no_source};
use crate::arch::Arch;
use crate::error::{Result, at_path, trouble};
use crate::places::Places;
use crate::store;

const PACKAGE: &str = "rust-src";

/// Suites that carry new compilers, tried in this order: the small list first.
const SUITES: [(&str, &[&str]); 2] = [("rust-backports", &["trixie-backports"]), ("rust-unstable", &["sid"])];

/// Returns the `library` folder whose version equals the compiler's.
pub(crate) fn library(places: &Places, compiler: &Compiler, target: &str) -> Result<PathBuf> {
    let installed = compiler.sysroot.join("lib/rustlib/src/rust/library");
    if installed.join("Cargo.lock").exists() {
        return Ok(installed);
    }
    let place = places.cache.join("rust").join(format!("src-{}", compiler.release));
    store::once(&place, |scratch| fetch(places, compiler, target, scratch)).map(|folder| folder.join("library"))
}

fn fetch(places: &Places, compiler: &Compiler, target: &str, scratch: &Path) -> Result<()> {
    let mut offered = Vec::new();
    for (state, suites) in SUITES {
        let apt = Apt::open(places, state, suites, Arch::X86)?;
        let right = |version: &String| is_release(version, &compiler.release);
        let found = apt.look_up(PACKAGE, |apt| apt.versions(PACKAGE).into_iter().find(right));
        match (found, apt.versions(PACKAGE)) {
            (Ok(version), _) => return unpack(&apt, &version, scratch),
            (Err(error), versions) if versions.is_empty() => return Err(error),
            (Err(_), versions) => offered.extend(versions),
        }
    }
    Err(no_source(compiler, target, &offered))
}

fn unpack(apt: &Apt, version: &str, scratch: &Path) -> Result<()> {
    store::aside(scratch, |unpacked| {
        apt.unpack(&format!("{PACKAGE}={version}"), unpacked)?;
        let sources = unpacked.join("usr/src");
        let library = fs::read_dir(&sources)
            .map_err(at_path("read", &sources))?
            .filter_map(|entry| Some(entry.ok()?.path().join("library")))
            .find(|library| library.join("Cargo.lock").exists())
            .ok_or_else(|| {
                trouble(format!("{PACKAGE} {version} holds no library folder"), "rustup component add rust-src")
            })?;
        fs::rename(&library, scratch.join("library")).map_err(at_path("move", &library))
    })
}

/// Whether Debian's version (`1.95.0+dfsg1-2~bpo13+1`) is a package of `release` (`1.95.0`).
fn is_release(version: &str, release: &str) -> bool {
    version.strip_prefix(release).is_some_and(|rest| rest.starts_with(['+', '-', '~']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_matches_its_release_only() {
        assert!(is_release("1.95.0+dfsg1-2~bpo13+1", "1.95.0"));
        assert!(!is_release("1.96.1+dfsg1-1~bpo13+1", "1.95.0"));
        assert!(!is_release("1.95.01", "1.95.0"));
    }
}
