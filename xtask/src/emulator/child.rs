//! The emulator's process: started, listened to, and ended with us whatever happens.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::machine::Machine;
use super::machine::bochs::Console;
use super::outcome::Ended;
use super::pin::Pin;
use super::socket::Line;
use crate::error::{Result, trouble};
use crate::process;

/// The guest's serial line takes this much at once; a pause follows so that nothing overruns.
const INPUT_CHUNK: usize = 16;
const INPUT_PAUSE: Duration = Duration::from_millis(5);

/// A running emulator. Dropping it ends the process.
pub(crate) struct Emulator {
    child: Child,
    input: Option<Keyboard>,
    output: Receiver<Vec<u8>>,
    errors: Option<JoinHandle<Vec<u8>>>,
    /// What Bochs writes to stdout: not the machine's serial line, but the hypervisor's verdict.
    verdict: Option<JoinHandle<Vec<u8>>>,
    /// Where it runs, if it may not run everywhere.
    _pin: Option<Pin>,
}

/// What is written here is typed on the machine's console.
pub(crate) type Keyboard = Box<dyn Write + Send>;

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
        machine.write_files()?;
        if machine.on_bochs.is_some() {
            return Self::on_socket(|console| spawn(&machine.program(), &machine.arguments_with(console)));
        }
        let start = || spawn(&machine.program(), &machine.arguments());
        let pin = if machine.shares_a_processor() { Pin::take() } else { None };
        let child = pin.as_ref().map_or_else(start, |pin| pin.hold(start))?;
        Ok(Self::on_pipes(child, pin))
    }

    /// QEMU: stdin and stdout are the serial line.
    fn on_pipes(mut child: Child, pin: Option<Pin>) -> Self {
        let input = child.stdin.take().map(|input| Box::new(input) as Keyboard);
        let output = listen(child.stdout.take());
        let errors = child.stderr.take().map(collect);
        Self { child, input, output, errors, verdict: None, _pin: pin }
    }

    /// Bochs: a socket is the serial line.
    fn on_socket(spawn: impl FnOnce(Console) -> Result<Child>) -> Result<Self> {
        let line = Line::open()?;
        let mut child = spawn(Console::Port(line.port()?))?;
        let errors = child.stderr.take().map(collect);
        let verdict = child.stdout.take().map(collect);
        // Dropped where the next line fails, and the process with it.
        let mut emulator = Self { child, input: None, output: listen(None::<TcpStream>), errors, verdict, _pin: None };
        let Some(stream) = line.accept(&mut emulator.child)? else { return Ok(emulator) };
        let keyboard = stream.try_clone().map_err(|error| trouble(error, "run the same command again"))?;
        emulator.input = Some(Box::new(keyboard));
        emulator.output = listen(Some(stream));
        Ok(emulator)
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
    pub(crate) fn take_input(&mut self) -> Option<Keyboard> {
        self.input.take()
    }

    /// Ends the emulator if it still runs, and says how it ended.
    pub(crate) fn stop(&mut self) -> Ended {
        let _ = self.child.kill();
        self.wait()
    }

    fn wait(&mut self) -> Ended {
        let status = self.child.wait();
        let text = |thread: Option<JoinHandle<Vec<u8>>>| thread.and_then(|thread| thread.join().ok());
        let said = text(self.errors.take()).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        match (status, text(self.verdict.take())) {
            (Ok(status), None) => Ended::from_status(status).with_words(&said),
            (Ok(status), Some(verdict)) => Ended::of_bochs(status, &verdict, &said),
            (Err(error), _) => Ended::Broken(error.to_string()),
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &str, arguments: &[String]) -> Result<Child> {
    let mut command = tied_to_us(program);
    command.args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|error| trouble(format!("cannot start {program}: {error}"), "run: cargo xtask doctor"))
}

fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
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
        Self::on_pipes(spawn("sh", &["-c".to_owned(), script.to_owned()]).unwrap(), None)
    }

    /// The same for Bochs: `$port` is where the serial line is.
    fn pretend_bochs(script: &str) -> Self {
        let spawn = |console| {
            let Console::Port(port) = console else { panic!("no port") };
            spawn("bash", &["-c".to_owned(), format!("port={port}; {script}")])
        };
        Self::on_socket(spawn).unwrap()
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
    fn a_machine_on_bochs_is_heard_typed_to_and_ends() {
        let script =
            "exec 3<>/dev/tcp/127.0.0.1/$port; echo up >&3; read line <&3; echo got $line >&3; printf '\\020'; exit 1";
        let mut emulator = Emulator::pretend_bochs(script);
        emulator.type_in(b"a line\n").unwrap();
        assert_eq!(listen_to_end(&mut emulator), ("up\ngot a line\n".to_owned(), Ended::Clean));
    }

    #[test]
    fn a_bochs_that_does_not_start_says_why() {
        let script = "echo '0i[ ] noise' >&2; echo 'Bochs is exiting with the following message:' >&2; echo '[] no rom' >&2; exit 1";
        let (text, ended) = listen_to_end(&mut Emulator::pretend_bochs(script));
        assert_eq!(text, "");
        assert!(matches!(ended, Ended::Broken(why) if why.contains("no rom") && !why.contains("noise")));
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
