//! Debian packages without touching the system: `apt-get` with lists and archives of our own.
//!
//! apt checks the signature of the lists and the checksum of each package, and resumes a download that was cut.
//! The mirror is the one that this machine's apt already uses; `PHALANX_DEBIAN_MIRROR` names another.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::download::Archive;
use super::mirror::Mirror;
use crate::arch::Arch;
use crate::error::{Result, at_path, trouble};
use crate::places::Places;
use crate::process;
use crate::progress::Task;
use crate::store::Lock;

/// apt's own downloader: it checks the checksum and goes on where a cut download ended.
const HELPER: &str = "/usr/lib/apt/apt-helper";
pub(super) const NETWORK_HELP: &str =
    "check the network connection and run the same command again: a cut download is resumed";

/// Settings that keep apt inside our folder, without the caches that it can make again from the lists. Read after the system's
/// own files, so that proxies stay in force.
const SETTINGS: &str = r#"
Dir::State::Lists "@DIR@/lists";
Dir::Cache "@DIR@/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::SourceList "@DIR@/sources.list";
Dir::Etc::SourceParts "/dev/null";
APT::Architecture "@ARCH@";
#clear APT::Architectures;
APT::Architectures { "@ARCH@"; };
APT::Sandbox::User "root";
APT::Update::Post-Invoke "";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::Retries "3";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
"#;

/// An apt state folder of our own over some suites of Debian.
pub(crate) struct Apt {
    dir: PathBuf,
    _lock: Lock,
}

impl Apt {
    /// Opens (and locks) the state folder `name` over `suites` for packages of `arch`. Nothing is downloaded yet.
    pub(crate) fn open(places: &Places, name: &str, suites: &[&str], arch: Arch) -> Result<Self> {
        Self::over(places, name, arch, |mirror| mirror.packages(suites))
    }

    /// The same with the suites' source packages ([`Self::source`]).
    pub(crate) fn open_with_sources(places: &Places, name: &str, suites: &[&str], arch: Arch) -> Result<Self> {
        Self::over(places, name, arch, |mirror| mirror.packages(suites) + &mirror.sources(suites))
    }

    fn over(places: &Places, name: &str, arch: Arch, sources: impl Fn(&Mirror) -> String) -> Result<Self> {
        if process::find("apt-get").is_none() {
            return Err(trouble(
                "this machine has no apt-get to fetch Debian packages with",
                format!("run on Debian or Ubuntu, or fill {} from such a machine", places.cache.display()),
            ));
        }
        let dir = places.cache.join("apt").join(name);
        let lock = Lock::take(&dir.join("lock"))?;
        for cache in ["cache/pkgcache.bin", "cache/srcpkgcache.bin"] {
            let _ = fs::remove_file(dir.join(cache));
        }
        for folder in ["lists/partial", "cache/archives/partial"] {
            let folder = dir.join(folder);
            fs::create_dir_all(&folder).map_err(at_path("create", &folder))?;
        }
        let apt = Self { dir, _lock: lock };
        apt.write("sources.list", &sources(&Mirror::find()?))?;
        let settings = SETTINGS.replace("@DIR@", &apt.dir.display().to_string()).replace("@ARCH@", arch.debian());
        apt.write("apt.conf", &settings)?;
        Ok(apt)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.dir.join(name);
        fs::write(&path, text).map_err(at_path("write", &path))
    }

