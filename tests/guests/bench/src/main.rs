//! What the hot exits cost: one `row NAME VALUE` for each operation, in TSC ticks per operation.
//!
//! In the counting lane (one emulated instruction is one tick, and RDTSC does not exit) the value is a number of
//! instructions: those of the hypervisor plus those of the guest's own loop, which the source states next to each loop.
//! Nothing is subtracted. The command line word `counting` says that this lane is meant, and adds a check to each row
//! that the last batches agree to the tick.
//!
//! Elsewhere the ticks are time and the rows only show that every operation works.
#![no_std]
#![no_main]

mod batch;
mod deadline;
mod exits;
mod interrupts;

use batch::measure;
use guest_rt::{apic, cpuid, hypercall, println};

guest_rt::entry!(main);

fn main() {
    exit_rows();
    // The local APIC starts in xAPIC mode: its register page is measured first, then the MSRs.
    if !apic::is_x2apic() {
        measure("lapic-read", exits::lapic_read);
        interrupts::prepare_xapic();
        measure("self-ipi-mmio", interrupts::self_ipi_mmio);
    }
    if cpuid::has_x2apic() {
        apic::enable_x2apic();
        interrupts::prepare_x2apic();
        measure("self-ipi", interrupts::self_ipi);
        timer_row();
    } else {
        println!("# no rows self-ipi, timer, interrupt: no x2APIC");
    }
}

fn exit_rows() {
    measure("cpuid", exits::cpuid);
    if !hypercall::on_phalanx() {
        println!("# no row hypercall: no Phalanx");
    } else if cpuid::is_amd() {
        measure("hypercall", exits::vmmcall);
    } else {
        measure("hypercall", exits::vmcall);
    }
    measure("rdmsr", exits::rdmsr);
    if cpuid::has_tsc_adjust() {
        measure("wrmsr", exits::wrmsr_tsc_adjust);
    } else {
        println!("# row wrmsr writes IA32_APIC_BASE: no IA32_TSC_ADJUST");
        measure("wrmsr", exits::wrmsr_apic_base);
    }
    measure("port", exits::port);
    measure("port-unowned", exits::port_unowned);
}

fn timer_row() {
    if cpuid::has_tsc_deadline() {
        apic::use_deadline(interrupts::VECTOR);
        measure("timer", interrupts::timer);
        deadline::prepare();
        measure("interrupt", deadline::to_handler);
        apic::stop_timer();
    } else {
        println!("# no rows timer, interrupt: no TSC deadline");
    }
}
