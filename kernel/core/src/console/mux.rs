//! One serial line for many domains: a prefix per line, one domain that gets what is typed.
//!
//! The domain with the input writes straight through. A line of any other domain is held until it is complete; it then
//! breaks into the open line, which is written again after it, so that every line stands whole somewhere.

use arrayvec::ArrayVec;

/// Longest line that is held back, in bytes. A longer one is written in pieces.
const LINE: usize = 240;

/// Where bytes leave the machine.
pub trait Output: Sync {
    /// Writes one byte. May wait for the transmitter, for a bounded time.
    fn write(&self, byte: u8);

    /// The next byte that was typed.
    fn read(&self) -> Option<u8>;
}

/// One domain's side of the line.
#[derive(Debug, Default)]
struct Port {
    name: &'static str,
    line: ArrayVec<u8, LINE>,
}

/// The shared line.
pub(crate) struct Mux {
    output: &'static dyn Output,
    ports: ArrayVec<Port, { phalanx_abi::bundle::MAX_DOMAINS }>,
    /// Index into `ports` of the one with the input.
    focus: usize,
    /// Whether the line on the screen is the unfinished one of `focus`.
    line_open: bool,
}

impl Mux {
    pub(crate) const fn new(output: &'static dyn Output) -> Self {
        Self { output, ports: ArrayVec::new_const(), focus: 0, line_open: false }
    }

    /// Adds a domain and returns its port, or `None` where there are too many.
    pub(crate) fn add(&mut self, name: &'static str) -> Option<usize> {
        self.ports.try_push(Port { name, line: ArrayVec::new() }).ok()?;
        Some(self.ports.len() - 1)
    }

    pub(crate) const fn focus(&self) -> usize {
        self.focus
    }

    pub(crate) fn read(&mut self) -> Option<u8> {
        self.output.read()
    }

    /// Gives the input to the next domain and says so.
    pub(crate) fn switch(&mut self) {
        self.close_line();
        self.focus = (self.focus + 1) % self.ports.len().max(1);
        let name = self.ports.get(self.focus).map_or("", |port| port.name);
        self.write_all(b"phalanx: console input goes to ");
        self.write_all(name.as_bytes());
        self.write_all(b"\r\n");
        self.reopen_line();
    }

    /// A line of the hypervisor itself.
    pub(crate) fn note(&mut self, text: &[u8]) {
        self.close_line();
        for &byte in text {
            if byte == b'\n' {
                self.output.write(b'\r');
            }
            self.output.write(byte);
        }
        self.reopen_line();
    }

    /// A byte from a domain.
    pub(crate) fn write(&mut self, port: usize, byte: u8) {
        if self.ports.len() == 1 {
            // The only console is passed on untouched; only an interruption needs to know about its open line.
            self.output.write(byte);
            self.line_open = byte != b'\n';
            return;
        }
        if port == self.focus {
            self.write_focused(byte);
        } else {
            self.write_held(port, byte);
        }
    }

    fn write_focused(&mut self, byte: u8) {
        if !self.line_open {
            self.write_prefix(self.focus);
            self.line_open = true;
        }
        self.output.write(byte);
        if byte == b'\n' {
            self.line_open = false;
        }
        self.remember(self.focus, byte);
    }

    /// Keeps the open line for a rewrite; forgets it when it ends.
    fn remember(&mut self, port: usize, byte: u8) {
        let Some(port) = self.ports.get_mut(port) else { return };
        if byte == b'\n' || port.line.is_full() {
            port.line.clear();
        }
        if byte != b'\n' {
            port.line.push(byte);
        }
    }

    fn write_held(&mut self, port: usize, byte: u8) {
        if byte == b'\n' || self.ports.get(port).is_some_and(|held| held.line.is_full()) {
            self.flush_held(port);
        }
        if let Some(held) = self.ports.get_mut(port).filter(|_| byte != b'\n') {
            held.line.push(byte);
        }
    }

    /// Writes what is held of a line, as a line.
    fn flush_held(&mut self, port: usize) {
        self.close_line();
        self.write_prefix(port);
        self.write_line(port);
        self.write_all(b"\r\n");
        if let Some(held) = self.ports.get_mut(port) {
            held.line.clear();
        }
        self.reopen_line();
    }

