//! Debian packages without touching the system: `apt-get` with lists and archives of our own.
//!
//! apt checks the signature of the lists and the checksum of each package, and resumes a download that was cut.
//! The mirror is the one that this machine's apt already uses; `PHALANX_DEBIAN_MIRROR` names another.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::host;
use crate::error::{Result, at_path, trouble};
use crate::places::Places;
use crate::process;
use crate::progress::Task;
use crate::store::Lock;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const NETWORK_HELP: &str = "check the network connection and run the same command again: a cut download is resumed";

/// Settings that keep apt inside our folder. Read after the system's own files, so that proxies stay in force.
const SETTINGS: &str = r#"
Dir::State::Lists "@DIR@/lists";
Dir::Cache "@DIR@/cache";
Dir::Etc::SourceList "@DIR@/sources.list";
Dir::Etc::SourceParts "/dev/null";
APT::Architecture "amd64";
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
    /// Opens (and locks) the state folder `name` over `suites`. Nothing is downloaded yet.
    pub(crate) fn open(places: &Places, name: &str, suites: &[&str]) -> Result<Self> {
        if process::find("apt-get").is_none() {
            return Err(trouble(
                "this machine has no apt-get to fetch Debian packages with",
                format!("run on Debian or Ubuntu, or fill {} from such a machine", places.cache.display()),
            ));
        }
        let dir = places.cache.join("apt").join(name);
        let lock = Lock::take(&dir.join("lock"))?;
        for folder in ["lists/partial", "cache/archives/partial"] {
            let folder = dir.join(folder);
            fs::create_dir_all(&folder).map_err(at_path("create", &folder))?;
        }
        let apt = Self { dir, _lock: lock };
        apt.write("sources.list", &sources(&Mirror::find()?, suites))?;
        apt.write("apt.conf", &SETTINGS.replace("@DIR@", &apt.dir.display().to_string()))?;
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
            self.command("apt-get").args(["update", "-q", "--error-on=any"]),
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

    fn download(&self, package: &str) -> Result<PathBuf> {
        let archives = self.dir.join("cache/archives");
        let help = NETWORK_HELP;
        let mut ask = self.command("apt-get");
        let uris = process::output(ask.args(["download", "--print-uris", package]), &format!("find {package}"), help)?;
        let (file, bytes) =
            parse_uri(&uris).ok_or_else(|| trouble(format!("apt-get does not know {package}"), help))?;
        let deb = archives.join(file);
        let task = Task::download(format!("Fetching {package}"), bytes);
        let mut fetch = self.command("apt-get");
        fetch.args(["download", "-q", package]).current_dir(&archives).stdin(Stdio::null());
        let log = tempfile::tempfile_in(&archives).map_err(at_path("write in", &archives))?;
        let log_again = log.try_clone().map_err(at_path("write in", &archives))?;
        let mut child = fetch
            .stdout(log_again)
            .stderr(log.try_clone().map_err(at_path("write in", &archives))?)
            .spawn()
            .map_err(|error| trouble(format!("cannot start apt-get: {error}"), help))?;
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|error| trouble(error, help))? {
                break status;
            }
            task.at(fs::metadata(&deb).map_or(0, |file| file.len()));
            std::thread::sleep(Duration::from_millis(100));
        };
        if !status.success() {
            return Err(trouble(
                format!("cannot fetch {package}: apt-get ended with {status}\n{}", read_log(log)),
                help,
            ));
        }
        task.done("done");
        Ok(deb)
    }
}

fn read_log(mut log: fs::File) -> String {
    use std::io::{Read, Seek};
    let mut text = String::new();
    let _ = log.rewind().and_then(|()| log.read_to_string(&mut text));
    process::tail(&text, 8)
}

/// Where this machine fetches Debian from.
struct Mirror {
    main: String,
    security: Option<String>,
}

