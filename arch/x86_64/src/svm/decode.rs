//! From the raw exit code to [`Exit`] (AMD APM vol. 2, appendix C). Pure and total.
#![forbid(unsafe_code)]

use phalanx_arch_api::{AccessSize, Gpa};

use crate::exits::kind::{Exit, ExitClass, PortExit, SecondLevelExit};

/// What the processor wrote about one #VMEXIT.
#[derive(Clone, Copy, Debug)]
pub struct RawExit {
    /// EXITCODE.
    pub code: u64,
    /// EXITINFO1.
    pub info_1: u64,
    /// EXITINFO2.
    pub info_2: u64,
    /// Whether EXITINFO1 names the register of a control-register write (decode assists).
    pub decode_assists: bool,
}

/// EXITINFO1 of a control-register access: bit 63 says that it was a MOV (APM vol. 2, section 15.8.1).
const CR_IS_MOV: u64 = 1 << 63;

/// The class of an exit code: what [`decode`] gives, without the details.
#[inline(always)]
pub const fn classify(code: u64) -> ExitClass {
    match code {
        0x60 | 0x61 | 0x63 => ExitClass::Interrupt,
        0x72 => ExitClass::Cpuid,
        0x78 => ExitClass::Halt,
        0x7b => ExitClass::Port,
        0x7c => ExitClass::Msr,
        0x81 => ExitClass::Hypercall,
        0x400 => ExitClass::SecondLevel,
        _ => ExitClass::Rare,
    }
}

/// Decodes one exit.
#[inline(always)]
pub fn decode(raw: RawExit) -> Exit {
    match classify(raw.code) {
        ExitClass::Interrupt => match raw.code {
            0x61 => Exit::Nmi,
            0x63 => Exit::Init,
            _ => Exit::Interrupt,
        },
        ExitClass::Cpuid => Exit::Cpuid,
        ExitClass::Halt => Exit::Halt,
        ExitClass::Port => Exit::Port(port(raw)),
        ExitClass::Msr => Exit::Msr { write: raw.info_1 & 1 != 0 },
        ExitClass::Hypercall => Exit::Hypercall,
        ExitClass::SecondLevel => Exit::SecondLevel(second_level(raw)),
        // In registers: a structure would go through memory, on the hot path as well.
        ExitClass::Rare => decode_rare(raw.code, raw.info_1, raw.decode_assists),
    }
}

#[inline(never)]
fn decode_rare(code: u64, info_1: u64, decode_assists: bool) -> Exit {
    let mov_source = || (decode_assists && info_1 & CR_IS_MOV != 0).then_some((info_1 & 0xf) as u8);
    match code {
        0x10 | 0x65 => Exit::ControlRegisterWrite { number: 0, source: mov_source() },
        0x14 => Exit::ControlRegisterWrite { number: 4, source: mov_source() },
        0x18 => Exit::ControlRegisterWrite { number: 8, source: mov_source() },
        0x40..=0x5f => Exit::Exception { vector: (code - 0x40) as u8, code: info_1 as u32 },
        0x64 => Exit::InterruptWindow,
        0x6f => Exit::ForbiddenInstruction,
        0x74 => Exit::Iret,
        0x77 => Exit::Pause,
        0x76 | 0x89 => Exit::CacheFlush,
        0x7f => Exit::Shutdown,
        0x8d => Exit::Xsetbv,
        // RSM, INVLPGA, VMRUN, VMLOAD to SKINIT, MONITOR, MWAIT, RDPRU.
        0x73 | 0x7a | 0x80 | 0x82..=0x86 | 0x8a..=0x8c | 0x8e => Exit::UndefinedInstruction,
        u64::MAX => Exit::InvalidState,
        other => Exit::Unknown(other),
    }
}

/// EXITINFO1 of an I/O exit (APM vol. 2, section 15.10.2).
#[inline(always)]
fn port(raw: RawExit) -> PortExit {
    let size = match (raw.info_1 >> 4) & 7 {
        1 => AccessSize::B1,
        2 => AccessSize::B2,
        _ => AccessSize::B4,
    };
    PortExit {
        port: (raw.info_1 >> 16) as u16,
        size,
        input: raw.info_1 & 1 != 0,
        string: raw.info_1 & 4 != 0,
        next_rip: Some(raw.info_2),
    }
}

/// EXITINFO1 of a nested page fault: a page-fault error code plus bit 33 for the guest's own walk
/// (APM vol. 2, section 15.25.6).
#[inline(always)]
fn second_level(raw: RawExit) -> SecondLevelExit {
    SecondLevelExit {
        gpa: Gpa::new(raw.info_2),
        write: raw.info_1 & 2 != 0,
        fetch: raw.info_1 & 0x10 != 0,
        table_walk: raw.info_1 & (1 << 33) != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(code: u64, info_1: u64, info_2: u64) -> RawExit {
        RawExit { code, info_1, info_2, decode_assists: true }
    }

    #[test]
    fn every_code_decodes() {
        for code in (0..0x800).chain([u64::MAX, u64::MAX - 1, 0x1_0000_0072]) {
            for info in [0, u64::MAX, 0x1234_5678] {
                assert_eq!(decode(raw(code, info, info)).class(), classify(code));
            }
        }
    }

    #[test]
    fn every_intercept_of_this_backend_has_a_name() {
        let named = [0x10, 0x14, 0x18, 0x41, 0x51, 0x52, 0x60, 0x61, 0x63, 0x64, 0x65, 0x6f, 0x72, 0x73, 0x74, 0x76];
        let more =
            [0x77, 0x78, 0x7a, 0x7b, 0x7c, 0x7f, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x89, 0x8a, 0x8b, 0x8c];
        for code in named.into_iter().chain(more).chain([0x8d, 0x8e, 0x400, u64::MAX]) {
            assert!(!matches!(decode(raw(code, 0, 0)), Exit::Unknown(_)), "{code:#x}");
        }
        assert_eq!(decode(raw(0x64, 0, 0)), Exit::InterruptWindow);
    }

    #[test]
    fn unknown_codes_keep_their_number() {
        assert_eq!(decode(raw(0x7ff, 0, 0)), Exit::Unknown(0x7ff));
        assert_eq!(decode(raw(0x1_0000_0072, 0, 0)), Exit::Unknown(0x1_0000_0072));
    }

    #[test]
    fn port_exit_fields() {
        let Exit::Port(port) = decode(raw(0x7b, 0x03f8_0011, 0x1002)) else { panic!("a port exit") };
        assert_eq!((port.port, port.size, port.input, port.string), (0x3f8, AccessSize::B1, true, false));
        assert_eq!(port.next_rip, Some(0x1002));
    }

    #[test]
    fn nested_fault_fields() {
        let Exit::SecondLevel(fault) = decode(raw(0x400, 1 << 33 | 2, 0xfee0_0020)) else { panic!("a fault") };
        assert!(fault.write && fault.table_walk && !fault.fetch);
        assert_eq!(fault.gpa, Gpa::new(0xfee0_0020));
    }

    #[test]
    fn control_register_source_only_with_decode_assists() {
        let with = decode(raw(0x10, CR_IS_MOV | 3, 0));
        assert_eq!(with, Exit::ControlRegisterWrite { number: 0, source: Some(3) });
        let without = decode(RawExit { decode_assists: false, ..raw(0x10, CR_IS_MOV | 3, 0) });
        assert_eq!(without, Exit::ControlRegisterWrite { number: 0, source: None });
    }
}
