//! CR8, debug registers and XCR0: what CPUID offers can be set, everything else is #GP or #UD.

use core::arch::asm;
use guest_rt::report::{Hex, Sweep};
use guest_rt::trap::{GP, UD, attempt};
use guest_rt::{apic, cpu, cpuid, fpu, start_info};

const CR4_DE: u64 = 1 << 3;
const CR4_OSXSAVE: u64 = 1 << 18;

pub(crate) fn run() {
    cr8();
    debug_registers();
    xcr0();
}

/// CR8 is the upper half of the task priority.
fn cr8() {
    let mut sweep = Sweep::new("cr8");
    for priority in 0..16 {
        // SAFETY: holds interrupts back, no more.
        sweep.expect(priority, attempt(|| unsafe { cpu::write_cr8(priority) }), Ok(()));
        sweep.expect("CR8", cpu::read_cr8(), priority);
        sweep.expect("TPR", apic::read(apic::reg::TPR), (priority as u32) << 4);
    }
    apic::write(apic::reg::TPR, 0x35);
    sweep.expect("CR8 after TPR", cpu::read_cr8(), 3);
    // With a virtual TPR the processor alone checks the reserved bits.
    let reserved = if start_info::has_word("strict") { 4..64 } else { 0..0 };
    for bit in reserved {
        // SAFETY: a reserved bit faults.
        sweep.expect(Hex(1 << bit), attempt(|| unsafe { cpu::write_cr8(1 << bit) }), Err(GP));
    }
    // SAFETY: lets all interrupts through again.
    unsafe { cpu::write_cr8(0) };
    sweep.finish();
}

fn debug_registers() {
    let mut sweep = Sweep::new("debug-registers");
    for bit in 32..64 {
        // SAFETY: reserved bits fault.
        sweep.expect("DR6", attempt(|| unsafe { cpu::write_dr6(1 << bit) }), Err(GP));
        // SAFETY: as above.
        sweep.expect("DR7", attempt(|| unsafe { cpu::write_dr7(1 << bit) }), Err(GP));
    }
    // SAFETY: with DE set, DR4 does not exist.
    let dr4 = attempt(|| unsafe {
        cpu::write_cr4(cpu::read_cr4() | CR4_DE);
        asm!("mov {}, dr4", out(reg) _, options(nostack));
    });
    sweep.expect("DR4 with CR4.DE", dr4, Err(UD));
    // SAFETY: as it was.
    unsafe { cpu::write_cr4(cpu::read_cr4() & !CR4_DE) };
    sweep.finish();
}

/// XSETBV: x87 always, AVX only with SSE, nothing hidden, only register 0, and only with CR4.OSXSAVE.
fn xcr0() {
    let mut sweep = Sweep::new("xcr0");
    // SAFETY: values that fault, or that enable state which nothing here uses.
    let set = |index, value| attempt(|| unsafe { fpu::write_xcr(index, value) });
    // SAFETY: XSAVE is not used.
    unsafe { cpu::write_cr4(cpu::read_cr4() & !CR4_OSXSAVE) };
    sweep.expect("without OSXSAVE", set(0, 1), Err(UD));
    if fpu::enable() {
        let leaf = cpuid::read(0xd, 0);
        let valid = u64::from(leaf.edx) << 32 | u64::from(leaf.eax);
        for bit in (0..64).filter(|bit| valid >> bit & 1 == 0) {
            sweep.expect(Hex(1 << bit), set(0, 1 << bit | 1), Err(GP));
        }
        for (value, want) in
            [(0, Err(GP)), (2, Err(GP)), (5, Err(GP)), (4, Err(GP)), (1, Ok(())), (3, Ok(())), (7, Ok(()))]
        {
            sweep.expect(Hex(value), set(0, value), want);
        }
        sweep.expect("register 1", set(1, 1), Err(GP));
        sweep.expect("register 0xffffffff", set(u32::MAX, 1), Err(GP));
        sweep.expect("value", fpu::read_xcr(0), 7);
    }
    sweep.finish();
}
