//! Installing missing Debian packages: with a word about what and why, or a list and the command where we may not.

use std::io::IsTerminal;
use std::process::{Command, Stdio};

use super::apt::Apt;
use super::host::{self, Root};
use super::tools::{self, Tool};
use crate::error::{Result, trouble};
use crate::places::Places;

/// Makes sure that all of `tools` are here.
pub(crate) fn ensure(places: &Places, wanted: &[Tool]) -> Result<()> {
    let missing = tools::missing(wanted);
    if missing.is_empty() {
        return Ok(());
    }
    let list = describe(&missing);
    let packages = packages(&missing);
    match (host::debian_release(), host::root()) {
        (Some(release), root @ (Root::Already | Root::Sudo)) => {
            eprintln!("Phalanx needs some of Debian's packages on this machine:\n{list}");
            install(places, &release, root, &packages)?;
        }
        (release, _) => {
            return Err(trouble(format!("some programs are missing:\n{list}"), by_hand(release.as_deref(), &packages)));
        }
    }
    let still = tools::missing(wanted);
    if still.is_empty() {
        return Ok(());
    }
    Err(trouble(
        format!("the packages are installed, but something is still missing:\n{}", describe(&still)),
        "run: cargo xtask doctor",
    ))
}

/// One line for each missing thing.
pub(crate) fn describe(missing: &[(Tool, String)]) -> String {
    let line =
        |(tool, wrong): &(Tool, String)| format!("  {} ({wrong}): {}, package {}", tool.name, tool.why, tool.package);
    missing.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What a person types to install `packages` themselves.
pub(crate) fn by_hand(release: Option<&str>, packages: &[&str]) -> String {
    let names = packages.join(" ");
    match release {
        Some("bookworm") => format!(
            "as root, with bookworm-backports among apt's sources (its QEMU is new enough):\n\
             apt-get update && apt-get install -t bookworm-backports {names}"
        ),
        Some(_) => format!("as root: apt-get update && apt-get install {names}"),
        None => format!("install what Debian calls: {names}"),
    }
}

fn packages(missing: &[(Tool, String)]) -> Vec<&'static str> {
    let mut names: Vec<_> = missing.iter().map(|(tool, _)| tool.package).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Suites to install from: on bookworm with backports, because its own QEMU (7.2) is too old.
fn suites(release: &str) -> Vec<String> {
    let mut suites = vec![release.to_owned(), format!("{release}-updates"), format!("{release}-security")];
    if release == "bookworm" {
        suites.push("bookworm-backports".to_owned());
    }
    suites
}

fn install(places: &Places, release: &str, root: Root, packages: &[&str]) -> Result<()> {
    let suites = suites(release);
    let names: Vec<&str> = suites.iter().map(String::as_str).collect();
    let apt = Apt::open(places, "system", &names)?;
    apt.update()?;
    let inner = apt.command("apt-get");
    let mut command = if root == Root::Sudo { Command::new("sudo") } else { Command::new("env") };
    command.args(["DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"]).arg(inner.get_program()).args(inner.get_args());
    command.args(["install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]);
    if release == "bookworm" {
        command.args(["-t", "bookworm-backports"]);
    }
    command.args(packages);
    let how = if root == Root::Sudo { "with sudo" } else { "as root" };
    eprintln!("installing {how}: apt-get install {}", packages.join(" "));
    let stdin = if std::io::stdin().is_terminal() { Stdio::inherit() } else { Stdio::null() };
    let status = command
        .stdin(stdin)
        .stdout(std::io::stderr())
        .status()
        .map_err(|error| trouble(error, "run: cargo xtask doctor"))?;
    if status.success() {
        return Ok(());
    }
    Err(trouble(format!("apt-get ended with {status}"), by_hand(Some(release), packages)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_by_hand_fits_the_release() {
        assert!(by_hand(Some("bookworm"), &["ovmf"]).contains("-t bookworm-backports ovmf"));
        assert!(by_hand(Some("trixie"), &["ovmf", "xorriso"]).ends_with("apt-get install ovmf xorriso"));
        assert!(!by_hand(None, &["ovmf"]).contains("apt-get"));
    }

    #[test]
    fn packages_are_named_once() {
        let tool = Tool { name: "a", package: "p", why: "", look: || Err(String::new()) };
        assert_eq!(packages(&[(tool, "x".into()), (tool, "y".into())]), ["p"]);
    }
}