    /// `apt-get` or `apt-cache` with our settings.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.arg("-c").arg(self.dir.join("apt.conf")).env("LC_ALL", "C");
        command
    }

    /// Refreshes the package lists.
    pub(crate) fn update(&self) -> Result<()> {
        let task = Task::start("Fetching Debian's package lists");
        process::output(
            self.command("apt-get").args(["update", "-qq", "--error-on=any"]),
            "fetch Debian's package lists",
            NETWORK_HELP,
        )?;
        task.done("done");
        Ok(())
    }

    /// Runs `lookup`; when it finds nothing, refreshes the lists and looks once more.
    pub(crate) fn look_up<T>(&self, what: &str, lookup: impl Fn(&Self) -> Option<T>) -> Result<T> {
        if let Some(found) = lookup(self) {
            return Ok(found);
        }
        self.update()?;
        lookup(self).ok_or_else(|| {
            trouble(
                format!("Debian's package lists have no {what}"),
                "PHALANX_DEBIAN_MIRROR=URL names another mirror, then run the same command again",
            )
        })
    }

    /// All versions of `package` that the lists offer, newest first.
    pub(crate) fn versions(&self, package: &str) -> Vec<String> {
        let mut command = self.command("apt-cache");
        let listed = process::output(command.args(["madison", package]), "list versions", "").unwrap_or_default();
        listed.lines().filter_map(|line| line.split('|').nth(1)).map(|version| version.trim().to_owned()).collect()
    }

    /// The first package in `Depends:` of `package` whose name starts with `prefix`.
    pub(crate) fn dependency(&self, package: &str, prefix: &str) -> Option<String> {
        let mut command = self.command("apt-cache");
        let shown = process::output(command.args(["show", "--no-all-versions", package]), "look up", "").ok()?;
        first_dependency(&shown, prefix)
    }

    /// Downloads `package` (`NAME` or `NAME=VERSION`) and unpacks it into `into` without installing it.
    pub(crate) fn unpack(&self, package: &str, into: &Path) -> Result<()> {
        let deb = match self.download(package) {
            Ok(deb) => deb,
            Err(_) => {
                self.update()?;
                self.download(package)?
            }
        };
        let help = "install the package dpkg";
        process::output(Command::new("dpkg").arg("-x").arg(&deb).arg(into), &format!("unpack {package}"), help)?;
        fs::remove_file(&deb).map_err(at_path("remove", &deb))
    }

    /// Downloads the file of source package `package` whose name ends with `ending`, and returns it. The others, the
    /// package's description among them, are not touched: some mirrors do not have them all.
    pub(crate) fn source(&self, package: &str, ending: &str) -> Result<PathBuf> {
        let find = |apt: &Self| apt.archive(&["source", "--print-uris", package], ending).ok().flatten();
        let archive = self.look_up(&format!("source of {package}"), find)?;
        self.fetch(&format!("the source of {package}"), &archive)
    }

    fn download(&self, package: &str) -> Result<PathBuf> {
        let archive = self.archive(&["download", "--print-uris", package], "")?;
        let archive = archive.ok_or_else(|| trouble(format!("apt-get does not know {package}"), NETWORK_HELP))?;
        self.fetch(package, &archive)
    }

    /// What apt-get would download; of several files the first whose name has this `ending`.
    fn archive(&self, question: &[&str], ending: &str) -> Result<Option<Archive>> {
        let mut ask = self.command("apt-get");
        // Files of an earlier try in the current folder are not to be left out of the answer.
        ask.args(question).current_dir(&self.dir);
        let doing = format!("find {}", question.last().unwrap_or(&"it"));
        Ok(Archive::parse(&process::output(&mut ask, &doing, NETWORK_HELP)?, ending))
    }

    fn fetch(&self, what: &str, archive: &Archive) -> Result<PathBuf> {
        archive.fetch(what, self.command(HELPER), &self.dir.join("cache/archives"))
    }
}

fn first_dependency(shown: &str, prefix: &str) -> Option<String> {
    let depends = shown.lines().find_map(|line| line.strip_prefix("Depends: "))?;
    depends
        .split(',')
        .filter_map(|item| item.split_whitespace().next())
        .find(|name| name.starts_with(prefix))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meta_package_names_its_kernel() {
        let shown = "Package: linux-image-amd64\nDepends: foo (>= 1), linux-image-6.1.0-40-amd64 (= 6.1.153-1)\n";
        assert_eq!(first_dependency(shown, "linux-image-").as_deref(), Some("linux-image-6.1.0-40-amd64"));
        assert_eq!(first_dependency("Package: x\n", "linux-image-"), None);
    }
}
