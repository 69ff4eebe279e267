//! A domain's serial port: a UART model, its place on the machine's line, and its interrupt.

use core::sync::atomic::{AtomicBool, Ordering};

use phalanx_abi::bundle::Device;
use phalanx_arch_api::{Access, Arch, Direction, PortAccess};

use crate::console::{Effect, Model, Ns16550, Pl011, PortId, ns16550_offset, pl011_offset};
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
    registers: Registers<A>,
    /// The interrupt line's last level, so that only changes reach the interrupt controller.
    line: AtomicBool,
}

/// Where the registers are, with the model behind them.
enum Registers<A: Arch> {
    Ns16550 { base_port: u16, model: Lock<Ns16550, A> },
    Pl011 { base: u64, model: Lock<Pl011, A> },
}

impl<A: Arch> Uart<A> {
    /// The serial port that a bundle describes, after power-on.
    pub(crate) fn new(device: Device, port: Option<PortId>) -> Self {
        let (irq, registers) = match device {
            Device::Ns16550 { base_port, irq } => {
                (irq, Registers::Ns16550 { base_port, model: Lock::new(Ns16550::new()) })
            }
            Device::Pl011 { base, irq } => (irq, Registers::Pl011 { base, model: Lock::new(Pl011::new()) }),
        };
        Self { irq, port, registers, line: AtomicBool::new(false) }
    }

    /// Back to power-on. What was typed for the guest that was here is forgotten apart (`Console::forget`).
    ///
    /// Before the interrupt controller is reset: a key that comes meanwhile finds interrupts disabled in the UART, and
    /// leaves no level behind in a controller that is as new.
    pub(crate) fn reset(&self) {
        match &self.registers {
            Registers::Ns16550 { model, .. } => self.reset_model(model),
            Registers::Pl011 { model, .. } => self.reset_model(model),
        }
    }

    fn reset_model<M: Model>(&self, model: &Lock<M, A>) {
        let mut model = model.lock();
        model.reset();
        self.line.store(false, Ordering::Relaxed);
    }

    /// Its place on the machine's line, if it has one.
    pub(crate) const fn port(&self) -> Option<PortId> {
        self.port
    }

    /// Answers an access to the I/O space. `None`: it is not to this UART.
    ///
    /// A wider access is that many byte accesses at ascending ports, as the ISA bus splits it.
    pub(crate) fn port_access(&self, env: &Env<'_, A>, access: PortAccess) -> Option<u64> {
        let Registers::Ns16550 { base_port, model } = &self.registers else { return None };
        let first = access.port.checked_sub(*base_port).filter(|offset| *offset < PORTS)?;
        let mut value = access.size.all_ones();
        for (lane, register) in (0..access.size.bytes()).zip(first..PORTS) {
            let (shift, register) = (8 * lane, register as u8);
            match access.direction {
                Direction::Read => {
                    let byte = self.read_ns16550(env, model, register);
                    value = value & !(0xff << shift) | u64::from(byte) << shift;
                }
                Direction::Write(data) => self.write_ns16550(env, model, register, (data >> shift) as u8),
            }
        }
        self.update_line(env, &*model.lock());
        Some(value)
    }

    /// Answers an access to guest-physical memory. `None`: it is not to this UART.
    ///
    /// Registers are 16 bits wide. A narrower read sees its part of one, a narrower write is extended by zeroes; the
    /// upper bytes of a wider access reach nothing.
    #[inline]
    pub(crate) fn memory_access(&self, env: &Env<'_, A>, access: Access) -> Option<u64> {
        let Registers::Pl011 { base, model } = &self.registers else { return None };
        let offset = access.gpa.as_u64().wrapping_sub(*base);
        if offset >= PAGE {
            return None;
        }
        // Less than a page.
        let (register, lane) = (offset as u16 & !3, 8 * (offset as u32 & 3));
        match access.direction {
            Direction::Read => {
                let value = self.read_pl011(env, model, register);
                Some(u64::from(value) >> lane & access.size.all_ones())
            }
            Direction::Write(value) if lane == 0 => {
                self.write_pl011(env, model, register, (value & access.size.all_ones()) as u16);
                Some(0)
            }
            Direction::Write(_) => Some(0),
        }
    }

    /// Takes what was typed for it.
    pub(crate) fn poll(&self, env: &Env<'_, A>) {
        match &self.registers {
            Registers::Ns16550 { model, .. } => self.poll_model(env, model),
            Registers::Pl011 { model, .. } => self.poll_model(env, model),
        }
    }

    fn poll_model<M: Model>(&self, env: &Env<'_, A>, model: &Lock<M, A>) {
        if let Some(port) = self.port {
            let mut model = model.lock();
            env.machine.console.feed(port, &mut *model);
            self.update_line(env, &*model);
        }
    }

    fn read_ns16550(&self, env: &Env<'_, A>, model: &Lock<Ns16550, A>, register: u8) -> u8 {
        let mut model = model.lock();
        let byte = model.read(register);
        if register == ns16550_offset::RECEIVE_BUFFER {
            self.refill(env, &mut *model);
        }
        byte
    }

    fn write_ns16550(&self, env: &Env<'_, A>, model: &Lock<Ns16550, A>, register: u8, byte: u8) {
        let mut model = model.lock();
        let effect = model.write(register, byte);
        if register == ns16550_offset::FIFO_CONTROL {
            self.refill(env, &mut *model);
        }
        drop(model);
        self.perform(env, effect);
    }

    #[inline]
    fn read_pl011(&self, env: &Env<'_, A>, model: &Lock<Pl011, A>, register: u16) -> u16 {
        let mut model = model.lock();
        let value = model.read(register);
        // No other read changes anything.
        if register == pl011_offset::DATA {
            self.refill(env, &mut *model);
            self.update_line(env, &*model);
        }
        value
    }

    #[inline]
    fn write_pl011(&self, env: &Env<'_, A>, model: &Lock<Pl011, A>, register: u16, value: u16) {
        let mut model = model.lock();
        let effect = model.write(register, value);
        self.update_line(env, &*model);
        drop(model);
        self.perform(env, effect);
    }

    fn perform(&self, env: &Env<'_, A>, effect: Effect) {
        if let (Effect::Transmit(byte), Some(port)) = (effect, self.port) {
            env.machine.console.transmit(port, byte);
        }
    }

    /// Goes on with what was typed ahead once the guest has emptied its FIFO.
    fn refill(&self, env: &Env<'_, A>, model: &mut impl Model) {
        if let Some(port) = self.port.filter(|_| model.is_drained()) {
            env.machine.console.feed(port, model);
        }
    }

    /// Brings the interrupt controller up to date with the line of the model, which the caller has locked.
    #[inline]
    fn update_line(&self, env: &Env<'_, A>, model: &impl Model) {
        let level = model.interrupt();
        if self.line.load(Ordering::Relaxed) != level {
            self.line.store(level, Ordering::Relaxed);
            A::set_line(&env.domain.arch, env, self.irq, level);
        }
    }
}
