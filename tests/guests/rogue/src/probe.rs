//! One instruction, run at ring 0 and at ring 3, with the answer that each should give.

use core::fmt;
use guest_rt::report::Sweep;
use guest_rt::trap::{Fault, attempt, last_rip};
use guest_rt::user::{self, Registers};
use guest_rt::{println, start_info};

/// Bytes after its start in which a probe's instruction lies.
const REACH: u64 = 16;

/// The answers that are right.
#[derive(Clone, Copy)]
pub(crate) enum Want {
    /// It runs.
    Runs,
    /// It raises this.
    Raises(Fault),
    /// It raises one of these: hardware decides before a hypervisor can.
    Either(Fault, Fault),
    /// It runs or raises this.
    RunsOr(Fault),
    /// Not tried.
    Untried,
}

/// An instruction as two functions: one ends with RET, one with INT 0x80. RDI, RSI, RDX and RCX are the arguments.
pub(crate) struct Probe {
    pub(crate) name: &'static str,
    pub(crate) ring0: unsafe extern "C" fn(u64, u64, u64, u64),
    pub(crate) ring3: unsafe extern "C" fn(),
    pub(crate) want0: Want,
    pub(crate) want3: Want,
}

/// Makes a [`Probe`] from assembler text; `$want0` and `$want3` are the answers at ring 0 and 3.
#[macro_export]
macro_rules! probe {
    ($name:literal, $want0:expr, $want3:expr, $($code:literal),+) => {{
        // SAFETY: a naked function with nothing but the instruction and the way back; callers expect a fault.
        #[unsafe(naked)]
        unsafe extern "C" fn ring0(_: u64, _: u64, _: u64, _: u64) {
            core::arch::naked_asm!($($code,)+ "ret")
        }
        // SAFETY: as above, for `user::run`.
        #[unsafe(naked)]
        unsafe extern "C" fn ring3() {
            core::arch::naked_asm!($($code,)+ "int 0x80")
        }
        $crate::probe::Probe { name: $name, ring0, ring3, want0: $want0, want3: $want3 }
    }};
}

impl fmt::Debug for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runs => write!(f, "runs"),
            Self::Raises(fault) => write!(f, "{fault:?}"),
            Self::Either(one, other) => write!(f, "{one:?} or {other:?}"),
            Self::RunsOr(fault) => write!(f, "runs or {fault:?}"),
            Self::Untried => write!(f, "anything"),
        }
    }
}

impl Want {
    /// Whether `got` is one of the right answers.
    pub(crate) fn allows<T>(self, got: &Result<T, Fault>) -> bool {
        match (self, got) {
            (Self::Runs | Self::RunsOr(_), Ok(_)) | (Self::Untried, _) => true,
            (Self::Raises(want) | Self::RunsOr(want), Err(fault)) => *fault == want,
            (Self::Either(one, other), Err(fault)) => *fault == one || *fault == other,
            _ => false,
        }
    }
}

/// Runs the probe in both rings with the same arguments and notes the answers.
///
/// # Safety
/// Should the instruction run, it leaves the guest usable.
pub(crate) unsafe fn run(probe: &Probe, arguments: [u64; 4], sweep: &mut Sweep) {
    let [rdi, rsi, rdx, rcx] = arguments;
    if start_info::has_word("trace") {
        println!("# try {}", probe.name);
    }
    if !matches!(probe.want0, Want::Untried) {
        // SAFETY: as the caller promises.
        let got = attempt(|| unsafe { (probe.ring0)(rdi, rsi, rdx, rcx) });
        note(probe.name, 0, probe.want0, &got, probe.ring0 as *const () as u64, sweep);
    }
    if !matches!(probe.want3, Want::Untried) {
        let registers = Registers { rax: 0, rcx, rdx, rdi };
        // SAFETY: the probe is position-independent; it may touch the addresses in its arguments.
        let got = unsafe { user::run(probe.ring3 as *const u8, registers) };
        let start = probe.ring3 as *const () as u64 + guest_rt::paging::USER_ALIAS;
        note(probe.name, 3, probe.want3, &got, start, sweep);
    }
}

/// Judges the answer, and that a fault names the instruction that raised it.
fn note<T>(name: &str, ring: u8, want: Want, got: &Result<T, Fault>, start: u64, sweep: &mut Sweep) {
    let got = got.as_ref().map(|_| ()).map_err(|&fault| fault);
    sweep.judge(want.allows(&got), format_args!("{name}, ring {ring}"), format_args!("got={got:?} want={want:?}"));
    if got.is_err() {
        let offset = last_rip().wrapping_sub(start);
        sweep.judge(offset < REACH, format_args!("{name}, ring {ring}"), format_args!("RIP is off by {offset:#x}"));
    }
}
