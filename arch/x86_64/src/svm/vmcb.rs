//! The virtual machine control block (AMD APM vol. 2, appendix B).
//!
//! The processor reads it at VMRUN and writes it at #VMEXIT; nobody else touches it. Offsets are checked at compile time.

use core::mem::offset_of;

/// One segment register (APM vol. 2, table B-2): attributes are packed into 12 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct VmcbSegment {
    pub selector: u16,
    pub attributes: u16,
    pub limit: u32,
    pub base: u64,
}

/// The control area (APM vol. 2, table B-1).
#[derive(Debug)]
#[repr(C)]
pub struct ControlArea {
    pub intercept_cr_reads: u16,
    pub intercept_cr_writes: u16,
    pub intercept_dr_reads: u16,
    pub intercept_dr_writes: u16,
    pub intercept_exceptions: u32,
    pub intercept_misc1: u32,
    pub intercept_misc2: u32,
    pub intercept_misc3: u32,
    reserved_018: [u8; 0x3c - 0x18],
    pub pause_filter_threshold: u16,
    pub pause_filter_count: u16,
    pub iopm_base: u64,
    pub msrpm_base: u64,
    pub tsc_offset: u64,
    pub asid: u32,
    pub tlb_control: u32,
    /// V_TPR in bits 3:0, V_IRQ bit 8, V_INTR_PRIO bits 19:16, V_IGN_TPR bit 20, V_INTR_MASKING bit 24.
    pub virtual_interrupt: u32,
    pub virtual_interrupt_vector: u32,
    pub interrupt_shadow: u64,
    pub exit_code: u64,
    pub exit_info_1: u64,
    pub exit_info_2: u64,
    pub exit_interrupt_info: u64,
    pub nested_control: u64,
    reserved_098: [u8; 0xa8 - 0x98],
    pub event_injection: u64,
    pub nested_cr3: u64,
    pub lbr_control: u64,
    pub clean: u32,
    reserved_0c4: u32,
    pub next_rip: u64,
    pub fetched_bytes: u8,
    pub instruction: [u8; 15],
    reserved_0e0: [u8; 0x400 - 0xe0],
}

/// The state-save area (APM vol. 2, table B-2).
#[derive(Debug)]
#[repr(C)]
pub struct SaveArea {
    pub es: VmcbSegment,
    pub cs: VmcbSegment,
    pub ss: VmcbSegment,
    pub ds: VmcbSegment,
    pub fs: VmcbSegment,
    pub gs: VmcbSegment,
    pub gdtr: VmcbSegment,
    pub ldtr: VmcbSegment,
    pub idtr: VmcbSegment,
    pub tr: VmcbSegment,
    reserved_0a0: [u8; 0xcb - 0xa0],
    pub cpl: u8,
    reserved_0cc: u32,
    pub efer: u64,
    reserved_0d8: [u8; 0x148 - 0xd8],
    pub cr4: u64,
    pub cr3: u64,
    pub cr0: u64,
    pub dr7: u64,
    pub dr6: u64,
    pub rflags: u64,
    pub rip: u64,
    reserved_180: [u8; 0x1d8 - 0x180],
    pub rsp: u64,
    reserved_1e0: [u8; 0x1f8 - 0x1e0],
    pub rax: u64,
    pub star: u64,
    pub lstar: u64,
    pub cstar: u64,
    pub sfmask: u64,
    pub kernel_gs_base: u64,
    pub sysenter_cs: u64,
    pub sysenter_esp: u64,
    pub sysenter_eip: u64,
    pub cr2: u64,
    reserved_248: [u8; 0x268 - 0x248],
    pub guest_pat: u64,
    pub debug_control: u64,
    reserved_278: [u8; 0xc00 - 0x278],
}

/// A whole VMCB: one 4 KiB page.
#[derive(Debug)]
#[repr(C, align(4096))]
pub struct Vmcb {
    pub control: ControlArea,
    pub save: SaveArea,
}

const _: () = {
    assert!(size_of::<Vmcb>() == 4096);
    assert!(offset_of!(ControlArea, iopm_base) == 0x40);
    assert!(offset_of!(ControlArea, asid) == 0x58);
    assert!(offset_of!(ControlArea, virtual_interrupt) == 0x60);
    assert!(offset_of!(ControlArea, exit_code) == 0x70);
    assert!(offset_of!(ControlArea, nested_control) == 0x90);
    assert!(offset_of!(ControlArea, event_injection) == 0xa8);
    assert!(offset_of!(ControlArea, clean) == 0xc0);
    assert!(offset_of!(ControlArea, next_rip) == 0xc8);
    assert!(offset_of!(ControlArea, instruction) == 0xd1);
    assert!(offset_of!(Vmcb, save) == 0x400);
    assert!(offset_of!(SaveArea, cpl) == 0xcb);
    assert!(offset_of!(SaveArea, efer) == 0xd0);
    assert!(offset_of!(SaveArea, cr4) == 0x148);
    assert!(offset_of!(SaveArea, rip) == 0x178);
    assert!(offset_of!(SaveArea, rsp) == 0x1d8);
    assert!(offset_of!(SaveArea, rax) == 0x1f8);
    assert!(offset_of!(SaveArea, cr2) == 0x240);
    assert!(offset_of!(SaveArea, guest_pat) == 0x268);
};

