//! Physical addresses behind which nothing is: all-ones for reads, writes dropped, #UD for code.

use crate::forms::{self, Form};
use core::arch::asm;
use guest_rt::hypercall::{self, EXIT_COUNT};
use guest_rt::paging::{self, UNCACHED};
use guest_rt::racy::Racy;
use guest_rt::report::{Hex, Sweep};
use guest_rt::start_info;
use guest_rt::trap::{Fault, UD, attempt, last_cr2, last_rip};
use guest_rt::{cpuid, fpu};

const GIB: u64 = 1 << 30;
/// Index of the counter of accesses to unbacked addresses.
const UNBACKED_COUNTER: u64 = 6;
/// The bound of RAM below 4 GiB.
const LOW_END: u64 = 3 * GIB;

#[repr(C, align(4096))]
struct Page([u8; 4096]);

static RAM: Racy<Page> = Racy::new(Page([0x11; 4096]));

/// The first address above all RAM that lies below `limit`.
fn ram_end(limit: u64) -> u64 {
    start_info::ram().iter().map(|range| range.end).filter(|&end| end <= limit).max().unwrap_or(0)
}

/// Unowned pages: just above RAM, in the hole below 4 GiB beside the devices, and at the end of the address space.
fn addresses() -> impl Iterator<Item = u64> {
    let bits = cpuid::physical_bits();
    let above_low = Some(ram_end(LOW_END)).filter(|&end| end < LOW_END);
    let above_all = ram_end(u64::MAX).max(4 * GIB);
    let fixed = [LOW_END, 0xd000_0000, 0xfeb0_0000, 0xfec0_1000, 0xfed0_0000, 0xfee0_1000, 0xffff_f000];
    let high = [above_all, 1 << (bits - 1), (1 << bits) - 4096];
    above_low.into_iter().chain(fixed).chain(high)
}

pub(crate) fn run() {
    fpu::enable();
    plain();
    for (name, list) in [("unowned-moves", &forms::moves()[..]), ("unowned-arithmetic", &forms::arithmetic())] {
        all_forms(name, list, |got, want| got == Ok(want));
    }
    all_forms("unowned-atomics", &forms::atomics(), |got, want| got == Ok(want));
    all_forms("unowned-strings", &forms::strings(), |got, want| got == Ok(want));
    all_forms("unowned-rare", &forms::rare(), |got, want| got == Ok(want) || got == Err(UD));
    crossing();
    code();
    too_wide();
    counted();
}

fn plain() {
    let mut sweep = Sweep::new("unowned-addresses");
    for address in addresses() {
        for offset in [0, 8, 0x10, 0x7f8, 0xff8] {
            let at = paging::window(0, address, UNCACHED).wrapping_add(offset);
            for value in [0, 0x5555_5555_5555_5555] {
                // SAFETY: an address without memory; #PF and the like would be reported by the trap table.
                unsafe { at.cast::<u64>().write_volatile(value) };
                // SAFETY: as above.
                let got = unsafe {
                    (
                        at.read_volatile(),
                        at.cast::<u16>().read_volatile(),
                        at.cast::<u32>().read_volatile(),
                        at.cast::<u64>().read_volatile(),
                    )
                };
                sweep.expect(Hex(address + offset as u64), got, (0xff, 0xffff, u32::MAX, u64::MAX));
            }
        }
    }
    sweep.finish();
}

/// Runs each form at two addresses; `right` judges the answer. The window's first page is at 0x80_0000_0000.
fn all_forms(name: &'static str, list: &[Form], right: fn(Result<u64, Fault>, u64) -> bool) {
    let mut sweep = Sweep::new(name);
    for address in [0xd000_0000, ram_end(u64::MAX).max(4 * GIB)] {
        for &(form, code, want) in list {
            let mut buffer = [0xff_u8; 64];
            let at = paging::window(0, address, UNCACHED);
            // SAFETY: the code touches the window's page and the buffer.
            let got = attempt(|| unsafe { code(at, buffer.as_mut_ptr()) });
            sweep.judge(right(got, want), form, format_args!("got={got:x?} want={want:x}"));
        }
    }
    sweep.finish();
}

/// Accesses across the end of RAM: the bytes of each page are that page's.
fn crossing() {
    let mut sweep = Sweep::new("unowned-crossing");
    let edge = paging::window(0, RAM.get() as u64, 0).wrapping_add(4096);
    paging::window(1, 0xd000_0000, UNCACHED);
    for before in 1..8 {
        let at = edge.wrapping_sub(before);
        let want = |byte: u64| u64::MAX << (8 * before) | (byte * 0x0101_0101_0101_0101) >> (64 - 8 * before);
        sweep.expect(before, load(at), want(0x11));
        store(at, 0x2222_2222_2222_2222);
        sweep.expect(format_args!("{before} after a write"), load(at), want(0x22));
        // SAFETY: the page of this guest.
        unsafe { RAM.get().write_volatile(Page([0x11; 4096])) };
    }
    paging::close_window(1);
    sweep.finish();
}

/// MOV of 8 bytes from an address without alignment.
fn load(at: *const u8) -> u64 {
    let value;
    // SAFETY: a page of this guest, and one without memory.
    unsafe { asm!("mov {}, [{}]", out(reg) value, in(reg) at, options(nostack)) };
    value
}

/// MOV of 8 bytes to an address without alignment.
fn store(at: *mut u8, value: u64) {
    // SAFETY: as for `load`.
    unsafe { asm!("mov [{}], {}", in(reg) at, in(reg) value, options(nostack)) };
}

/// All-ones are no instruction.
fn code() {
    let mut sweep = Sweep::new("unowned-code");
    for address in addresses() {
        let at = paging::window(0, address, UNCACHED);
        // SAFETY: the call raises an exception at its target.
        let entry: extern "C" fn() = unsafe { core::mem::transmute(at) };
        sweep.expect(Hex(address), attempt(|| entry()), Err(UD));
        sweep.expect("RIP", last_rip(), at as u64);
    }
    sweep.finish();
}

/// An address above the physical width sets a reserved bit: #PF, reserved. (QEMU's TCG leaves bit 0, present, clear.)
fn too_wide() {
    let mut sweep = Sweep::new("address-width");
    for bit in cpuid::physical_bits()..52 {
        let at = paging::raw_window(0, 1 << bit | 3);
        // SAFETY: raises #PF.
        let got = attempt(|| unsafe { at.read_volatile() });
        let right = matches!(got, Err(Fault(14, 8 | 9)));
        sweep.judge(right, Hex(1 << bit), format_args!("{got:x?}"));
        sweep.expect("CR2", last_cr2(), at as u64);
    }
    paging::close_window(0);
    sweep.finish();
}

/// Each access is counted.
fn counted() {
    if !hypercall::on_phalanx() {
        return;
    }
    let mut sweep = Sweep::new("unowned-counted");
    let count = || hypercall::call(EXIT_COUNT, [UNBACKED_COUNTER, 0, 0]);
    let at = paging::window(0, 0xd000_0000, UNCACHED);
    let before = count();
    for _ in 0..10 {
        // SAFETY: an address without memory.
        unsafe { at.read_volatile() };
    }
    sweep.expect("ten reads", count() - before, 10);
    sweep.finish();
}
