//! From the exit reason to [`Exit`] (Intel SDM vol. 3D, appendix C). Pure and total.
#![forbid(unsafe_code)]

use phalanx_arch_api::{AccessSize, Gpa};

use crate::exits::kind::{Exit, ExitClass, PortExit, SecondLevelExit};
use crate::vlapic::DEFAULT_BASE;

/// What else the processor wrote about an exit. Which of it has a meaning depends on the reason.
pub trait Details {
    /// Exit qualification.
    fn qualification(&self) -> u64;
    /// Exit interruption information, and its error code.
    fn interruption(&self) -> (u32, u32);
    /// Guest-physical address.
    fn gpa(&self) -> u64;
    /// The address behind the instruction that exited.
    fn next_rip(&self) -> u64;
}

/// Basic exit reasons that are told apart on the hot path or named more than once.
pub mod reason {
    pub const EXCEPTION_OR_NMI: u32 = 0;
    pub const EXTERNAL_INTERRUPT: u32 = 1;
    pub const INIT: u32 = 3;
    pub const CPUID: u32 = 10;
    pub const HLT: u32 = 12;
    pub const VMCALL: u32 = 18;
    pub const CONTROL_REGISTER: u32 = 28;
    pub const IO_INSTRUCTION: u32 = 30;
    pub const RDMSR: u32 = 31;
    pub const WRMSR: u32 = 32;
    pub const APIC_ACCESS: u32 = 44;
    pub const EPT_VIOLATION: u32 = 48;
    pub const PREEMPTION_TIMER: u32 = 52;
    /// VM entry failed (bit 31), because of the guest's state.
    pub const ENTRY_FAILED_GUEST_STATE: u32 = 1 << 31 | 33;
}

/// Interruption information: the type NMI in bits 10:8.
const TYPE_MASK: u32 = 7 << 8;
const TYPE_NMI: u32 = 2 << 8;
const TYPE_PRIVILEGED_SOFTWARE: u32 = 5 << 8;
/// Interruption information: an error code is there.
const HAS_CODE: u32 = 1 << 11;

/// The class of an exit: what [`decode`] gives, without the details.
#[inline(always)]
pub fn classify(reason: u32, details: &impl Details) -> ExitClass {
    match reason {
        reason::EXTERNAL_INTERRUPT | reason::INIT | reason::PREEMPTION_TIMER => ExitClass::Interrupt,
        reason::CPUID => ExitClass::Cpuid,
        reason::HLT => ExitClass::Halt,
        reason::VMCALL => ExitClass::Hypercall,
        reason::IO_INSTRUCTION => ExitClass::Port,
        reason::RDMSR | reason::WRMSR => ExitClass::Msr,
        reason::EPT_VIOLATION | reason::APIC_ACCESS => ExitClass::SecondLevel,
        reason::EXCEPTION_OR_NMI if is_nmi(details.interruption().0) => ExitClass::Interrupt,
        _ => ExitClass::Rare,
    }
}

/// Decodes one exit.
#[inline(always)]
pub fn decode(reason: u32, details: &impl Details) -> Exit {
    match reason {
        reason::EXTERNAL_INTERRUPT => Exit::Interrupt,
        reason::INIT => Exit::Init,
        reason::PREEMPTION_TIMER => Exit::SliceEnd,
        reason::CPUID => Exit::Cpuid,
        reason::HLT => Exit::Halt,
        reason::VMCALL => Exit::Hypercall,
        reason::IO_INSTRUCTION => Exit::Port(port(details)),
        reason::RDMSR => Exit::Msr { write: false },
        reason::WRMSR => Exit::Msr { write: true },
        reason::EPT_VIOLATION => Exit::SecondLevel(second_level(details)),
        reason::APIC_ACCESS => Exit::SecondLevel(apic_access(details)),
        _ => decode_rare(reason, details),
    }
}

