//! The instruction that exited: its bytes, its length, and the step over it.
//!
//! Processors that save the next RIP make this a register write. On the others the bytes tell the length; the page that
//! held the last instruction is remembered, so that the usual case is one comparison in guest memory.
#![forbid(unsafe_code)]

use phalanx_arch_api::{GuestMemory, Gva};

use crate::decode::{DecodeError, Instruction, MAX_INSTRUCTION_LENGTH, Mode, decode};
use crate::exits::translate::{exception, paging};
use crate::registers::{DR6_SINGLE_STEP, EFER_LMA, RFLAGS_RF, RFLAGS_TF};
use crate::vcpu::{Control, Injection, SegmentName, Vcpu};
use crate::walk;

/// CS attributes: L and D/B (AMD APM vol. 2, section 4.8.1, packed as in the VMCB).
const CS_LONG: u16 = 1 << 9;
const CS_DEFAULT: u16 = 1 << 10;
const PAGE: u64 = 4096;

/// An opcode of which the plain encoding is expected.
#[derive(Clone, Copy, Debug)]
pub struct Opcode {
    bytes: u32,
    mask: u32,
    length: u8,
}

impl Opcode {
    /// CPUID.
    pub const CPUID: Self = Self { bytes: 0xa20f, mask: 0xffff, length: 2 };
    /// RDMSR.
    pub const RDMSR: Self = Self { bytes: 0x320f, mask: 0xffff, length: 2 };
    /// WRMSR.
    pub const WRMSR: Self = Self { bytes: 0x300f, mask: 0xffff, length: 2 };
    /// HLT.
    pub const HLT: Self = Self { bytes: 0xf4, mask: 0xff, length: 1 };
    /// VMMCALL.
    pub const VMMCALL: Self = Self { bytes: 0xd9_010f, mask: 0xff_ffff, length: 3 };
    /// INVD or WBINVD: they differ in the last bit of the second byte.
    pub const CACHE_FLUSH: Self = Self { bytes: 0x080f, mask: 0xfeff, length: 2 };
    /// XSETBV.
    pub const XSETBV: Self = Self { bytes: 0xd1_010f, mask: 0xff_ffff, length: 3 };
}

impl<C: Control> Vcpu<C> {
    /// How the processor reads the code at CS:RIP.
    #[must_use]
    pub fn mode(&self) -> Mode {
        let attributes = self.control.segment(SegmentName::Cs).attributes;
        Mode::of(self.control.efer() & EFER_LMA != 0, attributes & CS_LONG != 0, attributes & CS_DEFAULT != 0)
    }

    /// Steps over the instruction that exited, of which `expected` is the plain form.
    #[inline(always)]
    pub fn step_over(&mut self, memory: &impl GuestMemory, expected: Opcode) {
        if let Some(next) = self.control.next_rip() {
            return self.resume_at(next);
        }
        let rip = self.control.rip();
        // Away from the page's end, where an instruction may go on on another page and RIP may wrap.
        if rip % PAGE <= PAGE - 8 && self.confirms(memory, rip, expected) {
            return self.resume_at(rip + u64::from(expected.length));
        }
        self.step_over_decoded(memory, expected);
    }

    /// Whether the remembered code page holds the plain form at RIP. With a code segment whose base is not 0 the page of
    /// RIP is none that is remembered, or another one, whose bytes do not confirm by chance.
    #[inline(always)]
    fn confirms(&self, memory: &impl GuestMemory, rip: u64, expected: Opcode) -> bool {
        let Some(gpa) = self.code_pages.find(self.control.cr3(), rip) else { return false };
        memory.read_u32(gpa).is_ok_and(|bytes| bytes & expected.mask == expected.bytes)
    }

    #[cold]
    fn step_over_decoded(&mut self, memory: &impl GuestMemory, expected: Opcode) {
        // The guest may have changed the bytes since the processor fetched them; the plain length is right for what exited.
        let length = self.fetch_instruction(memory).map_or(expected.length, |instruction| instruction.length);
        self.skip(length);
    }

    /// Steps over `length` bytes.
    pub fn skip(&mut self, length: u8) {
        let next = self.control.rip().wrapping_add(u64::from(length));
        let next = if self.mode() == Mode::Bits64 { next } else { next & 0xffff_ffff };
        self.resume_at(next);
    }

    /// Goes on at `next`, as after an instruction that completed.
    #[inline(always)]
    pub fn resume_at(&mut self, next: u64) {
        self.control.retire(next);
        let rflags = self.control.rflags();
        if rflags & (RFLAGS_TF | RFLAGS_RF) != 0 {
            self.complete_with_flags(rflags);
        }
    }

    #[cold]
    fn complete_with_flags(&mut self, rflags: u64) {
        self.control.set_rflags(rflags & !RFLAGS_RF);
        if rflags & RFLAGS_TF != 0 {
            self.control.set_dr6(self.control.dr6() | DR6_SINGLE_STEP);
            self.raise(Injection::fault(1));
        }
    }

    /// Fetches and decodes the instruction at CS:RIP.
    ///
    /// # Errors
    /// The exception that the guest is to take instead: #PF of the fetch, #UD where the bytes are no instruction that
    /// can exit, #GP where it is too long.
    pub fn fetch_instruction(&mut self, memory: &impl GuestMemory) -> Result<Instruction, Injection> {
        let mode = self.mode();
        if let Some(bytes) = self.control.fetched_instruction() {
            match decode(bytes, mode) {
                Err(DecodeError::Truncated) => {}
                decided => return decided.map_err(refusal),
            }
        }
        let linear = self.code_address(mode);
        if let Some(instruction) = self.decode_remembered(memory, linear, mode) {
            return Ok(instruction);
        }
        let paging = paging(self);
        self.code_pages.remember(memory, &paging, self.control.cr3(), linear);
        let fetched = walk::fetch(memory, &paging, Gva::new(linear), self.control.cpl() == 3);
        match (decode(fetched.bytes(), mode), fetched.error()) {
            (Err(DecodeError::Truncated), Some(error)) => Err(exception(self, error, linear)),
            (decided, _) => decided.map_err(refusal),
        }
    }

    /// Decodes from a remembered code page, if the guest's tables still lead there.
    #[inline(always)]
    fn decode_remembered(&self, memory: &impl GuestMemory, linear: u64, mode: Mode) -> Option<Instruction> {
        if linear % PAGE > PAGE - 16 {
            return None;
        }
        let gpa = self.code_pages.confirmed(memory, self.control.cr3(), linear)?;
        let low = memory.read_u64(gpa).ok()?;
        let high = memory.read_u64(gpa.checked_add(8)?).ok()?;
        let bytes = (u128::from(low) | u128::from(high) << 64).to_le_bytes();
        decode(bytes.first_chunk::<MAX_INSTRUCTION_LENGTH>()?, mode).ok()
    }

    /// The linear address of CS:RIP.
    #[inline(always)]
    fn code_address(&self, mode: Mode) -> u64 {
        match mode {
            Mode::Bits64 => self.control.rip(),
            _ => self.control.segment(SegmentName::Cs).base.wrapping_add(self.control.rip()) & 0xffff_ffff,
        }
    }
}

fn refusal(error: DecodeError) -> Injection {
    match error {
        DecodeError::TooLong => Injection::general_protection(),
        DecodeError::Truncated | DecodeError::Unknown => Injection::undefined_opcode(),
    }
}
