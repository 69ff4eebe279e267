//! The card itself: text from registers.

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::Ordering;

use x86_64::registers::control::{Cr0, Cr4};

use super::super::exceptions::{DOUBLE_FAULT, ExceptionFrame, PAGE_FAULT, name};
use super::super::instr::{self, Msr};
use super::super::percpu::{NOTHING_RUNS, this_cpu_if_known};
use super::{Hooks, backtrace, known};

/// The card for an exception.
pub(super) fn exception(out: &mut dyn Write, frame: &ExceptionFrame, hooks: &Hooks) -> fmt::Result {
    let cr2 = instr::cr2();
    write!(out, "\nphalanx: crash: {}, error code {:#x}", name(frame.vector), frame.error_code)?;
    cpu_and_vcpu(out, hooks)?;
    if frame.vector == u64::from(PAGE_FAULT) {
        page_fault(out, frame.error_code, cr2)?;
    }
    let may_be_the_stack = [PAGE_FAULT, DOUBLE_FAULT].map(u64::from).contains(&frame.vector);
    if let Some(stack) = known::used_up(frame.rsp).filter(|_| may_be_the_stack) {
        writeln!(out, "  {stack}")?;
    }
    registers(out, frame)?;
    control_registers(out, cr2)?;
    backtrace::print(out, frame.rip, frame.rbp)
}

/// The card for a panic: the registers of the place are gone, the stack is not.
pub(super) fn panic(out: &mut dyn Write, info: &PanicInfo<'_>, rbp: u64, rsp: u64, hooks: &Hooks) -> fmt::Result {
    write!(out, "\nphalanx: crash: {info}")?;
    cpu_and_vcpu(out, hooks)?;
    writeln!(out, "  rsp {rsp:016x}  rbp {rbp:016x}")?;
    control_registers(out, instr::cr2())?;
    backtrace::print(out, panic as *const () as u64, rbp)
}

/// Who was running.
fn cpu_and_vcpu(out: &mut dyn Write, hooks: &Hooks) -> fmt::Result {
    let Some(cpu) = this_cpu_if_known() else {
        return writeln!(out, "\n  on the boot CPU, before it was set up");
    };
    write!(out, "\n  on CPU {} (APIC id {}), ", cpu.index.0, cpu.apic_id)?;
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

/// The error code in words (Intel SDM vol. 3A, 4.7).
fn page_fault(out: &mut dyn Write, error_code: u64, address: u64) -> fmt::Result {
    let access = match error_code {
        code if code & 1 << 4 != 0 => "instruction fetch from",
        code if code & 1 << 1 != 0 => "write to",
        _ => "read from",
    };
    let reason = match error_code {
        code if code & 1 << 3 != 0 => "a table entry has reserved bits set",
        code if code & 1 != 0 => "the page does not allow it",
        _ => "nothing is mapped there",
    };
    writeln!(out, "  {access} {address:#x}: {reason}")
}

fn registers(out: &mut dyn Write, frame: &ExceptionFrame) -> fmt::Result {
    let ExceptionFrame { rip, cs, rflags, rsp, ss, rax, rbx, rcx, rdx, rsi, rdi, rbp, .. } = frame;
    let ExceptionFrame { r8, r9, r10, r11, r12, r13, r14, r15, .. } = frame;
    writeln!(out, "  rip {rip:016x}  cs {cs:x}  rflags {rflags:x}  rsp {rsp:016x}  ss {ss:x}")?;
    writeln!(out, "  rax {rax:016x}  rbx {rbx:016x}  rcx {rcx:016x}  rdx {rdx:016x}")?;
    writeln!(out, "  rsi {rsi:016x}  rdi {rdi:016x}  rbp {rbp:016x}   r8 {r8:016x}")?;
    writeln!(out, "   r9 {r9:016x}  r10 {r10:016x}  r11 {r11:016x}  r12 {r12:016x}")?;
    writeln!(out, "  r13 {r13:016x}  r14 {r14:016x}  r15 {r15:016x}")
}

fn control_registers(out: &mut dyn Write, cr2: u64) -> fmt::Result {
    let (cr0, cr3, cr4) = (Cr0::read_raw(), instr::cr3(), Cr4::read_raw());
    let efer = instr::rdmsr(Msr::EFER);
    writeln!(out, "  cr0 {cr0:08x}  cr2 {cr2:016x}  cr3 {cr3:x}  cr4 {cr4:x}  efer {efer:x}")
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::String;

    use super::*;

    fn printed(print: impl FnOnce(&mut dyn Write) -> fmt::Result) -> String {
        let mut text = String::new();
        print(&mut text).unwrap();
        text
    }

    #[test]
    fn page_faults_are_explained() {
        assert_eq!(printed(|out| page_fault(out, 0, 16)), "  read from 0x10: nothing is mapped there\n");
        assert_eq!(printed(|out| page_fault(out, 3, 16)), "  write to 0x10: the page does not allow it\n");
        assert_eq!(
            printed(|out| page_fault(out, 17, 16)),
            "  instruction fetch from 0x10: the page does not allow it\n"
        );
    }

    #[test]
    fn every_register_is_on_the_card() {
        let mut frame = ExceptionFrame { rip: 0xffff_ffff_8000_1234, r15: 0xabcd, ..Default::default() };
        frame.rbp = 0x1234_5678;
        let text = printed(|out| registers(out, &frame));
        for word in ["rip ffffffff80001234", "r15 000000000000abcd", "rbp 0000000012345678"] {
            assert!(text.contains(word), "{text}");
        }
        assert_eq!(text.lines().count(), 5);
    }
}
