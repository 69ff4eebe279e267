//! What exits did to a recorded guest, as machines with different hardware can compare it.
#![forbid(unsafe_code)]

use core::fmt;

use phalanx_abi::effect::{CHECKPOINT, LAST};
use phalanx_abi::hypercall::Hypercall;
use phalanx_arch_api::{DomainEnv, Effect, EffectKind, EffectMark, Gpa};

use crate::exits::kind::Exit;
use crate::vcpu::{Control, Injection, SegmentName, Vcpu, reg};

/// The local APIC's page, while the guest has not moved it.
const APIC_PAGE: core::ops::Range<u64> = 0xfee0_0000..0xfee0_1000;
/// MSRs of the local APIC in x2APIC mode.
const APIC_MSRS: core::ops::RangeInclusive<u64> = 0x800..=0x8ff;
/// The bit of RAX that spoils an answer.
const SPOILT: u64 = 1 << 4;
/// Names of the general-purpose registers by number.
const NAMES: [&str; 16] =
    ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

/// What is to be recorded before the next entry.
#[derive(Clone, Copy, Debug, Default)]
pub enum Note {
    /// Nothing: the exit was the host's business.
    #[default]
    Nothing,
    /// The state with which the guest starts.
    Start,
    /// The answer to an exit.
    Exit(Noted),
}

/// An exit with the registers that it may change.
#[derive(Clone, Copy, Debug)]
pub struct Noted {
    exit: Exit,
    rax: u64,
    rcx: u64,
}

/// Remembers what the guest left for.
pub fn after_exit<C: Control>(vcpu: &mut Vcpu<C>) {
    vcpu.control.sync_apic(&mut vcpu.apic);
    let noted = Noted { exit: vcpu.control.exit(), rax: vcpu.gprs.get(reg::RAX), rcx: vcpu.gprs.get(reg::RCX) };
    vcpu.note = if noted.kind().is_some() { Note::Exit(noted) } else { Note::Nothing };
}

/// Records the state with which the guest goes on, once for each exit: an instruction that waited for the core is one.
pub fn before_entry<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, env: &E) {
    let note = core::mem::take(&mut vcpu.note);
    let Some(kind) = note.kind() else { return };
    if kind == EffectKind::Step && env.spoils() {
        vcpu.gprs.set(reg::RAX, vcpu.gprs.get(reg::RAX) ^ SPOILT);
    }
    env.effect(&Effect { cause: &note, kind, registers: &registers(vcpu), mark: note.mark(vcpu) });
}

impl Note {
    fn kind(&self) -> Option<EffectKind> {
        match self {
            Self::Nothing => None,
            Self::Start => Some(EffectKind::Step),
            Self::Exit(noted) => noted.kind(),
        }
    }

    fn mark<C>(&self, vcpu: &Vcpu<C>) -> Option<EffectMark> {
        let Self::Exit(Noted { exit: Exit::Hypercall, rax, .. }) = self else { return None };
        let asked = vcpu.gprs.get(reg::RDI);
        let is_mark = *rax == Hypercall::Null.number() && matches!(asked, CHECKPOINT | LAST);
        is_mark.then(|| EffectMark { without: Gpa::new(vcpu.gprs.get(reg::RSI)), last: asked == LAST })
    }
}

impl Noted {
    /// Whether every backend has this exit, however much its processor does by itself. `None` where it comes from the host's
    /// time and interrupts, or from the way in which a backend delivers events.
    ///
    /// The local APIC answers by itself where the processor virtualizes it. Control registers exit for the bits that a
    /// backend watches. Some instructions raise #UD without an exit where they are the other vendor's. Of WBINVD and XSETBV,
    /// some processors check before the exit whether the guest may use them.
    fn kind(&self) -> Option<EffectKind> {
        match self.exit {
            Exit::Interrupt
            | Exit::Nmi
            | Exit::Init
            | Exit::SliceEnd
            | Exit::InterruptWindow
            | Exit::Iret
            | Exit::NmiWindow
            | Exit::TaskPriority
            | Exit::Pause => None,
            Exit::Msr { .. } if APIC_MSRS.contains(&(self.rcx & 0xffff_ffff)) => Some(EffectKind::Aside),
            Exit::SecondLevel(fault) if APIC_PAGE.contains(&fault.gpa.as_u64()) => Some(EffectKind::Aside),
            Exit::Cpuid | Exit::Halt | Exit::Hypercall | Exit::Msr { .. } | Exit::Port(_) | Exit::SecondLevel(_) => {
                Some(EffectKind::Step)
            }
            _ => Some(EffectKind::Aside),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Start => f.write_str("start"),
            Self::Exit(noted) => noted.fmt(f),
        }
    }
}

