//! A domain's serial port: a UART model, its place on the machine's line, and its interrupt.

use core::sync::atomic::{AtomicBool, Ordering};

use phalanx_abi::bundle::Device;
use phalanx_arch_api::{Access, Arch, Direction, PortAccess};

use crate::console::{Console, Effect, Ns16550, Pl011, PortId, ns16550_offset, pl011_offset};
use crate::lock::Lock;
use crate::run::Env;

/// Registers of a 16550.
const PORTS: u16 = 8;
/// Bytes of guest-physical memory that a PL011 occupies.
const PAGE: u64 = 4096;

/// A UART with its place on the physical line.
pub(crate) struct Uart<A: Arch> {
    irq: u32,
    /// `None`: nothing is attached; output is dropped.
    port: Option<PortId>,
    model: Model<A>,
    /// The interrupt line's last level, so that only changes reach the interrupt controller.
    line: AtomicBool,
}

/// The model, with where its registers are.
enum Model<A: Arch> {
    Ns16550 { base_port: u16, state: Lock<Ns16550, A> },
    Pl011 { base: u64, state: Lock<Pl011, A> },
}

impl<A: Arch> Uart<A> {
    /// The serial port that a bundle describes, after power-on.
    pub(crate) const fn new(device: Device, port: Option<PortId>) -> Self {
        let (irq, model) = match device {
            Device::Ns16550 { base_port, irq } => {
                (irq, Model::Ns16550 { base_port, state: Lock::new(Ns16550::new()) })
            }
            Device::Pl011 { base, irq } => (irq, Model::Pl011 { base, state: Lock::new(Pl011::new()) }),
        };
        Self { irq, port, model, line: AtomicBool::new(false) }
    }

    /// Back to power-on. What was typed for the guest that was here is forgotten apart ([`Console::forget`]).
    ///
    /// Before the interrupt controller is reset: a key that comes meanwhile finds interrupts disabled in the UART, and
    /// leaves no level behind in a controller that is as new.
    pub(crate) fn reset(&self) {
        match &self.model {
            Model::Ns16550 { state, .. } => {
                let mut state = state.lock();
                *state = Ns16550::new();
                self.line.store(false, Ordering::Relaxed);
            }
            Model::Pl011 { state, .. } => {
                let mut state = state.lock();
                *state = Pl011::new();
                self.line.store(false, Ordering::Relaxed);
            }
        }
    }

    /// Whether it is attached to the machine's line, and where.
    pub(crate) const fn port(&self) -> Option<PortId> {
        self.port
    }

    /// Answers an access to the I/O space. `None`: it is not to this UART.
    ///
    /// A wider access is that many byte accesses at ascending ports, as the ISA bus splits it.
    pub(crate) fn port_access(&self, console: &Console, env: &Env<'_, A>, access: PortAccess) -> Option<u64> {
        let Model::Ns16550 { base_port, state } = &self.model else { return None };
        let first = access.port.checked_sub(*base_port).filter(|offset| *offset < PORTS)?;
        let mut value = access.size.all_ones();
        for (lane, register) in (0..access.size.bytes()).zip(first..PORTS) {
            let (shift, register) = (8 * lane, register as u8);
            match access.direction {
                Direction::Read => {
                    let byte = self.read_ns16550(console, state, register);
                    value = value & !(0xff << shift) | u64::from(byte) << shift;
                }
                Direction::Write(data) => self.write_ns16550(console, state, register, (data >> shift) as u8),
            }
        }
        self.update_line(env, state.lock().interrupt());
        Some(value)
    }

    /// Answers an access to guest-physical memory. `None`: it is not to this UART.
    ///
    /// Registers are 16 bits wide. A narrower read sees its part of one, a narrower write is extended by zeroes; the
    /// upper bytes of a wider access reach nothing.
    #[inline]
    pub(crate) fn memory_access(&self, console: &Console, env: &Env<'_, A>, access: Access) -> Option<u64> {
        let Model::Pl011 { base, state } = &self.model else { return None };
        let offset = access.gpa.as_u64().wrapping_sub(*base);
        if offset >= PAGE {
            return None;
        }
        // Less than a page.
        let (register, lane) = (offset as u16 & !3, 8 * (offset as u32 & 3));
        match access.direction {
            Direction::Read => {
                let value = self.read_pl011(console, env, state, register);
                Some(u64::from(value) >> lane & access.size.all_ones())
            }
            Direction::Write(value) if lane == 0 => {
                self.write_pl011(console, env, state, register, (value & access.size.all_ones()) as u16);
                Some(0)
            }
            Direction::Write(_) => Some(0),
        }
    }

    /// Takes what was typed for it.
    pub(crate) fn poll(&self, console: &Console, env: &Env<'_, A>) {
        let Some(port) = self.port else { return };
        match &self.model {
            Model::Ns16550 { state, .. } => {
                let mut state = state.lock();
                console.feed(port, |byte| state.receive(byte));
                self.update_line(env, state.interrupt());
            }
            Model::Pl011 { state, .. } => {
                let mut state = state.lock();
                console.feed(port, |byte| state.receive(byte));
                self.update_line(env, state.interrupt());
            }
        }
    }

    fn read_ns16550(&self, console: &Console, state: &Lock<Ns16550, A>, register: u8) -> u8 {
        let mut state = state.lock();
        let byte = state.read(register);
        if register == ns16550_offset::RECEIVE_BUFFER {
            self.refill(console, &mut state, Ns16550::is_drained, Ns16550::receive);
        }
        byte
    }

    fn write_ns16550(&self, console: &Console, state: &Lock<Ns16550, A>, register: u8, byte: u8) {
        let mut state = state.lock();
        let effect = state.write(register, byte);
        if register == ns16550_offset::FIFO_CONTROL {
            self.refill(console, &mut state, Ns16550::is_drained, Ns16550::receive);
        }
        drop(state);
        self.perform(console, effect);
    }

    #[inline]
    fn read_pl011(&self, console: &Console, env: &Env<'_, A>, state: &Lock<Pl011, A>, register: u16) -> u16 {
        let mut state = state.lock();
        let value = state.read(register);
        // No other read changes anything.
        if register == pl011_offset::DATA {
            self.refill(console, &mut state, Pl011::is_drained, Pl011::receive);
            self.update_line(env, state.interrupt());
        }
        value
    }

    #[inline]
    fn write_pl011(&self, console: &Console, env: &Env<'_, A>, state: &Lock<Pl011, A>, register: u16, value: u16) {
        let mut state = state.lock();
        let effect = state.write(register, value);
        self.update_line(env, state.interrupt());
        drop(state);
        self.perform(console, effect);
    }

    fn perform(&self, console: &Console, effect: Effect) {
        if let (Effect::Transmit(byte), Some(port)) = (effect, self.port) {
            console.transmit(port, byte);
        }
    }

    /// Goes on with what was typed ahead once the guest has emptied its FIFO.
    fn refill<M>(
        &self,
        console: &Console,
        state: &mut M,
        drained: impl Fn(&M) -> bool,
        receive: impl Fn(&mut M, u8) -> bool,
    ) {
        if let Some(port) = self.port.filter(|_| drained(state)) {
            console.feed(port, |byte| receive(state, byte));
        }
    }

    /// Brings the interrupt controller up to date with the UART's line, whose state the caller has locked.
    #[inline]
    fn update_line(&self, env: &Env<'_, A>, level: bool) {
        if self.line.load(Ordering::Relaxed) != level {
            self.line.store(level, Ordering::Relaxed);
            A::set_line(&env.domain.arch, env, self.irq, level);
        }
    }
}
