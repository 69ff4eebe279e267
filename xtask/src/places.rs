//! Where things are: the checkout, its build output, and the cache folder that all checkouts share.

use std::path::{Path, PathBuf};

use directories::BaseDirs;

use crate::error::{Result, trouble};

/// The folders that the commands work in.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// Top of the checkout.
    pub(crate) root: PathBuf,
    /// Cargo's output folder of this checkout (`CARGO_TARGET_DIR` is respected).
    pub(crate) target: PathBuf,
    /// Downloaded and prepared things: `$XDG_CACHE_HOME/phalanx`, by default `~/.cache/phalanx`.
    pub(crate) cache: PathBuf,
}

impl Places {
    /// Finds the folders; none of them is created here.
    pub(crate) fn find() -> Result<Self> {
        let crate_dir = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = crate_dir.parent().map(Path::to_path_buf).unwrap_or(crate_dir);
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        let cache = BaseDirs::new()
            .ok_or_else(|| trouble("there is no home folder to keep downloads in", "set HOME or XDG_CACHE_HOME"))?
            .cache_dir()
            .join("phalanx");
        Ok(Self { root, target, cache })
    }

    /// `path` relative to the checkout where it is inside it: shorter to read.
    pub(crate) fn short<'p>(&self, path: &'p Path) -> std::path::Display<'p> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}
