//! Physical addresses behind which nothing is: all-ones for reads, writes dropped, an external abort for code.

use guest_arm_rt::paging::{self, DEVICE, UNCACHED};
use guest_arm_rt::report::{Hex, Sweep};
use guest_arm_rt::trap::{self, ADDRESS_SIZE, ALIGNMENT, EXTERNAL, attempt, data_abort, instruction_abort, last_far};
use guest_arm_rt::{hypercall, mmio, start_info};

/// Unowned pages: beside the devices, below RAM, just above it, and at the end of the address space.
pub(crate) fn addresses() -> impl Iterator<Item = u64> {
    let bits = paging::physical_bits();
    let end = start_info::ram().iter().map(|range| range.end).max().unwrap_or(0);
    let fixed = [0x0808_0000, 0x0901_0000, 0x0a00_0000, 0x0c00_0000, 0x1000_0000, 0x3fff_f000];
    let high = [end, (1 << (bits - 1)) + 0x1000, (1 << bits) - 4096];
    fixed.into_iter().chain(high.into_iter().filter(move |&address| address >= end))
}

pub(crate) fn run() {
    too_wide();
    if hypercall::on_phalanx() {
        plain();
        misaligned();
        code();
    }
}

fn plain() {
    let mut sweep = Sweep::new("unowned-addresses");
    for (address, attributes) in addresses().flat_map(|address| [DEVICE, UNCACHED].map(|kind| (address, kind))) {
        for offset in [0, 8, 0x10, 0x7f8, 0xff8] {
            let at = paging::window(0, address, attributes) as u64 + offset;
            for value in [0, 0x5555_5555_5555_5555] {
                mmio::write64(at, value);
                mmio::write32(at, value as u32);
                mmio::write16(at, value as u16);
                mmio::write8(at, value as u8);
                let got = (mmio::read8(at), mmio::read16(at), mmio::read32(at), mmio::read64(at));
                sweep.expect(Hex(address + offset), got, (u8::MAX, u16::MAX, u32::MAX, u64::MAX));
            }
        }
    }
    sweep.finish();
}

/// Without alignment: all-ones or an external abort; on Device memory an alignment fault, if stage 2 is not asked first.
fn misaligned() {
    let mut sweep = Sweep::new("unowned-misaligned");
    for (offset, attributes) in (1..4).flat_map(|offset| [DEVICE, UNCACHED].map(|kind| (offset, kind))) {
        let at = paging::window(0, 0x1000_0000, attributes) as u64 + offset;
        let got = attempt(|| mmio::read32(at));
        let right = got == Ok(u32::MAX) || got == Err(data_abort(EXTERNAL));
        let faults = attributes == DEVICE && got == Err(data_abort(ALIGNMENT));
        sweep.judge(right || faults, offset, format_args!("{got:x?}"));
    }
    sweep.finish();
}

fn code() {
    let mut sweep = Sweep::new("unowned-code");
    for address in addresses().chain([0x0900_0000]) {
        let at = paging::window(0, address, UNCACHED);
        // SAFETY: the call raises an exception at its target.
        let entry: extern "C" fn() = unsafe { core::mem::transmute(at) };
        sweep.expect(Hex(address), attempt(|| entry()), Err(instruction_abort(EXTERNAL)));
        sweep.expect("ELR", trap::last_elr(), at as u64);
        sweep.expect("FAR", last_far(), at as u64);
    }
    sweep.finish();
}

/// An address above the physical size: an address size fault of the guest's own tables.
fn too_wide() {
    let mut sweep = Sweep::new("address-size");
    for bit in paging::physical_bits()..48 {
        let at = paging::window(0, 1 << bit, UNCACHED) as u64;
        let got = attempt(|| mmio::read32(at));
        sweep.expect(Hex(1 << bit), got, Err(data_abort(ADDRESS_SIZE + 3)));
        sweep.expect("FAR", last_far(), at);
    }
    paging::close_window(0);
    sweep.finish();
}
