//! What the hot exits cost: one `row NAME VALUE` for each operation, in ticks of CNTVCT_EL0 per operation.
//!
//! In the counting lane with `-cpu max` (one emulated instruction is one tick) the value is a number of instructions:
//! those of the hypervisor plus those of the guest's own loop, which the source states next to each loop. Nothing is
//! subtracted. The command line word `counting` says that this lane is meant, and adds a check to each row that the last
//! batches agree to the tick.
//!
//! Elsewhere the ticks are time and the rows only show that every operation works. Rows that need Phalanx are left out
//! without it.
#![no_std]
#![no_main]

mod batch;
mod exits;
mod interrupts;
mod vectors;

use batch::measure;
use guest_arm_rt::{gic, hypercall, println, report, start_info};

guest_arm_rt::entry!(main);

fn main() {
    report::row("boot", start_info::began());
    exit_rows();
    vectors::install();
    interrupts::prepare();
    if gic::is_v3() {
        measure("self-sgi", interrupts::self_sgi_v3);
        measure("self-sgi-eoi", interrupts::self_sgi_eoi_v3);
        measure("timer", interrupts::timer_v3);
        measure("timer-wfi", interrupts::timer_wfi_v3);
    } else {
        measure("self-sgi", interrupts::self_sgi_v2);
        measure("self-sgi-eoi", interrupts::self_sgi_eoi_v2);
        measure("timer", interrupts::timer_v2);
        measure("timer-wfi", interrupts::timer_wfi_v2);
    }
    interrupts::finish();
    sgi_row();
}

fn exit_rows() {
    measure("hypercall", exits::hypercall);
    measure("trap", exits::trap);
    measure("gicd-typer", exits::gicd_typer);
    if gic::is_v3() {
        measure("gicr-typer", exits::gicr_typer);
    } else {
        println!("# no row gicr-typer: GICv2");
    }
    measure("pl011-fr", exits::pl011_flags);
    if hypercall::on_phalanx() {
        measure("phalanx-hypercall", exits::phalanx_hypercall);
        measure("mmio-unowned", exits::unowned);
    } else {
        println!("# no rows phalanx-hypercall, mmio-unowned: no Phalanx");
    }
}

fn sgi_row() {
    if start_info::cpus().len() < 2 {
        println!("# no row sgi: one CPU");
    } else if interrupts::start_partner() {
        measure("sgi", if gic::is_v3() { interrupts::sgi_v3 } else { interrupts::sgi_v2 });
    }
}