/// Bits of `virtual_interrupt` (APM vol. 2, table B-1, offset 060h).
pub mod vintr {
    /// Mask of V_TPR.
    pub const TPR: u32 = 0xf;
    /// V_IRQ: a virtual interrupt is pending; used to learn when the guest opens its interrupt window.
    pub const IRQ: u32 = 1 << 8;
    /// V_INTR_PRIO: hidden until V_TPR is lower.
    pub const PRIORITY: u32 = 0xf << PRIORITY_SHIFT;
    /// Where V_INTR_PRIO begins.
    pub const PRIORITY_SHIFT: u32 = 16;
    /// V_INTR_MASKING: the guest's RFLAGS.IF and CR8 govern virtual interrupts only.
    pub const MASKING: u32 = 1 << 24;
}

/// Values of `tlb_control` (APM vol. 2, section 15.16.2).
pub mod tlb {
    /// Keep everything.
    pub const NOTHING: u32 = 0;
    /// Flush every ASID's entries on this CPU.
    pub const FLUSH_ALL: u32 = 1;
    /// Flush this guest's entries (FlushByASID).
    pub const FLUSH_THIS: u32 = 3;
}

/// Groups of fields in `clean` that the processor may keep from the last run (APM vol. 2, section 15.15.3).
pub mod clean {
    /// Intercepts, TSC offset, pause filter.
    pub const INTERCEPTS: u32 = 1 << 0;
    /// V_TPR, V_IRQ and the rest of offset 060h.
    pub const INTERRUPT: u32 = 1 << 3;
    /// CR0, CR3, CR4, EFER.
    pub const CONTROL_REGISTERS: u32 = 1 << 5;
    /// DR6, DR7.
    pub const DEBUG_REGISTERS: u32 = 1 << 6;
    /// GDTR, IDTR.
    pub const DESCRIPTOR_TABLES: u32 = 1 << 7;
    /// CS, DS, SS, ES and CPL.
    pub const SEGMENTS: u32 = 1 << 8;
    /// CR2.
    pub const CR2: u32 = 1 << 9;
    /// Everything that this backend never changes between two runs.
    pub const ALL: u32 = 0x7ff;
}

/// Bits of `intercept_misc1` (APM vol. 2, table B-1, offset 00Ch).
pub mod misc1 {
    pub const INTR: u32 = 1 << 0;
    pub const NMI: u32 = 1 << 1;
    pub const INIT: u32 = 1 << 3;
    pub const VINTR: u32 = 1 << 4;
    pub const CR0_SELECTIVE_WRITE: u32 = 1 << 5;
    pub const RDPMC: u32 = 1 << 15;
    pub const CPUID: u32 = 1 << 18;
    pub const RSM: u32 = 1 << 19;
    pub const IRET: u32 = 1 << 20;
    pub const INVD: u32 = 1 << 22;
    pub const PAUSE: u32 = 1 << 23;
    pub const HLT: u32 = 1 << 24;
    pub const INVLPGA: u32 = 1 << 26;
    pub const IOIO: u32 = 1 << 27;
    pub const MSR: u32 = 1 << 28;
    pub const SHUTDOWN: u32 = 1 << 31;
}

/// Bits of `intercept_misc2` (APM vol. 2, table B-1, offset 010h).
pub mod misc2 {
    pub const VMRUN: u32 = 1 << 0;
    pub const VMMCALL: u32 = 1 << 1;
    pub const VMLOAD: u32 = 1 << 2;
    pub const VMSAVE: u32 = 1 << 3;
    pub const STGI: u32 = 1 << 4;
    pub const CLGI: u32 = 1 << 5;
    pub const SKINIT: u32 = 1 << 6;
    pub const WBINVD: u32 = 1 << 9;
    pub const MONITOR: u32 = 1 << 10;
    pub const MWAIT: u32 = 1 << 11;
    pub const MWAIT_CONDITIONAL: u32 = 1 << 12;
    pub const XSETBV: u32 = 1 << 13;
    pub const RDPRU: u32 = 1 << 14;
}

impl Vmcb {
    /// A zeroed VMCB.
    #[must_use]
    pub fn new() -> Self {
        // SAFETY: every field is an integer or an array of integers, for which all-zero bytes are a value.
        unsafe { core::mem::zeroed() }
    }
}

impl Default for Vmcb {
    fn default() -> Self {
        Self::new()
    }
}
