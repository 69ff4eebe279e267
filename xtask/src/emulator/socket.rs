//! The serial line of a machine on Bochs: a TCP connection on this host.
//!
//! Bochs sends each byte blocking and takes the next one only when the guest has read the last: nothing is lost either way.
//! Its other ways to a terminal drop bytes when the guest or the reader is late.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};

use crate::error::{Result, trouble};

/// Bochs connects while it sets the machine up.
const PATIENCE: Duration = Duration::from_secs(30);
const GLANCE: Duration = Duration::from_millis(5);

/// The end that Bochs connects to.
pub(super) struct Line(TcpListener);

impl Line {
    /// Takes a port that nobody uses.
    pub(super) fn open() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        listener.map(Self).map_err(|error| no_line(&error))
    }

    /// Where Bochs connects to.
    pub(super) fn port(&self) -> Result<u16> {
        self.0.local_addr().map(|address| address.port()).map_err(|error| no_line(&error))
    }

    /// Waits until `emulator` has connected; none where it ended first.
    pub(super) fn accept(&self, emulator: &mut Child) -> Result<Option<TcpStream>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.0.accept() {
                Ok((stream, _)) => {
                    return stream.set_nodelay(true).map(|()| Some(stream)).map_err(|error| no_line(&error));
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(no_line(&error)),
                Err(_) if matches!(emulator.try_wait(), Ok(Some(_))) => return Ok(None),
                Err(error) if Instant::now() > deadline => return Err(no_line(&error)),
                Err(_) => std::thread::sleep(GLANCE),
            }
        }
    }
}

fn no_line(error: &io::Error) -> miette::Report {
    trouble(format!("cannot connect to the machine's serial port: {error}"), "it is a TCP connection on 127.0.0.1")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn an_emulator_that_ends_at_once_is_noticed() {
        let mut child = Command::new("true").spawn().unwrap();
        assert!(Line::open().unwrap().accept(&mut child).unwrap().is_none());
    }

    #[test]
    fn a_connection_is_taken() {
        let mut child = Command::new("sleep").arg("20").spawn().unwrap();
        let line = Line::open().unwrap();
        let _other = TcpStream::connect((Ipv4Addr::LOCALHOST, line.port().unwrap())).unwrap();
        assert!(line.accept(&mut child).unwrap().is_some());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
