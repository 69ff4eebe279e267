//! Segment registers: from the form that both backends share to the VMCS's and back (Intel SDM vol. 3C, table 26-2).
#![forbid(unsafe_code)]

use super::field::{self, Bits16, Bits32, Field, Guest, Natural};
use crate::vcpu::{Segment, SegmentName};

/// P in the shared form and in the VMCS.
const PRESENT: u16 = 1 << 7;
/// "Unusable" in the access rights.
const UNUSABLE: u32 = 1 << 16;
/// Access rights of a busy 64-bit TSS, present.
const BUSY_TSS: u32 = 0x8b;
/// Limit of a task state segment without an I/O map.
const TSS_LIMIT: u32 = 0x67;

/// The four fields of a segment register.
pub(super) struct Fields {
    pub(super) selector: Field<Bits16, Guest>,
    pub(super) limit: Field<Bits32, Guest>,
    pub(super) rights: Field<Bits32, Guest>,
    pub(super) base: Field<Natural, Guest>,
}

macro_rules! segments {
    ($($name:ident: $selector:ident, $limit:ident, $rights:ident, $base:ident;)+) => {
        /// Where a segment register is.
        pub(super) const fn fields(name: SegmentName) -> Fields {
            match name {
                $(SegmentName::$name => Fields {
                    selector: field::$selector,
                    limit: field::$limit,
                    rights: field::$rights,
                    base: field::$base,
                },)+
            }
        }
    };
}

segments! {
    Es: GUEST_ES_SELECTOR, GUEST_ES_LIMIT, GUEST_ES_RIGHTS, GUEST_ES_BASE;
    Cs: GUEST_CS_SELECTOR, GUEST_CS_LIMIT, GUEST_CS_RIGHTS, GUEST_CS_BASE;
    Ss: GUEST_SS_SELECTOR, GUEST_SS_LIMIT, GUEST_SS_RIGHTS, GUEST_SS_BASE;
    Ds: GUEST_DS_SELECTOR, GUEST_DS_LIMIT, GUEST_DS_RIGHTS, GUEST_DS_BASE;
    Fs: GUEST_FS_SELECTOR, GUEST_FS_LIMIT, GUEST_FS_RIGHTS, GUEST_FS_BASE;
    Gs: GUEST_GS_SELECTOR, GUEST_GS_LIMIT, GUEST_GS_RIGHTS, GUEST_GS_BASE;
    Tr: GUEST_TR_SELECTOR, GUEST_TR_LIMIT, GUEST_TR_RIGHTS, GUEST_TR_BASE;
    Ldtr: GUEST_LDTR_SELECTOR, GUEST_LDTR_LIMIT, GUEST_LDTR_RIGHTS, GUEST_LDTR_BASE;
}

/// A segment as an entry accepts it: a register without a present segment is unusable, but for TR, which has to hold one.
pub(super) fn for_entry(name: SegmentName, segment: Segment) -> Segment {
    if name == SegmentName::Tr && segment.attributes & PRESENT == 0 {
        return Segment { attributes: BUSY_TSS as u16, limit: TSS_LIMIT, ..segment };
    }
    segment
}

/// Access rights from the shared form: bits 7:0 stay, AVL, L, D/B and G go from 11:8 to 15:12.
pub(super) const fn rights(attributes: u16) -> u32 {
    if attributes & PRESENT == 0 {
        return UNUSABLE;
    }
    (attributes & 0xff) as u32 | ((attributes & 0xf00) as u32) << 4
}

/// The shared form of access rights.
pub(super) const fn attributes(rights: u32) -> u16 {
    if rights & UNUSABLE != 0 {
        return 0;
    }
    (rights & 0xff) as u16 | (rights >> 4 & 0xf00) as u16
}

/// The access rights of TR for a guest in IA-32e mode, which an entry accepts with a 64-bit TSS only; a guest that switches
/// to that mode has its old task register until it loads another (vol. 3C, section 28.3.1.2).
pub(super) const fn long_mode_task(rights: u32) -> u32 {
    rights & !0xf | BUSY_TSS & 0xf
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_round_trip() {
        for present in [0x93, 0xa9b, 0xc93, 0x8b, 0x82] {
            assert_eq!(attributes(rights(present)), present);
        }
        assert_eq!(rights(0xa9b), 0xa09b);
        assert_eq!(rights(0x13), UNUSABLE);
        assert_eq!(attributes(UNUSABLE | 0xf3), 0);
    }

    #[test]
    fn the_task_register_always_holds_a_task() {
        let empty = Segment::default();
        assert_eq!(for_entry(SegmentName::Tr, empty).attributes, 0x8b);
        assert_eq!(for_entry(SegmentName::Ldtr, empty), empty);
        assert_eq!(long_mode_task(0x83), 0x8b);
    }
}
