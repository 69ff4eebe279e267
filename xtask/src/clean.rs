//! `cargo xtask clean-cache`.

use std::fs;

use crate::error::{Result, at_path};
use crate::places::Places;

/// Removes the cache folder and says how much that frees.
pub(crate) fn run(places: &Places) -> Result<u8> {
    if !places.cache.exists() {
        println!("{} is not there: nothing to do", places.cache.display());
        return Ok(0);
    }
    let bytes = size(&places.cache);
    fs::remove_dir_all(&places.cache).map_err(at_path("remove", &places.cache))?;
    println!("removed {} ({})", places.cache.display(), indicatif::HumanBytes(bytes));
    Ok(0)
}

fn size(path: &std::path::Path) -> u64 {
    let Ok(about) = fs::symlink_metadata(path) else {
        return 0;
    };
    if !about.is_dir() {
        return about.len();
    }
    fs::read_dir(path).into_iter().flatten().flatten().map(|entry| size(&entry.path())).sum()
}
