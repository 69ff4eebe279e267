//! What kind of machine this is: its Debian release, and whether packages can be installed on it.

use std::process::{Command, Stdio};

use crate::process;

/// The suites of Debian by which its main archive is recognised in a machine's sources.
pub(crate) const SUITES: [&str; 9] =
    ["bookworm", "trixie", "forky", "sid", "oldstable", "stable", "testing", "unstable", "bullseye"];

/// `VERSION_CODENAME` of `/etc/os-release` on Debian, e.g. `bookworm`; none elsewhere.
pub(crate) fn debian_release() -> Option<String> {
    let text = std::fs::read_to_string("/etc/os-release").ok()?;
    let value = |key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(|value| value.trim_matches('"').to_owned())
    };
    (value("ID")? == "debian").then(|| value("VERSION_CODENAME")).flatten()
}

/// How a command gets root's rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// We are root.
    Already,
    /// Through `sudo`, which may ask for a password.
    Sudo,
    /// Not at all.
    No,
}

/// Finds out how to become root here. `sudo` counts only where it needs no password or can ask for it.
pub(crate) fn root() -> Root {
    if nix::unistd::geteuid().is_root() {
        return Root::Already;
    }
    let silent = || {
        Command::new("sudo").args(["-n", "true"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let can_ask = || std::io::IsTerminal::is_terminal(&std::io::stdin());
    if process::find("sudo").is_some() && (silent() || can_ask()) { Root::Sudo } else { Root::No }
}
