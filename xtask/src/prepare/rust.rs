//! The Rust libraries for bare-metal targets.
//!
//! A toolchain with the target installed is used as it is. Otherwise `core`, `alloc` and `compiler_builtins` are built once from
//! the source of the very same compiler version into a sysroot of our own; the toolchain itself is never changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::rust_src;
use crate::error::{Result, at_path, trouble};
use crate::places::Places;
use crate::process;
use crate::progress::Task;
use crate::store;

/// As rustup's libraries are built: with bitcode for link-time optimisation, and with frame pointers for backtraces.
const FLAGS: &str = "-C embed-bitcode=yes -C force-frame-pointers=yes";

/// Changes when the libraries are built in another way, so that older ones in the cache are left alone.
const REVISION: &str = "r2";

/// Where a target's libraries are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sysroot {
    /// In the toolchain, as rustup installed them.
    Toolchain,
    /// In this folder, given to rustc as `--sysroot`.
    Private(PathBuf),
}

/// The compiler in use.
#[derive(Clone, Debug)]
pub(crate) struct Compiler {
    /// E.g. `1.95.0`.
    pub(crate) release: String,
    /// First digits of the commit, to tell builds of one release apart.
    commit: String,
    /// The toolchain's own sysroot.
    pub(crate) sysroot: PathBuf,
}

impl Compiler {
    /// Asks rustc, in the checkout so that `rust-toolchain.toml` decides which.
    pub(crate) fn find(places: &Places) -> Result<Self> {
        let ask = |arguments: &[&str]| {
            let help = "install Rust with rustup, then try again";
            process::output(
                Command::new("rustc").args(arguments).current_dir(&places.root),
                "ask rustc for its version",
                help,
            )
        };
        let version = ask(&["-vV"])?;
        let sysroot = ask(&["--print", "sysroot"])?;
        let value = |key| field(&version, key).unwrap_or("unknown");
        let commit = value("commit-hash").chars().take(9).collect();
        Ok(Self { release: value("release").to_owned(), commit, sysroot: PathBuf::from(sysroot.trim()) })
    }

    /// The place of the private sysroot for `target`.
    pub(crate) fn private_sysroot(&self, places: &Places, target: &str) -> PathBuf {
        places.cache.join("rust").join(format!("{}-{}-{REVISION}", self.release, self.commit)).join(target)
    }

    /// Where `target`'s libraries are now; none when they have to be made first.
    pub(crate) fn present(&self, places: &Places, target: &str) -> Option<Sysroot> {
        if has_core(&self.sysroot, target) {
            return Some(Sysroot::Toolchain);
        }
        let private = self.private_sysroot(places, target);
        has_core(&private, target).then_some(Sysroot::Private(private))
    }
}

/// Returns the libraries of `target`; the first call may build them.
pub(crate) fn sysroot(places: &Places, target: &str) -> Result<Sysroot> {
    let compiler = Compiler::find(places)?;
    if let Some(sysroot) = compiler.present(places, target) {
        return Ok(sysroot);
    }
    let place = compiler.private_sysroot(places, target);
    store::once(&place, |scratch| build(places, &compiler, target, scratch)).map(Sysroot::Private)
}

fn build(places: &Places, compiler: &Compiler, target: &str, scratch: &Path) -> Result<()> {
    let library = rust_src::library(places, compiler, target)?;
    store::aside(scratch, |work| {
        write_empty_crate(work)?;
        let task = Task::start(format!("Building Rust's libraries for {target}"));
        let help = format!("check the network connection (crates are fetched), or run: rustup target add {target}");
        let mut cargo = build_std(compiler, &library, target, work);
        process::output(&mut cargo, &format!("build Rust's libraries for {target}"), &help)?;
        task.done("done");
        let built = work.join("target").join(target).join("release/deps");
        copy_libraries(&built, &scratch.join("lib/rustlib").join(target).join("lib"))
    })
}

/// The cargo that builds the libraries beside the crate in `work`. The bootstrap variable is for this call only: crates that
/// look for a nightly compiler would be misled by it.
fn build_std(compiler: &Compiler, library: &Path, target: &str, work: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(work)
        .args(["build", "--quiet", "--release", "--target", target])
        .args(["-Zbuild-std=core,alloc,compiler_builtins", "-Zbuild-std-features=compiler-builtins-mem"])
        .env("RUSTUP_TOOLCHAIN", &compiler.sysroot)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", FLAGS)
        .env("CARGO_TARGET_DIR", work.join("target"))
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", library)
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo
}

fn write_empty_crate(dir: &Path) -> Result<()> {
    let write = |name: &str, text: &str| fs::write(dir.join(name), text).map_err(at_path("write in", dir));
    fs::create_dir(dir.join("src")).map_err(at_path("create a folder in", dir))?;
    write("Cargo.toml", "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n")?;
    write("src/lib.rs", "#![no_std]\n")
}

fn copy_libraries(from: &Path, into: &Path) -> Result<()> {
    fs::create_dir_all(into).map_err(at_path("create", into))?;
    for entry in fs::read_dir(from).map_err(at_path("read", from))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let wanted = ["libcore-", "liballoc-", "libcompiler_builtins-"].iter().any(|start| name.starts_with(start));
        if wanted && name.ends_with(".rlib") {
            fs::copy(entry.path(), into.join(&name)).map_err(at_path("copy", &entry.path()))?;
        }
    }
    Ok(())
}

fn has_core(sysroot: &Path, target: &str) -> bool {
    let folder = sysroot.join("lib/rustlib").join(target).join("lib");
    fs::read_dir(folder).is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libcore-")))
    })
}

fn field<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
}

/// The error for a compiler whose source nobody offers, wanted for `target`.
pub(crate) fn no_source(compiler: &Compiler, target: &str, offered: &[String]) -> miette::Report {
    trouble(
        format!("Debian offers rust-src {}, and this compiler is {}", offered.join(", "), compiler.release),
        format!("run: rustup target add {target}   (or: rustup component add rust-src), then try again"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_version_text() {
        let text = "rustc 1.95.0 (x)\nbinary: rustc\ncommit-hash: 59807616e12\nrelease: 1.95.0\n";
        assert_eq!(field(text, "release"), Some("1.95.0"));
        assert_eq!(field(text, "llvm"), None);
    }

    #[test]
    fn only_the_three_libraries_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        for name in
            ["libcore-1.rlib", "libcore-1.rmeta", "liballoc-2.rlib", "libempty-3.rlib", "libcompiler_builtins-4.rlib"]
        {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let into = dir.path().join("s/lib/rustlib/t/lib");
        copy_libraries(dir.path(), &into).unwrap();
        assert_eq!(fs::read_dir(&into).unwrap().count(), 3);
        assert!(has_core(&dir.path().join("s"), "t"));
        assert!(!has_core(&dir.path().join("s"), "other"));
    }
}
