//! The processor's debug registers, while a guest that uses them is loaded.
//!
//! The model ([`DebugRegisters`]) is always right, because every access traps. The hardware gets MDSCR_EL1 at every load,
//! and breakpoints and watchpoints only where they can do anything.

use crate::register::msr;
use crate::sysreg::{DebugFeatures, DebugRegisters, Pair};

/// Opens the locks of this CPU for good: a guest's own locks are in its model.
pub(crate) fn open() {
    msr!("OSLAR_EL1", 0);
    msr!("OSDLR_EL1", 0);
    msr!("MDSCR_EL1", 0);
}

/// Writes what the loaded vCPU needs. Takes effect at the next exception return.
pub(crate) fn load(registers: &DebugRegisters, features: DebugFeatures) {
    msr!("MDSCR_EL1", registers.control());
    if !registers.in_use() {
        return;
    }
    for (number, pair) in registers.breakpoints(features) {
        set_breakpoint(number, pair);
    }
    for (number, pair) in registers.watchpoints(features) {
        set_watchpoint(number, pair);
    }
}

/// Builds the two functions that write a numbered pair of registers.
macro_rules! pairs {
    ($($number:literal $crm:literal)+) => {
        fn set_breakpoint(number: usize, pair: Pair) {
            match number {
                $($number => {
                    msr!(concat!("S2_0_C0_C", $crm, "_4"), pair.value);
                    msr!(concat!("S2_0_C0_C", $crm, "_5"), pair.control);
                })+
                _ => {}
            }
        }

        fn set_watchpoint(number: usize, pair: Pair) {
            match number {
                $($number => {
                    msr!(concat!("S2_0_C0_C", $crm, "_6"), pair.value);
                    msr!(concat!("S2_0_C0_C", $crm, "_7"), pair.control);
                })+
                _ => {}
            }
        }
    };
}

pairs! {
    0 "0" 1 "1" 2 "2" 3 "3" 4 "4" 5 "5" 6 "6" 7 "7" 8 "8" 9 "9" 10 "10" 11 "11" 12 "12" 13 "13" 14 "14" 15 "15"
}
