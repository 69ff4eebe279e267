//! The Debian mirror that this machine's apt already uses.

use std::path::Path;
use std::process::Command;

use super::host;
use crate::error::{Result, trouble};
use crate::process;

/// Debian's keys, on Debian and on systems with its package `debian-archive-keyring`.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Where this machine fetches Debian from.
pub(super) struct Mirror {
    main: String,
    security: Option<String>,
    suites: Vec<String>,
}

/// The line that adds `suite` to this machine's sources; none where it is there already, or no mirror is known.
pub(super) fn line_to_add(suite: &str) -> Option<String> {
    let mirror = Mirror::find().ok()?;
    let there = mirror.suites.iter().any(|known| known == suite);
    (!there).then(|| format!("deb {} {suite} main", mirror.main))
}

impl Mirror {
    /// The mirror in use, or the one of `PHALANX_DEBIAN_MIRROR`.
    pub(super) fn find() -> Result<Self> {
        if let Ok(main) = std::env::var("PHALANX_DEBIAN_MIRROR") {
            return Ok(Self { main, security: None, suites: Vec::new() });
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

    /// A sources list over `suites` for packages; the security suite is left out where the mirror is not known to have it.
    pub(super) fn packages(&self, suites: &[&str]) -> String {
        self.list("deb", suites)
    }

    /// The same for source packages.
    pub(super) fn sources(&self, suites: &[&str]) -> String {
        self.list("deb-src", suites)
    }

    fn list(&self, kind: &str, suites: &[&str]) -> String {
        let keyring = if Path::new(KEYRING).exists() { format!("[signed-by={KEYRING}] ") } else { String::new() };
        let line = |suite: &&str| {
            let base = if suite.ends_with("-security") { self.security.as_deref()? } else { &self.main };
            Some(format!("{kind} {keyring}{base} {suite} main\n"))
        };
        suites.iter().filter_map(line).collect()
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
    let suites = places.iter().map(|(_, suite)| (*suite).to_owned()).collect();
    Some(Mirror { main: main.to_owned(), security, suites })
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
        assert!(mirror.suites.iter().any(|suite| suite == "bookworm-backports"));
        assert!(parse_mirror("'http://u.test/ubuntu/dists/noble/InRelease' x 0").is_none());
    }

    #[test]
    fn security_is_left_out_where_the_mirror_has_none() {
        let mirror = Mirror { main: "http://m".into(), security: None, suites: Vec::new() };
        let text = mirror.packages(&["bookworm", "bookworm-security"]);
        assert_eq!(text.lines().count(), 1);
        assert!(text.starts_with("deb ") && text.contains("http://m bookworm main"));
        assert!(mirror.sources(&["trixie"]).starts_with("deb-src "));
    }
}