#[inline(never)]
fn decode_rare(reason: u32, details: &impl Details) -> Exit {
    match reason {
        reason::EXCEPTION_OR_NMI => exception(details),
        2 => Exit::Shutdown,
        7 => Exit::InterruptWindow,
        8 => Exit::NmiWindow,
        13 | 54 => Exit::CacheFlush,
        15 => Exit::ForbiddenInstruction,
        reason::CONTROL_REGISTER => control_register(details),
        40 => Exit::Pause,
        43 => Exit::TaskPriority,
        45 => Exit::EndOfInterrupt { vector: details.qualification() as u8 },
        56 => Exit::ApicWrite { offset: (details.qualification() & 0xfff) as u16 },
        55 => Exit::Xsetbv,
        // GETSEC, RSM, VMCLEAR to VMXON, MWAIT, MONITOR, INVEPT, INVVPID, VMFUNC.
        11 | 17 | 19..=27 | 36 | 39 | 50 | 53 | 59 => Exit::UndefinedInstruction,
        reason::ENTRY_FAILED_GUEST_STATE => Exit::InvalidState,
        other => Exit::Unknown(u64::from(other)),
    }
}

/// Whether the exception is that of INT1 (F1), a privileged software exception: it comes from an instruction that has been
/// executed, and DR6 does not know of it (vol. 3C, section 29.2.2).
pub const fn is_int1(information: u32) -> bool {
    information & TYPE_MASK == TYPE_PRIVILEGED_SOFTWARE
}

/// Whether interruption information is about an NMI.
pub const fn is_nmi(information: u32) -> bool {
    information & TYPE_MASK == TYPE_NMI
}

fn exception(details: &impl Details) -> Exit {
    let (information, code) = details.interruption();
    if is_nmi(information) {
        return Exit::Nmi;
    }
    let code = if information & HAS_CODE != 0 { code } else { 0 };
    Exit::Exception { vector: information as u8, code }
}

/// Exit qualification of a control-register access (vol. 3C, table 29-3): bits 3:0 register, 5:4 kind (0 is MOV to it), 11:8
/// the general-purpose register.
fn control_register(details: &impl Details) -> Exit {
    let qualification = details.qualification();
    let source = (qualification >> 8 & 0xf) as u8;
    match (qualification >> 4 & 3, qualification & 0xf) {
        (0, number @ (0 | 4 | 8)) => Exit::ControlRegisterWrite { number: number as u8, source: Some(source) },
        (2 | 3, _) => Exit::ControlRegisterWrite { number: 0, source: None },
        _ => Exit::Unknown(u64::from(reason::CONTROL_REGISTER)),
    }
}

/// Exit qualification of an I/O instruction (vol. 3C, table 29-5).
#[inline(always)]
fn port(details: &impl Details) -> PortExit {
    let qualification = details.qualification();
    let size = match qualification & 7 {
        0 => AccessSize::B1,
        1 => AccessSize::B2,
        _ => AccessSize::B4,
    };
    PortExit {
        port: (qualification >> 16) as u16,
        size,
        input: qualification & 1 << 3 != 0,
        string: qualification & 1 << 4 != 0,
        next_rip: Some(details.next_rip()),
    }
}

/// Exit qualification of an EPT violation (vol. 3C, table 29-7): bits 2:0 are the access; bit 7 says that a linear address
/// was translated, bit 8 that the access was to it and not to the tables on the way. Without bit 7 it was a page-directory
/// pointer.
#[inline(always)]
fn second_level(details: &impl Details) -> SecondLevelExit {
    let qualification = details.qualification();
    SecondLevelExit {
        gpa: Gpa::new(details.gpa()),
        write: qualification & 2 != 0,
        fetch: qualification & 4 != 0,
        table_walk: qualification & (1 << 7 | 1 << 8) != 1 << 7 | 1 << 8,
    }
}

