//! The emulator's process: started, listened to, and ended with us whatever happens.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::machine::Machine;
use super::outcome::Ended;
use crate::error::{Result, trouble};
use crate::process;

/// The guest's serial line takes this much at once; a pause follows so that nothing overruns.
const INPUT_CHUNK: usize = 16;
const INPUT_PAUSE: Duration = Duration::from_millis(5);

/// A running emulator. Dropping it ends the process.
pub(crate) struct Emulator {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    errors: Option<JoinHandle<String>>,
}

/// What came next from a machine.
pub(crate) enum Heard {
    /// It wrote this.
    Bytes(Vec<u8>),
    /// Nothing in the time given.
    Nothing,
    /// It ended.
    End(Ended),
}

impl Emulator {
    /// Starts `machine`. The kernel ends the emulator should the calling thread end first.
    pub(crate) fn start(machine: &Machine) -> Result<Self> {
        Self::spawn(machine.program(), &machine.arguments())
    }

    fn spawn(program: &str, arguments: &[String]) -> Result<Self> {
        let mut command = tied_to_us(program);
        command.args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| trouble(format!("cannot start {program}: {error}"), "run: cargo xtask doctor"))?;
        let input = child.stdin.take();
        let output = listen(child.stdout.take());
        let errors = child.stderr.take().map(|mut stderr| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                let _ = stderr.read_to_end(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            })
        });
        Ok(Self { child, input, output, errors })
    }

    /// Waits for output until `deadline`.
    pub(crate) fn hear(&mut self, deadline: Instant) -> Heard {
        match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(bytes) => Heard::Bytes(bytes),
            Err(RecvTimeoutError::Timeout) => Heard::Nothing,
            Err(RecvTimeoutError::Disconnected) => Heard::End(self.wait()),
        }
    }

    /// Types `bytes` on the machine's console.
    pub(crate) fn type_in(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(input) = &mut self.input else {
            return Ok(());
        };
        for chunk in bytes.chunks(INPUT_CHUNK) {
            input.write_all(chunk)?;
            input.flush()?;
            std::thread::sleep(INPUT_PAUSE);
        }
        Ok(())
    }

    /// Hands over the machine's keyboard: [`Self::type_in`] does nothing from then on.
    pub(crate) fn take_input(&mut self) -> Option<ChildStdin> {
        self.input.take()
    }

    /// Ends the emulator if it still runs, and says how it ended.
    pub(crate) fn stop(&mut self) -> Ended {
        let _ = self.child.kill();
        self.wait()
    }

    fn wait(&mut self) -> Ended {
        let ended = match self.child.wait() {
            Ok(status) => Ended::from_status(status),
            Err(error) => Ended::Broken(error.to_string()),
        };
        let said = self.errors.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        ended.with_words(&said)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `program`, ended by the kernel when the thread that starts it ends (`PR_SET_PDEATHSIG`, which setpriv of util-linux sets).
fn tied_to_us(program: &str) -> Command {
    match process::find("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", program]);
            command
        }
        None => Command::new(program),
    }
}

fn listen(stdout: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let Some(mut stdout) = stdout else { return };
        let mut buffer = [0; 4096];
        loop {
            match stdout.read(&mut buffer) {
                Ok(0) => return,
                Ok(length) if sender.send(buffer[..length].to_vec()).is_err() => return,
                Ok(_) => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(INPUT_PAUSE),
                Err(_) => return,
            }
        }
    });
    receiver
}

#[cfg(test)]
impl Emulator {
    /// A shell script in the emulator's place.
    pub(crate) fn pretend(script: &str) -> Self {
        Self::spawn("sh", &["-c".to_owned(), script.to_owned()]).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen_to_end(emulator: &mut Emulator) -> (String, Ended) {
        let mut text = String::new();
        loop {
            match emulator.hear(Instant::now() + Duration::from_secs(20)) {
                Heard::Bytes(bytes) => text += &String::from_utf8_lossy(&bytes),
                Heard::Nothing => panic!("silent after {text:?}"),
                Heard::End(ended) => return (text, ended),
            }
        }
    }

    #[test]
    fn a_machine_is_heard_typed_to_and_ends() {
        let mut emulator = Emulator::pretend("echo up; read line; echo got $line; exit 33");
        emulator.type_in(b"a line longer than one chunk of input\n").unwrap();
        let (text, ended) = listen_to_end(&mut emulator);
        assert_eq!(text, "up\ngot a line longer than one chunk of input\n");
        assert_eq!(ended, Ended::Clean);
    }

    #[test]
    fn a_broken_emulator_has_the_last_word() {
        let mut emulator = Emulator::pretend("echo no such machine >&2; exit 1");
        let (_, ended) = listen_to_end(&mut emulator);
        assert!(matches!(ended, Ended::Broken(why) if why.contains("no such machine")));
    }

    #[test]
    fn dropping_ends_the_process() {
        let emulator = Emulator::pretend("exec sleep 1000");
        let process = std::path::PathBuf::from(format!("/proc/{}", emulator.child.id()));
        assert!(process.exists());
        drop(emulator);
        assert!(!process.exists());
    }
}
