//! Installing missing Debian packages: with a word about what and why, or a list and the command where we may not.

use std::io::IsTerminal;
use std::process::{Command, Stdio};

use super::apt::Apt;
use super::host::{self, Root};
use super::mirror;
use super::tools::{self, Tool};
use crate::arch::Arch;
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
            let help = format!(
                "{}\n(cargo xtask doctor lists the packages of all commands at once)",
                by_hand(release.as_deref(), &packages)
            );
            return Err(trouble(format!("some programs are missing:\n{list}"), help));
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
    typed(release, packages, if nix::unistd::geteuid().is_root() { "" } else { "sudo " })
}

/// The same, with `sudo` in front of what only root may do.
fn typed(release: Option<&str>, packages: &[&str], sudo: &str) -> String {
    let Some(release) = release else { return format!("install what Debian calls: {}", packages.join(" ")) };
    let mut lines = Vec::new();
    if let Some(suite) = backports(release, packages) {
        lines.extend(
            mirror::line_to_add(&suite)
                .map(|line| format!("  echo '{line}' | {sudo}tee /etc/apt/sources.list.d/{suite}.list")),
        );
    }
    lines.push(format!("  {sudo}apt-get update"));
    lines.push(format!("  {sudo}apt-get install {}", arguments(release, packages).join(" ")));
    format!("run:\n{}", lines.join("\n"))
}

/// The suite that has a QEMU new enough where the release's own (7.2) is not.
fn backports(release: &str, packages: &[&str]) -> Option<String> {
    let needed = release == "bookworm" && packages.iter().any(|package| package.starts_with("qemu"));
    needed.then(|| format!("{release}-backports"))
}

/// The packages, and the suite to prefer.
fn arguments(release: &str, packages: &[&str]) -> Vec<String> {
    let suite = backports(release, packages).map(|suite| ["-t".to_owned(), suite]);
    suite.into_iter().flatten().chain(packages.iter().map(|package| (*package).to_owned())).collect()
}

fn packages(missing: &[(Tool, String)]) -> Vec<&'static str> {
    let mut names: Vec<_> = missing.iter().map(|(tool, _)| tool.package).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Suites to install from.
fn suites(release: &str, packages: &[&str]) -> Vec<String> {
    let own = [release.to_owned(), format!("{release}-updates"), format!("{release}-security")];
    own.into_iter().chain(backports(release, packages)).collect()
}

fn install(places: &Places, release: &str, root: Root, packages: &[&str]) -> Result<()> {
    let suites = suites(release, packages);
    let names: Vec<&str> = suites.iter().map(String::as_str).collect();
    let apt = Apt::open(places, "system", &names, Arch::X86)?;
    apt.update()?;
    let how = if root == Root::Sudo { "with sudo" } else { "as root" };
    eprintln!("installing {how}: apt-get install {}", arguments(release, packages).join(" "));
    let mut command = as_root(&apt, root);
    command.args(["install", "--yes", "--no-install-recommends", "-qq", "-o", "Dpkg::Use-Pty=0"]);
    command.args(["-o", "DPkg::Lock::Timeout=300"]).args(arguments(release, packages));
    let stdin = if std::io::stdin().is_terminal() { Stdio::inherit() } else { Stdio::null() };
    let status = command
        .stdin(stdin)
        .stdout(std::io::stderr())
        .status()
        .map_err(|error| trouble(error, "run: cargo xtask doctor"))?;
    if !status.success() {
        return Err(trouble(format!("apt-get ended with {status}"), by_hand(Some(release), packages)));
    }
    let forgotten = as_root(&apt, root).arg("clean").stdin(Stdio::null()).status();
    if !forgotten.is_ok_and(|status| status.success()) {
        eprintln!("the downloaded packages stay in {}", places.cache.display());
    }
    Ok(())
}

/// apt-get with our settings and root's rights.
fn as_root(apt: &Apt, root: Root) -> Command {
    let inner = apt.command("apt-get");
    let mut command = if root == Root::Sudo { Command::new("sudo") } else { Command::new("env") };
    command.args(["DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"]).arg(inner.get_program()).args(inner.get_args());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_by_hand_fits_the_release() {
        let old = typed(Some("bookworm"), &["ovmf", "qemu-system-x86"], "sudo ");
        assert!(old.ends_with("sudo apt-get install -t bookworm-backports ovmf qemu-system-x86"), "{old}");
        assert!(typed(Some("bookworm"), &["ovmf"], "sudo ").ends_with("sudo apt-get install ovmf"));
        assert!(typed(Some("trixie"), &["qemu-system-x86"], "sudo ").ends_with("sudo apt-get install qemu-system-x86"));
        assert!(typed(Some("trixie"), &["ovmf"], "").ends_with("  apt-get install ovmf"));
        assert!(!typed(None, &["ovmf"], "sudo ").contains("apt-get"));
    }

    #[test]
    fn packages_are_named_once() {
        let tool = Tool { name: "a", package: "p", why: "", look: || Err(String::new()) };
        assert_eq!(packages(&[(tool, "x".into()), (tool, "y".into())]), ["p"]);
    }
}
