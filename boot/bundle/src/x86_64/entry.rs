//! The state of vCPU 0 at its first instruction, for the two modes that kernels start in.

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

/// What both modes share: everything but code segment and control registers.
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
    fn descriptors_are_the_well_known_ones() {
        let words = descriptors().map(U64::get);
        assert_eq!(words[1], 0x00cf_9b00_0000_ffff);
        assert_eq!(words[2], 0x00af_9b00_0000_ffff);
        assert_eq!(words[3], 0x00cf_9300_0000_ffff);
        assert_eq!(words[4], 0x0000_8b00_0000_0067);
    }
}
