//! One package file: its address and checksum as the signed lists give them, and its download.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::apt::NETWORK_HELP;
use crate::error::{Result, trouble};
use crate::process;
use crate::progress::Task;

/// How often the bar moves.
const GLANCE: Duration = Duration::from_millis(100);

/// A package file in the archive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Archive {
    uri: String,
    file: String,
    bytes: u64,
    /// `SHA256:…`.
    checksum: String,
}

impl Archive {
    /// Reads a line of `apt-get --print-uris`, `'URI' FILE BYTES CHECKSUM`: the first whose file has this `ending`.
    pub(super) fn parse(uris: &str, ending: &str) -> Option<Self> {
        let lines = uris.lines().filter(|line| line.starts_with('\''));
        let mut files = lines.filter(|line| line.split_whitespace().nth(1).is_some_and(|file| file.ends_with(ending)));
        let mut words = files.next()?.split_whitespace();
        let uri = words.next()?.trim_matches('\'').to_owned();
        let file = words.next()?.to_owned();
        let bytes = words.next()?.parse().ok()?;
        Some(Self { uri, file, bytes, checksum: words.next()?.to_owned() })
    }

    /// Downloads into `folder` with apt's `helper` and returns the file. What is there of it already is used.
    pub(super) fn fetch(&self, package: &str, mut helper: Command, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(&self.file);
        let task = Task::download(format!("Fetching {package}"), self.bytes);
        helper.arg("download-file").args([&self.uri, &self.file, &self.checksum]).current_dir(folder);
        let doing = format!("fetch {package}");
        let fetched = std::thread::scope(|scope| {
            let fetching = scope.spawn(|| process::output(&mut helper, &doing, NETWORK_HELP));
            while !fetching.is_finished() {
                task.at(fs::metadata(&path).map_or(0, |file| file.len()));
                std::thread::sleep(GLANCE);
            }
            fetching.join()
        });
        fetched.map_err(|_| trouble(format!("cannot {doing}"), NETWORK_HELP))??;
        task.done("done");
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gives_address_file_size_and_checksum() {
        let uris = "Reading...\n'http://m/p/x_1%3a2.deb' x_1%3a2_amd64.deb 1234 SHA256:00ff\n";
        let archive = Archive::parse(uris, "").unwrap();
        assert_eq!((archive.uri.as_str(), archive.file.as_str()), ("http://m/p/x_1%3a2.deb", "x_1%3a2_amd64.deb"));
        assert_eq!((archive.bytes, archive.checksum.as_str()), (1234, "SHA256:00ff"));
        assert_eq!(Archive::parse("E: no such package\n", ""), None);
    }

    #[test]
    fn one_file_of_a_source_package_is_chosen() {
        let uris = "'http://m/x.dsc' x.dsc 1 SHA256:01\n'http://m/x.orig.tar.xz' x.orig.tar.xz 2 SHA256:02\n";
        assert_eq!(Archive::parse(uris, ".orig.tar.xz").unwrap().bytes, 2);
        assert_eq!(Archive::parse(uris, ".debian.tar.xz"), None);
    }
}
