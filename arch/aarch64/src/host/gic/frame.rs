//! Where the two pages of a GICv2's CPU interface are.

use phalanx_arch_api::Hpa;
use phalanx_handoff::PhysRange;

/// Bytes of a CPU interface: the registers, and a second page for the deactivation register.
pub(super) const BYTES: u64 = 0x2000;

/// From this size on, the two pages are 64 KiB apart.
const SPACED: u64 = 128 << 10;

/// The address from which the two pages of a CPU interface, physical or virtual, lie side by side.
///
/// Boards that let operating systems with pages of 64 KiB use the GIC put the second page 64 KiB behind the first, and
/// repeat each within its 64 KiB: there, the last copy of the first page is the neighbour of the second.
pub(super) fn side_by_side(interface: PhysRange) -> Hpa {
    let shift = if interface.len() >= SPACED { 0xf000 } else { 0 };
    Hpa::new(interface.start().as_u64() + shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaced_pages_meet_at_the_end_of_the_first() {
        let at = |start, len| side_by_side(PhysRange::new(Hpa::new(start), len).unwrap());
        assert_eq!(at(0x801_0000, 0x1_0000), Hpa::new(0x801_0000));
        assert_eq!(at(0xff84_6000, BYTES), Hpa::new(0xff84_6000));
        assert_eq!(at(0xf906_0000, 0x2_0000), Hpa::new(0xf906_f000));
    }
}
