//! The core as a whole, with small guests on the simulated machine of `phalanx-arch-fake`.

mod bus;
mod console;
mod dirty_log;
mod fair;
mod input;
mod load;
mod pl011;
mod reboot;
mod setup;
mod stop;
mod wake;

use phalanx_sim::{COM1, Op, Program};

/// Where programs begin.
const CODE: u64 = 0x1000;
/// Where programs of further vCPUs begin.
const MORE_CODE: u64 = 0x4000;
/// Where nothing lies that the bundle put there.
const DATA: u64 = 0x8000;
/// One access of a byte.
const BYTE: phalanx_arch_api::AccessSize = phalanx_arch_api::AccessSize::B1;

/// A program at [`CODE`].
fn program(ops: impl IntoIterator<Item = Op>) -> Program {
    let mut program = Program::at(CODE);
    program.push(ops);
    program
}

/// A program at [`MORE_CODE`].
fn more(ops: impl IntoIterator<Item = Op>) -> Program {
    let mut program = Program::at(MORE_CODE);
    program.push(ops);
    program
}

/// A program that says something and switches off.
fn says(text: &str) -> Program {
    let mut program = Program::at(CODE);
    program.say(COM1, text).push([Op::PowerOff {}]);
    program
}

/// A write of one byte to a register of the UART.
const fn uart(register: u16, value: u64) -> Op {
    Op::Out { port: COM1 + register, size: BYTE, value }
}

/// Computes for ever from here on.
fn compute_for_ever(program: &mut Program) {
    let again = program.here();
    program.push([Op::Compute { ticks: 700 }, Op::Jump { address: again }]);
}