    fn close_line(&mut self) {
        if self.line_open {
            self.write_all(b"\r\n");
        }
    }

    fn reopen_line(&mut self) {
        self.line_open = self.ports.len() > 1 && self.ports.get(self.focus).is_some_and(|port| !port.line.is_empty());
        if self.line_open {
            self.write_prefix(self.focus);
            self.write_line(self.focus);
        }
    }

    fn write_prefix(&mut self, port: usize) {
        let name = self.ports.get(port).map_or("", |port| port.name);
        self.output.write(b'[');
        self.write_all(name.as_bytes());
        self.write_all(b"] ");
    }

    fn write_line(&mut self, port: usize) {
        let Some(port) = self.ports.get(port) else { return };
        for &byte in port.line.iter().filter(|byte| **byte != b'\r') {
            self.output.write(byte);
        }
    }

    fn write_all(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.output.write(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spin::Mutex;
    use std::string::String;
    use std::vec::Vec;

    #[derive(Default)]
    struct Screen(Mutex<Vec<u8>>);

    impl Output for Screen {
        fn write(&self, byte: u8) {
            self.0.lock().push(byte);
        }

        fn read(&self) -> Option<u8> {
            None
        }
    }

    /// A multiplexer with its screen; the screen lives for ever, as a machine's does.
    struct Setup {
        mux: Mux,
        screen: &'static Screen,
    }

    fn mux(names: &[&'static str]) -> Setup {
        let screen: &'static Screen = std::boxed::Box::leak(std::boxed::Box::default());
        let mut mux = Mux::new(screen);
        for name in names {
            let _ = mux.add(name);
        }
        Setup { mux, screen }
    }

    fn say(setup: &mut Setup, port: usize, text: &str) {
        for byte in text.bytes() {
            setup.mux.write(port, byte);
        }
    }

    fn screen(setup: &Setup) -> String {
        String::from_utf8(setup.screen.0.lock().clone()).unwrap().replace("\r\n", "\n")
    }

    #[test]
    fn one_console_is_untouched() {
        let mut mux = mux(&["a"]);
        say(&mut mux, 0, "login: \r\nx");
        assert_eq!(screen(&mux), "login: \nx");
    }

    #[test]
    fn two_consoles_have_prefixes() {
        let mut mux = mux(&["a", "b"]);
        say(&mut mux, 0, "one\r\n");
        say(&mut mux, 1, "two\r\n");
        assert_eq!(screen(&mux), "[a] one\n[b] two\n");
    }

    #[test]
    fn an_interrupted_line_is_written_again() {
        let mut mux = mux(&["a", "b"]);
        say(&mut mux, 0, "/ # ec");
        say(&mut mux, 1, "two\r\n");
        say(&mut mux, 0, "ho\r\n");
        assert_eq!(screen(&mux), "[a] / # ec\n[b] two\n[a] / # echo\n");
    }

    #[test]
    fn a_note_stands_on_its_own_line() {
        let mut mux = mux(&["a", "b"]);
        say(&mut mux, 0, "par");
        mux.mux.note(b"phalanx: domain b: power-off\n");
        say(&mut mux, 0, "tial\n");
        assert_eq!(screen(&mux), "[a] par\nphalanx: domain b: power-off\n[a] partial\n");
    }

    #[test]
    fn the_switch_shows_the_other_domain_s_open_line() {
        let mut mux = mux(&["a", "b"]);
        say(&mut mux, 1, "prompt> ");
        mux.mux.switch();
        assert_eq!(screen(&mux), "phalanx: console input goes to b\n[b] prompt> ");
    }

    #[test]
    fn a_full_line_survives_the_loss_of_the_input() {
        for length in [LINE - 1, LINE, LINE + 1, 2 * LINE] {
            let mut mux = mux(&["a", "b"]);
            say(&mut mux, 0, &"x".repeat(length));
            mux.mux.switch();
            say(&mut mux, 0, "yy\n");
            let screen = screen(&mux);
            assert_eq!(screen.matches('y').count(), 2, "{length}: {screen}");
        }
    }

    #[test]
    fn an_endless_line_is_cut() {
        let mut mux = mux(&["a", "b"]);
        say(&mut mux, 1, &"x".repeat(LINE + 10));
        assert!(screen(&mux).starts_with("[b] xxx"));
    }
}
