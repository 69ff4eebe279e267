//! Privileged and virtualisation instructions at ring 0 and ring 3.

use crate::opcodes;
use crate::probe::run as probe_one;
use guest_rt::irq;
use guest_rt::racy::Racy;
use guest_rt::report::{self, Sweep};
use guest_rt::{cpu, timer, trap};

const VECTOR: u8 = 0x52;

#[repr(C, align(4096))]
struct Page([u8; 4096]);

/// Memory for instructions with an operand there: page-aligned, as VMRUN and its kin want it.
static SCRATCH: Racy<Page> = Racy::new(Page([0; 4096]));

pub(crate) fn run() {
    let address = SCRATCH.get() as u64;
    let mut sweep = Sweep::new("virtualisation-instructions");
    for probe in opcodes::virtualisation() {
        // SAFETY: absent instructions raise #UD; the address in RDI is scratch memory.
        unsafe { probe_one(&probe, [address, address, 0, 0], &mut sweep) };
    }
    sweep.finish();
    let mut sweep = Sweep::new("privileged-instructions");
    for probe in opcodes::privileged() {
        // SAFETY: those that run at ring 0 are harmless there; the address in RDI is scratch memory.
        unsafe { probe_one(&probe, [address, 0, 0, 0], &mut sweep) };
    }
    sweep.finish();
    halts();
    exceptions();
}

/// HLT returns when the timer fires, and STI's shadow holds until then.
fn halts() {
    irq::forget(VECTOR);
    for _ in 0..4 {
        timer::arm(VECTOR, 500);
        cpu::wait_for_interrupt();
    }
    report::check("hlt-returns", irq::received(VECTOR), 4);
    guest_rt::apic::stop_timer();
}

/// Exceptions that the guest raises by itself arrive with the right vector and code.
fn exceptions() {
    let mut sweep = Sweep::new("own-exceptions");
    for (probe, arguments) in opcodes::exceptions() {
        // SAFETY: each raises an exception and changes nothing.
        unsafe { probe_one(&probe, arguments, &mut sweep) };
    }
    let hole = guest_rt::paging::raw_window(0, 0) as u64;
    for (name, write) in [("read", false), ("write", true)] {
        let got = trap::attempt(|| touch(hole + 0x123, write));
        sweep.expect(name, got, Err(trap::Fault(14, u32::from(write) << 1)));
        sweep.expect("CR2", trap::last_cr2(), hole + 0x123);
    }
    sweep.finish();
}

fn touch(address: u64, write: bool) {
    let pointer = address as *mut u8;
    if write {
        // SAFETY: the page is absent; the access raises #PF.
        unsafe { pointer.write_volatile(0) };
    } else {
        // SAFETY: as above.
        unsafe { pointer.read_volatile() };
    }
}