impl Mirror {
    fn find() -> Result<Self> {
        if let Ok(main) = std::env::var("PHALANX_DEBIAN_MIRROR") {
            return Ok(Self { main, security: None });
        }
        let mut command = Command::new("apt-get");
        command.args(["update", "--print-uris", "-o", "Dir::State::Lists=/nonexistent"]).env("LC_ALL", "C");
        let uris = process::output(&mut command, "ask apt-get for its mirror", "run apt-get update once")?;
        parse_mirror(&uris).ok_or_else(|| {
            trouble(
                "this machine's apt has no Debian mirror in its sources",
                "set PHALANX_DEBIAN_MIRROR to a Debian mirror's address, for example the one in another machine's \
                 /etc/apt/sources.list, and install the package debian-archive-keyring",
            )
        })
    }
}

/// Finds the mirror in lines like `'http://HOST/debian/dists/bookworm/InRelease' FILE 0`.
fn parse_mirror(uris: &str) -> Option<Mirror> {
    let places: Vec<(&str, &str)> = uris
        .lines()
        .filter_map(|line| {
            line.strip_prefix('\'')?.split('\'').next()?.strip_suffix("/InRelease")?.split_once("/dists/")
        })
        .collect();
    let main = places.iter().find(|(_, suite)| host::SUITES.contains(suite))?.0;
    let security = places.iter().find(|(_, suite)| suite.ends_with("-security")).map(|(base, _)| (*base).to_owned());
    Some(Mirror { main: main.to_owned(), security })
}

fn sources(mirror: &Mirror, suites: &[&str]) -> String {
    let keyring = if Path::new(KEYRING).exists() { format!("[signed-by={KEYRING}] ") } else { String::new() };
    let line = |suite: &&str| {
        let base = if suite.ends_with("-security") { mirror.security.as_deref()? } else { &mirror.main };
        Some(format!("deb {keyring}{base} {suite} main\n"))
    };
    suites.iter().filter_map(line).collect()
}

/// `'URI' FILE BYTES SHA256:…` → file name and size.
fn parse_uri(uris: &str) -> Option<(String, u64)> {
    let line = uris.lines().find(|line| line.starts_with('\''))?;
    let mut words = line.split_whitespace().skip(1);
    let file = words.next()?.to_owned();
    Some((file, words.next()?.parse().ok()?))
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
    fn the_mirror_is_the_machines_own() {
        let uris = "'http://m.test/debian/dists/bookworm-backports/InRelease' a 0\n\
                    'http://m.test/debian/dists/bookworm/InRelease' b 0\n\
                    'http://s.test/sec/dists/bookworm-security/InRelease' c 0 \n\
                    'http://m.test/debian/dists/bookworm/main/binary-amd64/Packages.xz' d 0\n";
        let mirror = parse_mirror(uris).unwrap();
        assert_eq!(mirror.main, "http://m.test/debian");
        assert_eq!(mirror.security.as_deref(), Some("http://s.test/sec"));
        assert!(parse_mirror("'http://u.test/ubuntu/dists/noble/InRelease' x 0").is_none());
    }

    #[test]
    fn security_is_left_out_where_the_mirror_has_none() {
        let mirror = Mirror { main: "http://m".into(), security: None };
        let text = sources(&mirror, &["bookworm", "bookworm-security"]);
        assert_eq!(text.lines().count(), 1);
        assert!(text.contains("http://m bookworm main"));
    }

    #[test]
    fn a_meta_package_names_its_kernel() {
        let shown = "Package: linux-image-amd64\nDepends: foo (>= 1), linux-image-6.1.0-40-amd64 (= 6.1.153-1)\n";
        assert_eq!(first_dependency(shown, "linux-image-").as_deref(), Some("linux-image-6.1.0-40-amd64"));
        assert_eq!(first_dependency("Package: x\n", "linux-image-"), None);
    }

    #[test]
    fn a_uri_line_gives_file_and_size() {
        let uris = "Reading...\n'http://m/p/x_1%3a2.deb' x_1%3a2_amd64.deb 1234 SHA256:00\n";
        assert_eq!(parse_uri(uris), Some(("x_1%3a2_amd64.deb".into(), 1234)));
    }
}
