//! The fields of a VMCS: one table with encoding, width and access (Intel SDM vol. 3D, appendix B).
//!
//! The encoding itself tells width and kind (vol. 3C, table 26-22); both are compared with the table at compile time. A
//! field that only reports an exit has no `write`. What decides about the host's safety is written by `unsafe` only.

use core::marker::PhantomData;

use super::instr;

/// How wide a field is.
pub trait Width {
    /// Bits 14:13 of the encoding.
    const CODE: u32;
    /// The value of a field.
    type Value: Copy;
    /// From a register.
    fn from_register(value: u64) -> Self::Value;
    /// To a register.
    fn to_register(value: Self::Value) -> u64;
}

macro_rules! widths {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $value:ty;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}

        impl Width for $name {
            const CODE: u32 = $code;
            type Value = $value;

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, reason = "the processor clears the bits above the field")]
            fn from_register(value: u64) -> $value {
                value as $value
            }

            #[inline(always)]
            #[allow(clippy::unnecessary_cast, clippy::cast_lossless, reason = "one of the widths is that of a register")]
            fn to_register(value: $value) -> u64 {
                value as u64
            }
        }
    )+};
}

widths! {
    /// 16 bits.
    Bits16 = 0, u16;
    /// 64 bits.
    Bits64 = 1, u64;
    /// 32 bits.
    Bits32 = 2, u32;
    /// As wide as a register: 64 bits here.
    Natural = 3, u64;
}

/// Who may write a field.
pub trait Access {
    /// Whether the field reports an exit (bits 11:10 of the encoding are 1).
    const READ_ONLY: bool;
}

/// Fields that only the processor writes.
#[derive(Clone, Copy, Debug)]
pub enum Exit {}
/// Fields that only concern the guest: a wrong value makes the entry fail or the guest crash.
#[derive(Clone, Copy, Debug)]
pub enum Guest {}
/// Fields that decide what the guest can reach, and where the host goes on.
#[derive(Clone, Copy, Debug)]
pub enum Host {}

impl Access for Exit {
    const READ_ONLY: bool = true;
}
impl Access for Guest {
    const READ_ONLY: bool = false;
}
impl Access for Host {
    const READ_ONLY: bool = false;
}

/// One field of the current VMCS.
#[derive(Debug)]
pub struct Field<W, A> {
    encoding: u32,
    kind: PhantomData<(W, A)>,
}

impl<W, A> Clone for Field<W, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W, A> Copy for Field<W, A> {}

impl<W: Width, A: Access> Field<W, A> {
    /// A field whose encoding says what the types say.
    const fn new(encoding: u32) -> Self {
        assert!(encoding >> 13 & 3 == W::CODE, "another width");
        assert!((encoding >> 10 & 3 == 1) == A::READ_ONLY, "another access");
        assert!(encoding & 1 == 0 && encoding < 0x8000, "no whole field");
        Self { encoding, kind: PhantomData }
    }

    /// The encoding, for the list of deferred writes and for assembly.
    pub const fn encoding(self) -> u32 {
        self.encoding
    }

    /// Reads the field of the current VMCS. Without one, or for a field that the processor lacks, the value has no meaning.
    #[inline(always)]
    pub fn read(self) -> W::Value {
        W::from_register(instr::vmread(self.encoding))
    }
}

impl<W: Width> Field<W, Guest> {
    /// Writes the field of the current VMCS.
    #[inline(always)]
    pub fn write(self, value: W::Value) {
        // SAFETY: the field concerns the guest only (see `Guest`).
        unsafe { instr::vmwrite(self.encoding, W::to_register(value)) };
    }
}

impl<W: Width> Field<W, Host> {
    /// Writes the field of the current VMCS.
    ///
    /// # Safety
    /// The value lets the guest reach only what is its own, and lets the host go on after an exit.
    #[inline(always)]
    pub unsafe fn write(self, value: W::Value) {
        // SAFETY: the caller's promise.
        unsafe { instr::vmwrite_checked(self.encoding, W::to_register(value)) };
    }
}

macro_rules! fields {
    ($($name:ident: $width:ident, $access:ident = $encoding:literal;)+) => {
        $(pub const $name: Field<$width, $access> = Field::new($encoding);)+

        /// How many fields there are.
        pub const COUNT: usize = [$($encoding),+].len();

        /// Every field of the table with its name.
        #[cfg(test)]
        const ALL: &[(&str, u32)] = &[$((stringify!($name), $encoding)),+];
    };
}

