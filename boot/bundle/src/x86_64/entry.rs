//! The state of vCPU 0 at its first instruction, for the three modes that kernels start in.

use phalanx_abi::bundle::{X86DescriptorTable, X86EntryRecord, X86Segment};
use zerocopy::{FromZeros, IntoBytes, little_endian::U64};

use crate::program::{About, Refusal};
use crate::ram::Ram;
use crate::x86_64::layout::{BOOT_INFO, GDT, PAGE_TABLES};
use crate::x86_64::paging;

/// Numbers of the general registers, as instructions encode them.
pub(crate) const RAX: usize = 0;
/// See [`RAX`].
pub(crate) const RBX: usize = 3;
/// See [`RAX`].
pub(crate) const RSI: usize = 6;
/// See [`RAX`].
pub(crate) const RDI: usize = 7;

const CR0_PE: u64 = 1 << 0;
const CR0_ET: u64 = 1 << 4;
const CR0_NE: u64 = 1 << 5;
const CR0_PG: u64 = 1 << 31;
const CR4_PAE: u64 = 1 << 5;
const EFER_LME: u64 = 1 << 8;
const EFER_LMA: u64 = 1 << 10;
/// RFLAGS with nothing but the bit that is always one.
const RFLAGS: u64 = 1 << 1;

/// Selector of the 32-bit code segment.
const CODE32: u16 = 0x08;
/// Selector of the 64-bit code segment, as Linux calls `__BOOT_CS`.
const CODE64: u16 = 0x10;
/// Selector of the data segment, as Linux calls `__BOOT_DS`.
const DATA: u16 = 0x18;
/// Selector of the task state segment, two entries wide.
const TASK: u16 = 0x20;

/// Attributes in the form of [`X86Segment::attributes`]: flat, present, accessed.
const CODE32_ATTRIBUTES: u16 = 0xc9b;
const CODE64_ATTRIBUTES: u16 = 0xa9b;
const DATA_ATTRIBUTES: u16 = 0xc93;
/// A busy task state segment, 32 or 64 bits wide as the mode says.
const TASK_ATTRIBUTES: u16 = 0x08b;
/// Limit of a task state segment without I/O map.
const TASK_LIMIT: u32 = 0x67;
/// Attributes in real mode, as after RESET: 16-bit code and data, an LDT.
const REAL_CODE_ATTRIBUTES: u16 = 0x09b;
const REAL_DATA_ATTRIBUTES: u16 = 0x093;
const LDT_ATTRIBUTES: u16 = 0x082;
/// Limit of every segment in real mode.
const REAL_LIMIT: u32 = 0xffff;
/// Limit of the interrupt vector table: 256 far pointers at address 0.
const VECTORS_LIMIT: u32 = 0x3ff;

/// Starts in 64-bit mode at `rip`, with a flat GDT and the first 4 GiB mapped to themselves.
pub(crate) fn long_mode(ram: &mut Ram, rip: u64) -> Result<X86EntryRecord, Refusal> {
    ram.place(About::Memory, "the page tables", PAGE_TABLES, paging::tables())?;
    Ok(X86EntryRecord {
        cr0: (CR0_PE | CR0_ET | CR0_NE | CR0_PG).into(),
        cr3: paging::CR3.into(),
        cr4: CR4_PAE.into(),
        efer: (EFER_LME | EFER_LMA).into(),
        cs: flat(CODE64, CODE64_ATTRIBUTES),
        ..flat_mode(ram, rip)?
    })
}

/// Starts in 32-bit protected mode at `rip`, without paging and with a flat GDT.
pub(crate) fn protected_mode(ram: &mut Ram, rip: u64) -> Result<X86EntryRecord, Refusal> {
    let cr0 = (CR0_PE | CR0_ET).into();
    Ok(X86EntryRecord { cr0, cs: flat(CODE32, CODE32_ATTRIBUTES), ..flat_mode(ram, rip)? })
}

