//! Instruction lengths: what exits goes on at the right place, whatever prefixes it has and wherever a page ends.
//!
//! A processor without NRIPS leaves the length to the hypervisor's decoder. Each instruction is followed by a MOV to R11
//! that only runs when its first byte is taken for the next instruction's.

use core::arch::asm;
use guest_rt::racy::Racy;
use guest_rt::report::Sweep;
use guest_rt::trap::{GP, attempt};
use guest_rt::{apic, cpu, cpuid, fpu, hypercall, msr};

const MARK: u64 = 0x5a5a_5a5a;
/// `mov r11d, MARK; ret`.
const TAIL: [u8; 7] = [0x41, 0xbb, 0x5a, 0x5a, 0x5a, 0x5a, 0xc3];
const PAGE: usize = 4096;
/// A longer instruction raises #GP.
const MAX_LENGTH: usize = 15;

#[repr(C, align(4096))]
struct Code([u8; 2 * PAGE]);

static CODE: Racy<Code> = Racy::new(Code([0xcc; 2 * PAGE]));

/// An instruction and the registers that it needs: RAX, RCX, RDX; RSI holds the address of a device register.
struct Case {
    name: &'static str,
    bytes: &'static [u8],
    registers: [u64; 3],
}

const fn case(name: &'static str, bytes: &'static [u8], registers: [u64; 3]) -> Case {
    Case { name, bytes, registers }
}

/// Prefixes without effect on any of the cases.
const PREFIXES: [&[u8]; 7] = [&[], &[0x2e], &[0x67], &[0x48], &[0x3e, 0x67], &[0x65, 0x2e, 0x48], &[0x2e; 10]];

pub(crate) fn run() {
    let mut sweep = Sweep::new("instruction-lengths");
    let xsave = fpu::enable();
    for case in cases(xsave) {
        for prefix in PREFIXES {
            try_everywhere(&case, prefix, &mut sweep);
        }
    }
    let long = attempt(|| call(place(0, &[0x2e; 14], &[0x0f, 0xa2]), [0; 3]));
    sweep.expect("cpuid of 16 bytes", long, Err(GP));
    sweep.finish();
}

fn cases(xsave: bool) -> impl Iterator<Item = Case> {
    let hypercall: &[u8] = if cpuid::is_amd() { &[0x0f, 0x01, 0xd9] } else { &[0x0f, 0x01, 0xc1] };
    let on_phalanx = hypercall::on_phalanx();
    let always = [
        case("cpuid", &[0x0f, 0xa2], [0; 3]),
        case("rdmsr", &[0x0f, 0x32], [0, u64::from(msr::EFER), 0]),
        case("in al, imm", &[0xe4, 0x80], [0; 3]),
        case("in al, dx", &[0xec], [0, 0, 0x80]),
        case("out imm, al", &[0xe6, 0x80], [0; 3]),
        case("wbinvd", &[0x0f, 0x09], [0; 3]),
        case("mov cr0, rax", &[0x0f, 0x22, 0xc0], [cpu::read_cr0(), 0, 0]),
        case("mov cr4, rax", &[0x0f, 0x22, 0xe0], [cpu::read_cr4(), 0, 0]),
        case("clts", &[0x0f, 0x06], [0; 3]),
        case("mov eax, [rsi]", &[0x8b, 0x06], [0; 3]),
        case("test [rsi], imm32", &[0xf7, 0x46, 0x10, 1, 2, 3, 4], [0; 3]),
    ];
    let xsetbv = case("xsetbv", &[0x0f, 0x01, 0xd1], [fpu::X87_SSE_AVX, 0, 0]);
    let call = case("hypercall", hypercall, [hypercall::NULL, 0, 0]);
    always.into_iter().chain(xsave.then_some(xsetbv)).chain(on_phalanx.then_some(call))
}

/// Runs the case with its first byte at each distance from the end of a page.
fn try_everywhere(case: &Case, prefix: &[u8], sweep: &mut Sweep) {
    let length = prefix.len() + case.bytes.len();
    for before in 0..=length {
        let address = place(PAGE - before, prefix, case.bytes);
        let got = attempt(|| call(address, case.registers));
        let want = if length > MAX_LENGTH { Err(GP) } else { Ok(MARK) };
        sweep.expect(format_args!("{} with {prefix:x?}, {before} before a page end", case.name), got, want);
    }
}

/// Copies the instruction and the tail to `offset` of the code pages; returns its address.
fn place(offset: usize, prefix: &[u8], bytes: &[u8]) -> u64 {
    // SAFETY: only this function and the code that runs there use the pages; nothing else runs.
    let code = unsafe { &mut (*CODE.get()).0 };
    let all = prefix.iter().chain(bytes).chain(&TAIL);
    for (slot, byte) in code[offset..].iter_mut().zip(all) {
        *slot = *byte;
    }
    CODE.get() as u64 + offset as u64
}

/// Calls the code; returns R11.
fn call(address: u64, [rax, rcx, rdx]: [u64; 3]) -> u64 {
    let mark;
    // SAFETY: the code is one of the cases and the tail; RBX is kept here, the rest is declared.
    unsafe {
        asm!(
            "push rbx", "call r8", "pop rbx",
            in("r8") address, inlateout("rax") rax => _, inlateout("rcx") rcx => _, inlateout("rdx") rdx => _,
            in("rsi") apic::mmio(apic::reg::VERSION), inlateout("r11") 0_u64 => mark,
        );
    }
    mark
}
