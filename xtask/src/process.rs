//! Running other programs and saying clearly what they did when they fail.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::error::{Result, trouble};

/// Runs `command` to its end and returns its stdout; a failure shows the last lines of its output.
pub(crate) fn output(command: &mut Command, doing: &str, help: &str) -> Result<String> {
    let result = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| trouble(format!("cannot {doing}: {}: {error}", program(command)), help))?;
    let stdout = String::from_utf8_lossy(&result.stdout).into_owned();
    if result.status.success() {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&result.stderr);
    let said = if stderr.trim().is_empty() { &stdout } else { &*stderr };
    Err(trouble(format!("cannot {doing}: {} ended with {}\n{}", program(command), result.status, tail(said, 12)), help))
}

/// The program's file in `PATH`, or in the folders of system tools that a user's `PATH` leaves out.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

/// The last `lines` lines of `text`, indented.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    let from = all.len().saturating_sub(lines);
    all[from..].iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn program(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_program_and_its_last_words() {
        let error = output(Command::new("sh").args(["-c", "echo bad luck >&2; exit 3"]), "try", "again").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("cannot try: sh ended with exit status: 3"), "{text}");
        assert!(text.contains("    bad luck"), "{text}");
    }

    #[test]
    fn the_tail_keeps_the_end() {
        assert_eq!(tail("a\nb\nc\n", 2), "    b\n    c");
    }
}