/// Starts in real mode at physical address `start` (below 1 MiB), as a PC's firmware starts what it has loaded: CS covers
/// the 64 KiB block of the address, the other segments begin at 0, caches are on (AMD APM vol. 2, 14.1.3).
pub(crate) fn real_mode(start: u64) -> X86EntryRecord {
    let block = start & 0xf_0000;
    let real = |attributes| X86Segment { limit: REAL_LIMIT.into(), ..segment(0, attributes) };
    let data = real(REAL_DATA_ATTRIBUTES);
    let selector = (block >> 4) as u16;
    X86EntryRecord {
        rip: (start - block).into(),
        rflags: RFLAGS.into(),
        cr0: CR0_ET.into(),
        cs: X86Segment { selector: selector.into(), base: block.into(), ..real(REAL_CODE_ATTRIBUTES) },
        ds: data,
        es: data,
        fs: data,
        gs: data,
        ss: data,
        tr: real(TASK_ATTRIBUTES),
        ldtr: real(LDT_ATTRIBUTES),
        gdtr: X86DescriptorTable { limit: REAL_LIMIT.into(), ..X86DescriptorTable::new_zeroed() },
        idtr: X86DescriptorTable { limit: VECTORS_LIMIT.into(), ..X86DescriptorTable::new_zeroed() },
        ..X86EntryRecord::new_zeroed()
    }
}

/// What the other modes share: everything but code segment and control registers.
fn flat_mode(ram: &mut Ram, rip: u64) -> Result<X86EntryRecord, Refusal> {
    let gdt = descriptors();
    let gdt_limit = size_of_val(&gdt) as u32 - 1;
    ram.place(About::Memory, "the GDT", GDT, gdt.as_bytes().to_vec())?;
    let data = flat(DATA, DATA_ATTRIBUTES);
    Ok(X86EntryRecord {
        rip: rip.into(),
        rflags: RFLAGS.into(),
        ds: data,
        es: data,
        fs: data,
        gs: data,
        ss: data,
        tr: X86Segment { limit: TASK_LIMIT.into(), ..segment(TASK, TASK_ATTRIBUTES) },
        gdtr: X86DescriptorTable { base: GDT.into(), limit: gdt_limit.into() },
        ..X86EntryRecord::new_zeroed()
    })
}

/// The descriptors that the selectors above stand for (AMD APM vol. 2, 4.8).
fn descriptors() -> [U64; 6] {
    let flat = |attributes| descriptor(attributes, 0xf_ffff);
    let task = descriptor(TASK_ATTRIBUTES, TASK_LIMIT);
    [U64::ZERO, flat(CODE32_ATTRIBUTES), flat(CODE64_ATTRIBUTES), flat(DATA_ATTRIBUTES), task, U64::ZERO]
}

/// A descriptor with base 0; the limit is in units of its granularity.
fn descriptor(attributes: u16, limit: u32) -> U64 {
    let (attributes, limit) = (u64::from(attributes), u64::from(limit));
    let low = (limit & 0xffff) | (attributes & 0xff) << 40;
    U64::new(low | (limit >> 16 & 0xf) << 48 | (attributes >> 8) << 52)
}

fn flat(selector: u16, attributes: u16) -> X86Segment {
    X86Segment { limit: u32::MAX.into(), ..segment(selector, attributes) }
}

fn segment(selector: u16, attributes: u16) -> X86Segment {
    X86Segment { selector: selector.into(), attributes: attributes.into(), ..X86Segment::new_zeroed() }
}

/// Points a register at the boot information.
pub(crate) fn with_boot_info(mut state: X86EntryRecord, register: usize) -> X86EntryRecord {
    state.gprs[register] = BOOT_INFO.into();
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_mode_starts_at_the_address() {
        for (start, selector, offset) in [(0x7c00, 0, 0x7c00), (0x3_0010, 0x3000, 0x10), (0xf_fff0, 0xf000, 0xfff0)] {
            let state = real_mode(start);
            assert_eq!((state.cs.selector.get(), state.rip.get()), (selector, offset));
            assert_eq!(state.cs.base.get(), u64::from(selector) << 4);
            assert_eq!((state.cr0.get(), state.efer.get()), (CR0_ET, 0));
        }
    }

    #[test]
    fn descriptors_are_the_well_known_ones() {
        let words = descriptors().map(U64::get);
        assert_eq!(words[1], 0x00cf_9b00_0000_ffff);
        assert_eq!(words[2], 0x00af_9b00_0000_ffff);
        assert_eq!(words[3], 0x00cf_9300_0000_ffff);
        assert_eq!(words[4], 0x0000_8b00_0000_0067);
    }
}
