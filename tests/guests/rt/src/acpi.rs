//! The few ACPI tables that a guest reads: how many CPUs there are.

use crate::start_info;

const RSDT: u64 = 16;
const XSDT: u64 = 24;
const REVISION: u64 = 15;
const HEADER_BYTES: u64 = 36;
const MADT_FIXED_BYTES: u64 = 44;
const ENABLED: u32 = 1;

fn load<T: Copy>(address: u64) -> T {
    // SAFETY: plain integers in a table that the loader placed in identity-mapped memory.
    unsafe { (address as *const T).read_unaligned() }
}

/// Address of the table with `signature`, looked up in the XSDT, or the RSDT of ACPI 1.0.
pub fn table(signature: &[u8; 4]) -> Option<u64> {
    let rsdp = start_info::rsdp();
    if rsdp == 0 {
        return None;
    }
    let extended = load::<u8>(rsdp + REVISION) >= 2;
    let (root, width) = if extended { (load::<u64>(rsdp + XSDT), 8) } else { (u64::from(load::<u32>(rsdp + RSDT)), 4) };
    let length = u64::from(load::<u32>(root + 4));
    let entries = (HEADER_BYTES..length)
        .step_by(width)
        .map(|offset| if extended { load::<u64>(root + offset) } else { u64::from(load::<u32>(root + offset)) });
    entries.into_iter().find(|&table| load::<[u8; 4]>(table) == *signature)
}

/// Calls `each` with the APIC id of every enabled CPU of the MADT (ACPI 6.5, 5.2.12.2 and 5.2.12.12).
pub fn for_each_cpu(mut each: impl FnMut(u32)) {
    let Some(madt) = table(b"APIC") else { return };
    let end = madt + u64::from(load::<u32>(madt + 4));
    let mut entry = madt + MADT_FIXED_BYTES;
    while entry + 2 <= end {
        let (kind, length) = (load::<u8>(entry), load::<u8>(entry + 1));
        match kind {
            0 if load::<u32>(entry + 4) & ENABLED != 0 => each(u32::from(load::<u8>(entry + 3))),
            9 if load::<u32>(entry + 8) & ENABLED != 0 => each(load::<u32>(entry + 4)),
            _ => {}
        }
        entry += u64::from(length.max(2));
    }
}
