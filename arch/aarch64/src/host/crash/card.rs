//! The card itself: text from registers.

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::Ordering;

use super::super::exceptions::{ExceptionFrame, Kind};
use super::super::percpu::{NOTHING_RUNS, PerCpu};
use super::{Hooks, backtrace, known};
use crate::esr::Explained;

/// Registers that say in which world the CPU was.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Control {
    /// SCTLR_EL2.
    pub(super) sctlr: u64,
    /// HCR_EL2.
    pub(super) hcr: u64,
    /// TTBR0_EL2.
    pub(super) ttbr0: u64,
    /// HPFAR_EL2: the guest-physical page of its last stage-2 fault.
    pub(super) hpfar: u64,
}

/// The card for an exception.
pub(super) fn exception(
    out: &mut dyn Write,
    frame: &ExceptionFrame,
    kind: Kind,
    control: &Control,
    cpu: Option<&PerCpu>,
    hooks: &Hooks,
) -> fmt::Result {
    write!(out, "\nphalanx: crash: ")?;
    match kind {
        Kind::Synchronous => write!(out, "{}", Explained(frame.esr))?,
        Kind::Irq => out.write_str("an interrupt, although interrupts are masked")?,
        Kind::Fiq => out.write_str("a fast interrupt, although interrupts are masked")?,
        Kind::SError => write!(out, "a system error: {}", Explained(frame.esr))?,
    }
    cpu_and_vcpu(out, cpu, hooks)?;
    if let Some(stack) = known::used_up(frame.far).filter(|_| kind == Kind::Synchronous) {
        writeln!(out, "  {stack}")?;
    }
    registers(out, frame)?;
    control_registers(out, control)?;
    backtrace::print(out, frame.elr, frame.x[29])
}

/// The card for a panic: the registers of the place are gone, the stack is not. `at` holds PC, FP and SP.
pub(super) fn panic(
    out: &mut dyn Write,
    info: &PanicInfo<'_>,
    at: [u64; 3],
    control: &Control,
    cpu: Option<&PerCpu>,
    hooks: &Hooks,
) -> fmt::Result {
    let [pc, fp, sp] = at;
    write!(out, "\nphalanx: crash: {info}")?;
    cpu_and_vcpu(out, cpu, hooks)?;
    writeln!(out, "  sp {sp:016x}  fp {fp:016x}")?;
    control_registers(out, control)?;
    backtrace::print(out, pc, fp)
}

/// Who was running.
fn cpu_and_vcpu(out: &mut dyn Write, cpu: Option<&PerCpu>, hooks: &Hooks) -> fmt::Result {
    let Some(cpu) = cpu else {
        return writeln!(out, "\n  on the boot CPU, before it was set up");
    };
    write!(out, "\n  on CPU {} (MPIDR {:x}), ", cpu.index.0, cpu.mpidr)?;
    match cpu.running.load(Ordering::Relaxed) {
        NOTHING_RUNS => writeln!(out, "no vCPU running"),
        running => {
            let (domain, vcpu) = ((running >> 32) as u32, running as u32);
            write!(out, "running vCPU {vcpu} of domain {domain} (")?;
            (hooks.domain_name)(domain, out)?;
            writeln!(out, ")")
        }
    }
}

fn registers(out: &mut dyn Write, frame: &ExceptionFrame) -> fmt::Result {
    let ExceptionFrame { x, sp, elr, spsr, esr, far } = frame;
    writeln!(out, "  elr {elr:016x}  spsr {spsr:08x}  esr {esr:010x}  far {far:016x}")?;
    for (row, values) in x.chunks(4).enumerate() {
        for (column, value) in values.iter().enumerate() {
            write!(out, "  x{:02} {value:016x}", 4 * row + column)?;
        }
        out.write_str(if values.len() == 4 { "\n" } else { "" })?;
    }
    writeln!(out, "   sp {sp:016x}")
}

fn control_registers(out: &mut dyn Write, control: &Control) -> fmt::Result {
    let Control { sctlr, hcr, ttbr0, hpfar } = control;
    let image = known::code_start();
    writeln!(out, "  sctlr {sctlr:x}  hcr {hcr:x}  ttbr0 {ttbr0:x}  hpfar {hpfar:x}  image {image:x}")
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use phalanx_arch_api::CpuIndex;

    use super::super::super::percpu::Interrupts;
    use super::*;

    const HOOKS: Hooks = Hooks { write: |_| (), domain_name: |_, out| out.write_str("linux"), stop: || panic!() };

    fn card(kind: Kind, frame: &ExceptionFrame, cpu: Option<&PerCpu>) -> String {
        let mut text = String::new();
        exception(&mut text, frame, kind, &Control::default(), cpu, &HOOKS).unwrap();
        text
    }

    #[test]
    fn an_exception_is_explained_with_every_register() {
        let interrupts = Interrupts { virtual_timer: 27, hypervisor_timer: 26, maintenance: 25, console: 33 };
        let cpu = PerCpu::new(CpuIndex(1), 0x101, 1, 0, interrupts);
        cpu.set_running(2, 3);
        let mut frame = ExceptionFrame { elr: 0x4020_1234, esr: 0x9600_0046, far: 0xdead_beef, ..Default::default() };
        frame.x = core::array::from_fn(|n| 0x1111 * n as u64);
        frame.sp = 0x4123_4560;
        let text = card(Kind::Synchronous, &frame, Some(&cpu));
        for words in [
            "data abort from EL2: translation fault, level 2, on a write",
            "on CPU 1 (MPIDR 101), running vCPU 3 of domain 2 (linux)",
            "elr 0000000040201234",
            "far 00000000deadbeef",
            "x00 0000000000000000",
            "x30 000000000001fffe",
            " sp 0000000041234560",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn an_interrupt_and_an_early_crash_are_named() {
        let text = card(Kind::Irq, &ExceptionFrame::default(), None);
        assert!(text.contains("interrupts are masked") && text.contains("before it was set up"), "{text}");
    }
}
