//! The generic timer's two timers of EL1 (Arm ARM, D12.2).

use crate::{clock, cpu, gic, irq, read_register, write_register};

/// INTID of the virtual timer.
pub const VIRTUAL: u32 = 27;
/// INTID of the physical timer.
pub const PHYSICAL: u32 = 30;
/// CTL: enabled.
pub const ENABLE: u64 = 1;
/// CTL: the interrupt is masked.
pub const MASKED: u64 = 2;
/// CTL: the condition is met.
pub const MET: u64 = 4;

macro_rules! timer {
    ($name:ident, $what:literal, $ctl:literal, $cval:literal, $tval:literal) => {
        #[doc = concat!("The ", $what, " timer of this CPU.")]
        pub mod $name {
            use super::{read_register, write_register};

            /// Reads the control register.
            pub fn control() -> u64 {
                read_register!($ctl)
            }

            /// Writes the control register.
            pub fn set_control(value: u64) {
                // SAFETY: an interrupt at most.
                unsafe { write_register!($ctl, value) };
            }

            /// Reads the comparator.
            pub fn deadline() -> u64 {
                read_register!($cval)
            }

            /// Writes the comparator.
            pub fn set_deadline(value: u64) {
                // SAFETY: as above.
                unsafe { write_register!($cval, value) };
            }

            /// Reads the countdown.
            pub fn countdown() -> u64 {
                read_register!($tval)
            }

            /// Writes the countdown.
            pub fn set_countdown(value: u64) {
                // SAFETY: as above.
                unsafe { write_register!($tval, value) };
            }
        }
    };
}

timer!(virtual_timer, "virtual", "cntv_ctl_el0", "cntv_cval_el0", "cntv_tval_el0");
timer!(physical_timer, "physical", "cntp_ctl_el0", "cntp_cval_el0", "cntp_tval_el0");

/// Halts for `micros` µs by the virtual timer. IRQs are on meanwhile and off afterwards.
pub fn nap(micros: u64) {
    let before = irq::received(VIRTUAL);
    irq::set_handler(VIRTUAL, on_nap);
    gic::enable(VIRTUAL);
    virtual_timer::set_deadline(cpu::ticks() + clock::ticks_in(micros));
    virtual_timer::set_control(ENABLE);
    while irq::received(VIRTUAL) == before {
        cpu::wait_for_interrupt();
    }
}

/// Stops the timer and counts.
fn on_nap(raw: u32) {
    virtual_timer::set_control(0);
    irq::note(VIRTUAL);
    gic::end(raw);
}
