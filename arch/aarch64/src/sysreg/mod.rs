//! Trapped system registers: what a guest reads, and what its writes do.
//!
//! | file | what |
//! |---|---|
//! | `encoding` | how a register is named in a trap |
//! | `names` | the registers that are answered |
//! | `debug` | breakpoints, watchpoints, OS lock, claim tags, the debug communications channel |
//!
//! [`access`] is total. Identification registers come from [`IdRegisters`], the physical timer from [`PhysicalTimer`].
//! A register without an answer here is one that the guest's processor does not have, by its identification registers:
//! performance and activity monitors, statistical profiling, trace, error records, LORegions, memory tagging,
//! implementation-defined registers. Using it is UNDEFINED, as it is where hardware lacks it (Arm ARM, D24.1.1).
#![deny(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod debug;
mod encoding;
mod names;
#[cfg(test)]
mod tests;

pub use debug::{DebugFeatures, DebugRegisters, Pair};
pub use encoding::SysReg;

use phalanx_arch_api::Ticks;

use crate::esr::Trap;
use crate::id::IdRegisters;
use crate::ptimer::PhysicalTimer;

/// ICC_SRE_EL1: system registers only (SRE), no bypass of FIQ and IRQ (DFB, DIB). IHI 0069, 12.2.24.
const ICC_SRE: u64 = 7;

/// The models behind the registers of one vCPU.
#[derive(Debug)]
pub struct Models<'a> {
    /// Identification registers of the domain.
    pub id: &'a IdRegisters,
    /// Debug registers.
    pub debug: &'a mut DebugRegisters,
    /// The physical timer.
    pub timer: &'a mut PhysicalTimer,
}

/// Which register asked for a software-generated interrupt (IHI 0069, 12.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SgiRegister {
    /// ICC_SGI1R_EL1: group 1 of the sender's security state.
    Sgi1,
    /// ICC_ASGI1R_EL1: group 1 of the other security state.
    AliasSgi1,
    /// ICC_SGI0R_EL1: group 0.
    Sgi0,
}

/// What follows from an access. After everything but [`Action::Undefined`], the guest goes on behind the instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Action {
    /// The value of a read.
    Value(u64),
    /// The write is done.
    Written,
    /// The physical timer was written: its line and its deadline may be others now.
    TimerWritten,
    /// The debug registers were written: [`DebugRegisters::in_use`] may have changed, or what is loaded.
    DebugWritten,
    /// The guest sends an interrupt.
    Sgi {
        /// By which register.
        register: SgiRegister,
        /// The value written.
        value: u64,
    },
    /// Cache maintenance by set and way, of the whole cache in the end: what the guest wants is that its RAM and what
    /// its caches hold become the same.
    SetWay,
    /// The instruction is UNDEFINED.
    Undefined,
}

/// Answers a trapped access; `value` is what a write writes, `now` the machine's counter.
#[inline]
pub fn access(trap: Trap, value: u64, models: &mut Models<'_>, now: Ticks) -> Action {
    if trap.read {
        models.id.read(trap.register).map_or_else(|| read(trap.register, models, now), Action::Value)
    } else if trap.register == names::ICC_SGI1R_EL1 {
        send(SgiRegister::Sgi1, value, models.id)
    } else {
        write(trap.register, value, models, now)
    }
}

fn read(register: SysReg, models: &Models<'_>, now: Ticks) -> Action {
    if register.op0() == 2 {
        return models.debug.read(register, models.id.debug()).map_or(Action::Undefined, Action::Value);
    }
    let timer = &*models.timer;
    match register {
        names::CNTP_CTL_EL0 => Action::Value(timer.control(now)),
        names::CNTP_CVAL_EL0 => Action::Value(timer.compare()),
        names::CNTP_TVAL_EL0 => Action::Value(timer.remaining(now)),
        names::ICC_SRE_EL1 if models.id.has_gic_registers() => Action::Value(ICC_SRE),
        // What it holds is up to the processor's maker: here, nothing.
        names::ACTLR_EL1 | names::AIDR_EL1 => Action::Value(0),
        _ => Action::Undefined,
    }
}

fn write(register: SysReg, value: u64, models: &mut Models<'_>, now: Ticks) -> Action {
    match register.op0() {
        1 => return set_way(register),
        2 => {
            let written = models.debug.write(register, value, models.id.debug());
            return written.map_or(Action::Undefined, |()| Action::DebugWritten);
        }
        _ => {}
    }
    match register {
        names::CNTP_CTL_EL0 => models.timer.set_control(value),
        names::CNTP_CVAL_EL0 => models.timer.set_compare(value),
        names::CNTP_TVAL_EL0 => models.timer.set_remaining(value, now),
        names::ICC_SGI0R_EL1 => return send(SgiRegister::Sgi0, value, models.id),
        names::ICC_ASGI1R_EL1 => return send(SgiRegister::AliasSgi1, value, models.id),
        names::ICC_SRE_EL1 if models.id.has_gic_registers() => return Action::Written,
        names::ACTLR_EL1 => return Action::Written,
        _ => return Action::Undefined,
    }
    Action::TimerWritten
}

const fn send(register: SgiRegister, value: u64, id: &IdRegisters) -> Action {
    if id.has_gic_registers() { Action::Sgi { register, value } } else { Action::Undefined }
}

const fn set_way(instruction: SysReg) -> Action {
    match instruction {
        names::DC_ISW | names::DC_CSW | names::DC_CISW => Action::SetWay,
        _ => Action::Undefined,
    }
}
