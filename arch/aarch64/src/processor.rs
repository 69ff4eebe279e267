//! The processor's own identification registers.

use crate::id::{HostIdRegisters, IdRegister};
use crate::register::mrs;

/// The processor that this runs on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processor;

/// Builds the reading of a register by its place in the identification space.
macro_rules! read_by_place {
    ($register:expr, $($crm:tt)+) => {
        match ($register.encoding().crm(), $register.encoding().op2()) {
            $(
                ($crm, 0) => mrs!(concat!("S3_0_C0_C", $crm, "_0")),
                ($crm, 1) => mrs!(concat!("S3_0_C0_C", $crm, "_1")),
                ($crm, 2) => mrs!(concat!("S3_0_C0_C", $crm, "_2")),
                ($crm, 3) => mrs!(concat!("S3_0_C0_C", $crm, "_3")),
                ($crm, 4) => mrs!(concat!("S3_0_C0_C", $crm, "_4")),
                ($crm, 5) => mrs!(concat!("S3_0_C0_C", $crm, "_5")),
                ($crm, 6) => mrs!(concat!("S3_0_C0_C", $crm, "_6")),
                ($crm, 7) => mrs!(concat!("S3_0_C0_C", $crm, "_7")),
            )+
            _ => 0,
        }
    };
}

impl HostIdRegisters for Processor {
    fn read(&self, register: IdRegister) -> u64 {
        match register {
            IdRegister::Midr => mrs!("MIDR_EL1"),
            IdRegister::Revidr => mrs!("REVIDR_EL1"),
            other => read_by_place!(other, 1 2 3 4 5 6 7),
        }
    }
}