impl fmt::Display for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (eax, ecx) = (self.rax & 0xffff_ffff, self.rcx & 0xffff_ffff);
        match self.exit {
            Exit::Cpuid => write!(f, "cpuid:{eax:x}.{ecx:x}"),
            Exit::Halt => f.write_str("hlt"),
            Exit::Hypercall => write!(f, "hypercall:{:x}", self.rax),
            Exit::CacheFlush => f.write_str("wbinvd"),
            Exit::Msr { write: false } => write!(f, "rdmsr:{ecx:x}"),
            Exit::Msr { write: true } => write!(f, "wrmsr:{ecx:x}"),
            Exit::Port(port) => {
                let name = match (port.input, port.string) {
                    (true, false) => "in",
                    (false, false) => "out",
                    (true, true) => "ins",
                    (false, true) => "outs",
                };
                write!(f, "{name}:{:x}.{}", port.port, port.size.bytes())
            }
            Exit::SecondLevel(fault) => {
                // An instruction that reads and writes is told as either.
                let name = if fault.fetch { "fetch" } else { "access" };
                write!(f, "{name}:{:x}", fault.gpa.as_u64())
            }
            Exit::Xsetbv => write!(f, "xsetbv:{ecx:x}"),
            Exit::ControlRegisterWrite { number, .. } => write!(f, "cr{number}"),
            Exit::UndefinedInstruction => f.write_str("undefined-instruction"),
            Exit::ForbiddenInstruction => f.write_str("forbidden-instruction"),
            Exit::Exception { vector, code } => write!(f, "exception:{vector:x}.{code:x}"),
            // The guest does not go on after the others.
            _ => f.write_str("other"),
        }
    }
}

/// Registers besides the general-purpose ones.
const OTHERS: usize = 14;

/// Everything that the guest can see of its processor, as far as exits can change it.
fn registers<C: Control>(vcpu: &Vcpu<C>) -> [(&'static str, u64); NAMES.len() + OTHERS] {
    let control = &vcpu.control;
    let others = [
        ("rip", control.rip()),
        ("rflags", control.rflags()),
        ("cs", u64::from(control.segment(SegmentName::Cs).selector)),
        ("ss", u64::from(control.segment(SegmentName::Ss).selector)),
        ("cr0", control.cr0()),
        ("cr2", control.cr2()),
        ("cr3", control.cr3()),
        ("cr4", control.cr4()),
        ("cr8", u64::from(vcpu.apic.cr8())),
        ("efer", control.efer()),
        ("dr6", control.dr6()),
        ("dr7", control.dr7()),
        ("shadow", u64::from(control.interrupt_shadow())),
        ("event", control.injection().map_or(0, encode)),
    ];
    let gpr = |number| if number == reg::RSP { control.rsp() } else { vcpu.gprs.get(number) };
    core::array::from_fn(|index| match NAMES.get(index) {
        Some(name) => (*name, gpr(index)),
        None => others.get(index - NAMES.len()).copied().unwrap_or_default(),
    })
}

/// An event as VM-entry interruption information (Intel SDM vol. 3C, "VM-Entry Controls for Event Injection"), with the error
/// code in the upper half.
fn encode(event: Injection) -> u64 {
    let code = event.error_code.map_or(0, |code| 1 << 11 | u64::from(code) << 32);
    u64::from(event.vector) | (event.kind as u64) << 8 | 1 << 31 | code
}
