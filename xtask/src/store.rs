//! Things that are prepared once and then only read.
//!
//! An item is made in a folder of its own beside its place and renamed into it, so a reader sees the whole item or none.
//! A lock file makes two commands that want the same item at once do the work once.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Result, at_path};

/// Returns `place`, made by `make` if it is not there yet. `make` fills the empty folder that it is given.
pub(crate) fn once(place: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    if place.exists() {
        return Ok(place.to_path_buf());
    }
    let _lock = Lock::take(&beside(place, "lock"))?;
    if place.exists() {
        return Ok(place.to_path_buf());
    }
    let parent = place.parent().unwrap_or(Path::new("."));
    let prefix = format!(".making-{}-", place.file_name().unwrap_or_default().to_string_lossy());
    remove_left_over(parent, &prefix);
    let scratch =
        tempfile::Builder::new().prefix(&prefix).tempdir_in(parent).map_err(at_path("create a folder in", parent))?;
    make(scratch.path())?;
    let finished = scratch.keep();
    fs::rename(&finished, place).map_err(at_path("move the finished item to", place))?;
    Ok(place.to_path_buf())
}

/// Removes what killed commands left half made; the item's lock is held.
fn remove_left_over(parent: &Path, prefix: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A folder inside `scratch` for `work`, gone afterwards.
pub(crate) fn aside<T>(scratch: &Path, work: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let folder = scratch.join("aside");
    fs::create_dir(&folder).map_err(at_path("create", &folder))?;
    let result = work(&folder)?;
    fs::remove_dir_all(&folder).map_err(at_path("remove", &folder))?;
    Ok(result)
}

/// Writes `bytes` to `path` so that a reader sees the old content or the new, never a part.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(at_path("create", parent))?;
    let readable = fs::Permissions::from_mode(0o644);
    let mut file =
        tempfile::Builder::new().permissions(readable).tempfile_in(parent).map_err(at_path("write in", parent))?;
    std::io::Write::write_all(&mut file, bytes).map_err(at_path("write", path))?;
    file.persist(path).map_err(|error| at_path("write", path)(error.error))?;
    Ok(())
}

/// An exclusive lock on a file, held until dropped; the kernel releases it when the process ends.
pub(crate) struct Lock(#[expect(dead_code, reason = "held for its lock")] File);

impl Lock {
    /// Waits for the lock file at `path`, creating it where needed.
    pub(crate) fn take(path: &Path) -> Result<Self> {
        let parent = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(at_path("create", parent))?;
        let file = File::create(path).map_err(at_path("open", path))?;
        if file.try_lock().is_err() {
            eprintln!("waiting for another command that prepares the same ({})", path.display());
            file.lock().map_err(at_path("lock", path))?;
        }
        Ok(Self(file))
    }
}

/// `dir/item` → `dir/item.suffix`, dots in the name kept.
fn beside(place: &Path, suffix: &str) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("a.item");
        for _ in 0..2 {
            once(&place, |scratch| {
                assert!(!place.exists(), "made although it is there");
                fs::write(scratch.join("x"), "1").unwrap();
                Ok(())
            })
            .unwrap();
        }
        assert_eq!(fs::read_to_string(place.join("x")).unwrap(), "1");
    }

    #[test]
    fn a_failed_item_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("item");
        once(&place, |_| Err(miette::miette!("no"))).unwrap_err();
        assert!(!place.exists());
        fs::create_dir(dir.path().join(".making-item-killed")).unwrap();
        once(&place, |scratch| {
            aside(scratch, |folder| fs::write(folder.join("x"), "").map_err(at_path("write", folder)))
        })
        .unwrap();
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0, "nothing from aside");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "the item and its lock");
    }

    #[test]
    fn two_threads_make_one_item() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("item");
        let made = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    once(&place, |_| {
                        made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        Ok(())
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }
}
