//! Events as an entry takes them and an exit gives them back (Intel SDM vol. 3C, sections 26.8.3 and 26.9.3). Pure.
#![forbid(unsafe_code)]

use crate::vcpu::{Injection, InjectionKind};

/// The event is there.
const VALID: u32 = 1 << 31;
/// An error code is there.
const HAS_CODE: u32 = 1 << 11;

/// An event as an entry's interruption information and error code. In real mode (`protected` is false) no exception has a
/// code, and an entry refuses one.
#[inline(always)]
pub(super) fn encode(event: Injection, protected: bool) -> (u32, u32) {
    let code = event.error_code.filter(|_| protected);
    let has_code = if code.is_some() { HAS_CODE } else { 0 };
    (u32::from(event.vector) | (event.kind as u32) << 8 | has_code | VALID, code.unwrap_or(0))
}

/// IDT-vectoring information has the format of the entry's (vol. 3C, section 26.9.3). A software interrupt or exception is
/// not given back: its instruction has not completed and runs again.
pub(super) fn decode(information: u32, code: u32) -> Option<Injection> {
    let kind = match information >> 8 & 7 {
        _ if information & VALID == 0 => return None,
        0 => InjectionKind::Interrupt,
        2 => InjectionKind::Nmi,
        3 => InjectionKind::Exception,
        _ => return None,
    };
    Some(Injection { kind, vector: information as u8, error_code: (information & HAS_CODE != 0).then_some(code) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_delivery_is_injected_again() {
        let interrupt = decode(VALID | 0x31, 0);
        assert_eq!(interrupt, Some(Injection::interrupt(0x31)));
        assert_eq!(decode(VALID | 2 << 8 | 2, 0), Some(Injection::nmi()));
        let fault = decode(VALID | HAS_CODE | 3 << 8 | 14, 2);
        assert_eq!(fault, Some(Injection::fault_with_code(14, 2)));
    }

    #[test]
    fn real_mode_knows_no_error_codes() {
        let fault = Injection::fault_with_code(13, 8);
        assert_eq!(encode(fault, true), (VALID | HAS_CODE | 3 << 8 | 13, 8));
        assert_eq!(encode(fault, false), (VALID | 3 << 8 | 13, 0));
        let (information, code) = encode(fault, true);
        assert_eq!(decode(information, code), Some(fault));
    }

    #[test]
    fn a_software_interrupt_runs_again_instead() {
        for kind in [4, 5, 6] {
            assert_eq!(decode(VALID | kind << 8 | 0x80, 0), None);
        }
        assert_eq!(decode(0x31, 0), None);
    }
}