/// Exit qualification of an APIC access (vol. 3C, table 29-6): bits 11:0 are the offset, bits 15:12 the access (0 read, 1
/// write, 2 fetch, 3 while an event was delivered, others by physical address: a walk of the guest's tables).
fn apic_access(details: &impl Details) -> SecondLevelExit {
    let qualification = details.qualification();
    let kind = qualification >> 12 & 0xf;
    SecondLevelExit {
        gpa: Gpa::new(DEFAULT_BASE | qualification & 0xfff),
        write: kind == 1,
        fetch: kind == 2,
        table_walk: kind > 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct Fake {
        qualification: u64,
        interruption: u32,
    }

    impl Details for Fake {
        fn qualification(&self) -> u64 {
            self.qualification
        }
        fn interruption(&self) -> (u32, u32) {
            (self.interruption, 0x55)
        }
        fn gpa(&self) -> u64 {
            0xfee0_0020
        }
        fn next_rip(&self) -> u64 {
            0x1002
        }
    }

    fn fake(qualification: u64) -> Fake {
        Fake { qualification, interruption: 0 }
    }

    #[test]
    fn every_reason_decodes_to_its_class() {
        for reason in (0..128).chain([u32::MAX, 1 << 31, reason::ENTRY_FAILED_GUEST_STATE, 1 << 29 | 10]) {
            for qualification in [0, u64::MAX, 0x1234_5678] {
                for interruption in [0, 0x8000_0202, 0x8000_0b0e] {
                    let details = Fake { qualification, interruption };
                    assert_eq!(decode(reason, &details).class(), classify(reason, &details), "{reason}");
                }
            }
        }
    }

    #[test]
    fn every_exit_that_this_backend_asks_for_has_a_name() {
        for reason in [
            0, 1, 2, 3, 7, 8, 10, 11, 12, 13, 15, 17, 18, 30, 31, 32, 36, 39, 40, 43, 44, 45, 48, 50, 52, 53, 54, 55,
            56,
        ] {
            assert!(!matches!(decode(reason, &fake(0)), Exit::Unknown(_)), "{reason}");
        }
        assert_eq!(decode(9, &fake(0)), Exit::Unknown(9));
    }

    #[test]
    fn exceptions_and_nmis_share_a_reason() {
        let of = |interruption| decode(0, &Fake { qualification: 0, interruption });
        assert_eq!(of(0x8000_0202), Exit::Nmi);
        assert_eq!(of(0x8000_0301), Exit::Exception { vector: 1, code: 0 });
        assert_eq!(of(0x8000_0b11), Exit::Exception { vector: 17, code: 0x55 });
    }

    #[test]
    fn int1_is_told_from_a_debug_exception() {
        assert!(is_int1(0x8000_0501));
        assert!(!is_int1(0x8000_0301) && !is_int1(0x8000_0202));
    }

    #[test]
    fn port_exit_fields() {
        let Exit::Port(port) = decode(30, &fake(0x03f8_0008)) else { panic!("a port exit") };
        assert_eq!((port.port, port.size, port.input, port.string), (0x3f8, AccessSize::B1, true, false));
        let Exit::Port(port) = decode(30, &fake(0xcf8_0033)) else { panic!("a port exit") };
        assert_eq!((port.port, port.size, port.input, port.string), (0xcf8, AccessSize::B4, false, true));
        assert_eq!(port.next_rip, Some(0x1002));
    }

    #[test]
    fn a_violation_at_the_guests_tables_is_told_apart() {
        let of = |qualification| match decode(48, &fake(qualification)) {
            Exit::SecondLevel(fault) => (fault.write, fault.fetch, fault.table_walk),
            _ => panic!("a violation"),
        };
        assert_eq!(of(0x182), (true, false, false));
        assert_eq!(of(0x184), (false, true, false));
        assert_eq!(of(0x081), (false, false, true));
        assert_eq!(of(0x001), (false, false, true), "a page-directory pointer");
    }

    #[test]
    fn control_register_sources() {
        let write = |number, source| Exit::ControlRegisterWrite { number, source };
        assert_eq!(decode(28, &fake(0x300)), write(0, Some(3)));
        assert_eq!(decode(28, &fake(0xf04)), write(4, Some(15)));
        assert_eq!(decode(28, &fake(0x20)), write(0, None), "CLTS");
        assert_eq!(decode(28, &fake(0x30)), write(0, None), "LMSW");
        assert_eq!(decode(28, &fake(0x13)), Exit::Unknown(28), "a read of CR3 does not exit");
    }
}