fields! {
    // Appendix B.1: 16-bit fields.
    VPID: Bits16, Host = 0x0000;
    GUEST_ES_SELECTOR: Bits16, Guest = 0x0800;
    GUEST_CS_SELECTOR: Bits16, Guest = 0x0802;
    GUEST_SS_SELECTOR: Bits16, Guest = 0x0804;
    GUEST_DS_SELECTOR: Bits16, Guest = 0x0806;
    GUEST_FS_SELECTOR: Bits16, Guest = 0x0808;
    GUEST_GS_SELECTOR: Bits16, Guest = 0x080a;
    GUEST_LDTR_SELECTOR: Bits16, Guest = 0x080c;
    GUEST_TR_SELECTOR: Bits16, Guest = 0x080e;
    GUEST_INTERRUPT_STATUS: Bits16, Guest = 0x0810;
    HOST_ES_SELECTOR: Bits16, Host = 0x0c00;
    HOST_CS_SELECTOR: Bits16, Host = 0x0c02;
    HOST_SS_SELECTOR: Bits16, Host = 0x0c04;
    HOST_DS_SELECTOR: Bits16, Host = 0x0c06;
    HOST_FS_SELECTOR: Bits16, Host = 0x0c08;
    HOST_GS_SELECTOR: Bits16, Host = 0x0c0a;
    HOST_TR_SELECTOR: Bits16, Host = 0x0c0c;
    // Appendix B.2: 64-bit fields.
    MSR_BITMAP: Bits64, Host = 0x2004;
    TSC_OFFSET: Bits64, Guest = 0x2010;
    VIRTUAL_APIC_PAGE: Bits64, Host = 0x2012;
    APIC_ACCESS_PAGE: Bits64, Host = 0x2014;
    EPT_POINTER: Bits64, Host = 0x201a;
    EOI_EXIT_BITMAP_0: Bits64, Guest = 0x201c;
    EOI_EXIT_BITMAP_1: Bits64, Guest = 0x201e;
    EOI_EXIT_BITMAP_2: Bits64, Guest = 0x2020;
    EOI_EXIT_BITMAP_3: Bits64, Guest = 0x2022;
    GUEST_PHYSICAL_ADDRESS: Bits64, Exit = 0x2400;
    VMCS_LINK_POINTER: Bits64, Host = 0x2800;
    GUEST_DEBUGCTL: Bits64, Guest = 0x2802;
    GUEST_PAT: Bits64, Guest = 0x2804;
    GUEST_EFER: Bits64, Guest = 0x2806;
    GUEST_PDPTE_0: Bits64, Guest = 0x280a;
    GUEST_PDPTE_1: Bits64, Guest = 0x280c;
    GUEST_PDPTE_2: Bits64, Guest = 0x280e;
    GUEST_PDPTE_3: Bits64, Guest = 0x2810;
    HOST_PAT: Bits64, Host = 0x2c00;
    HOST_EFER: Bits64, Host = 0x2c02;
    // Appendix B.3: 32-bit fields.
    PIN_CONTROLS: Bits32, Host = 0x4000;
    PROCESSOR_CONTROLS: Bits32, Host = 0x4002;
    EXCEPTION_BITMAP: Bits32, Host = 0x4004;
    CR3_TARGET_COUNT: Bits32, Host = 0x400a;
    EXIT_CONTROLS: Bits32, Host = 0x400c;
    EXIT_MSR_STORE_COUNT: Bits32, Host = 0x400e;
    EXIT_MSR_LOAD_COUNT: Bits32, Host = 0x4010;
    ENTRY_CONTROLS: Bits32, Host = 0x4012;
    ENTRY_MSR_LOAD_COUNT: Bits32, Host = 0x4014;
    ENTRY_INTERRUPTION: Bits32, Guest = 0x4016;
    ENTRY_ERROR_CODE: Bits32, Guest = 0x4018;
    TPR_THRESHOLD: Bits32, Guest = 0x401c;
    SECONDARY_CONTROLS: Bits32, Host = 0x401e;
    PAUSE_LOOP_GAP: Bits32, Guest = 0x4020;
    PAUSE_LOOP_WINDOW: Bits32, Guest = 0x4022;
    INSTRUCTION_ERROR: Bits32, Exit = 0x4400;
    EXIT_REASON: Bits32, Exit = 0x4402;
    EXIT_INTERRUPTION: Bits32, Exit = 0x4404;
    EXIT_ERROR_CODE: Bits32, Exit = 0x4406;
    IDT_VECTORING: Bits32, Exit = 0x4408;
    IDT_VECTORING_ERROR_CODE: Bits32, Exit = 0x440a;
    INSTRUCTION_LENGTH: Bits32, Exit = 0x440c;
    GUEST_ES_LIMIT: Bits32, Guest = 0x4800;
    GUEST_CS_LIMIT: Bits32, Guest = 0x4802;
    GUEST_SS_LIMIT: Bits32, Guest = 0x4804;
    GUEST_DS_LIMIT: Bits32, Guest = 0x4806;
    GUEST_FS_LIMIT: Bits32, Guest = 0x4808;
    GUEST_GS_LIMIT: Bits32, Guest = 0x480a;
    GUEST_LDTR_LIMIT: Bits32, Guest = 0x480c;
    GUEST_TR_LIMIT: Bits32, Guest = 0x480e;
    GUEST_GDTR_LIMIT: Bits32, Guest = 0x4810;
    GUEST_IDTR_LIMIT: Bits32, Guest = 0x4812;
    GUEST_ES_RIGHTS: Bits32, Guest = 0x4814;
    GUEST_CS_RIGHTS: Bits32, Guest = 0x4816;
    GUEST_SS_RIGHTS: Bits32, Guest = 0x4818;
    GUEST_DS_RIGHTS: Bits32, Guest = 0x481a;
    GUEST_FS_RIGHTS: Bits32, Guest = 0x481c;
    GUEST_GS_RIGHTS: Bits32, Guest = 0x481e;
    GUEST_LDTR_RIGHTS: Bits32, Guest = 0x4820;
    GUEST_TR_RIGHTS: Bits32, Guest = 0x4822;
    GUEST_INTERRUPTIBILITY: Bits32, Guest = 0x4824;
    GUEST_ACTIVITY: Bits32, Host = 0x4826;
    GUEST_SYSENTER_CS: Bits32, Guest = 0x482a;
    PREEMPTION_TIMER: Bits32, Guest = 0x482e;
    HOST_SYSENTER_CS: Bits32, Host = 0x4c00;
    // Appendix B.4: natural-width fields.
    CR0_MASK: Natural, Host = 0x6000;
    CR4_MASK: Natural, Host = 0x6002;
    CR0_SHADOW: Natural, Guest = 0x6004;
    CR4_SHADOW: Natural, Guest = 0x6006;
    EXIT_QUALIFICATION: Natural, Exit = 0x6400;
    GUEST_CR0: Natural, Guest = 0x6800;
    GUEST_CR3: Natural, Guest = 0x6802;
    GUEST_CR4: Natural, Guest = 0x6804;
    GUEST_ES_BASE: Natural, Guest = 0x6806;
    GUEST_CS_BASE: Natural, Guest = 0x6808;
    GUEST_SS_BASE: Natural, Guest = 0x680a;
    GUEST_DS_BASE: Natural, Guest = 0x680c;
    GUEST_FS_BASE: Natural, Guest = 0x680e;
    GUEST_GS_BASE: Natural, Guest = 0x6810;
    GUEST_LDTR_BASE: Natural, Guest = 0x6812;
    GUEST_TR_BASE: Natural, Guest = 0x6814;
    GUEST_GDTR_BASE: Natural, Guest = 0x6816;
    GUEST_IDTR_BASE: Natural, Guest = 0x6818;
    GUEST_DR7: Natural, Guest = 0x681a;
    GUEST_RSP: Natural, Guest = 0x681c;
    GUEST_RIP: Natural, Guest = 0x681e;
    GUEST_RFLAGS: Natural, Guest = 0x6820;
    GUEST_PENDING_DEBUG: Natural, Guest = 0x6822;
    GUEST_SYSENTER_ESP: Natural, Guest = 0x6824;
    GUEST_SYSENTER_EIP: Natural, Guest = 0x6826;
    HOST_CR0: Natural, Host = 0x6c00;
    HOST_CR3: Natural, Host = 0x6c02;
    HOST_CR4: Natural, Host = 0x6c04;
    HOST_FS_BASE: Natural, Host = 0x6c06;
    HOST_GS_BASE: Natural, Host = 0x6c08;
    HOST_TR_BASE: Natural, Host = 0x6c0a;
    HOST_GDTR_BASE: Natural, Host = 0x6c0c;
    HOST_IDTR_BASE: Natural, Host = 0x6c0e;
    HOST_SYSENTER_ESP: Natural, Host = 0x6c10;
    HOST_SYSENTER_EIP: Natural, Host = 0x6c12;
    HOST_RSP: Natural, Host = 0x6c14;
    HOST_RIP: Natural, Host = 0x6c16;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_encoding_stands_twice() {
        for (index, (name, encoding)) in ALL.iter().enumerate() {
            for (other, same) in &ALL[index + 1..] {
                assert_ne!(encoding, same, "{name} and {other}");
            }
        }
    }

    #[test]
    fn guest_and_host_state_are_where_the_encoding_says() {
        for (name, encoding) in ALL {
            let area = encoding >> 10 & 3;
            assert_eq!(name.starts_with("HOST_"), area == 3, "{name}");
            let guest = name.starts_with("GUEST_") && *name != "GUEST_PHYSICAL_ADDRESS";
            let plain = ["VMCS_LINK_POINTER", "PREEMPTION_TIMER"].contains(name);
            assert_eq!(guest || plain, area == 2, "{name}");
        }
    }
}
