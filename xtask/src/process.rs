//! Running other programs and saying clearly what they did when they fail.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

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

/// Runs `command` to its end; `hear` gets the lines of its stdout as they come. A failure shows the last lines of its stderr.
pub(crate) fn lines(command: &mut Command, doing: &str, help: &str, hear: impl FnMut(&str)) -> Result<()> {
    let name = program(command);
    let failed = |error| trouble(format!("cannot {doing}: {name}: {error}"), help);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    // Read beside the lines: a full pipe would stop the program.
    let said = child.stderr.take().map(|stderr| std::thread::spawn(|| std::io::read_to_string(stderr)));
    each_line(&mut child, hear);
    let status = child.wait().map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    let said = said.and_then(|thread| thread.join().ok()).and_then(std::io::Result::ok).unwrap_or_default();
    Err(trouble(format!("cannot {doing}: {name} ended with {status}\n{}", tail(&said, 12)), help))
}

/// Calls `hear` with each line of `child`'s stdout, as they come, to its end.
pub(crate) fn each_line(child: &mut Child, mut hear: impl FnMut(&str)) {
    let stdout = child.stdout.take().map(BufReader::new);
    stdout.into_iter().flat_map(BufRead::lines).map_while(std::io::Result::ok).for_each(|line| hear(&line));
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
    fn lines_are_heard_and_a_failure_shows_stderr() {
        let mut heard = Vec::new();
        let script = |text: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", text]);
            command
        };
        lines(&mut script("echo a; echo noise >&2; echo b"), "try", "again", |line| heard.push(line.to_owned()))
            .unwrap();
        assert_eq!(heard, ["a", "b"]);
        let error = lines(&mut script("echo a; echo bad luck >&2; exit 3"), "try", "again", |_| {}).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("cannot try: sh ended with exit status: 3\n    bad luck"), "{text}");
    }

    #[test]
    fn the_tail_keeps_the_end() {
        assert_eq!(tail("a\nb\nc\n", 2), "    b\n    c");
    }
}
