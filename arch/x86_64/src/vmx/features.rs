//! What this processor's VT-x offers (Intel SDM vol. 3D, appendix A), and whether it is enough.

use core::fmt;

use arrayvec::ArrayVec;
use spin::Once;

use super::capability::{Capability, Control, entry, exit, pin, primary, secondary};
use crate::host::instr::{self, Msr};

/// IA32_FEATURE_CONTROL (vol. 3C, section 25.7): bit 0 locks it, bit 2 allows VMXON outside SMX.
pub(super) const FEATURE_CONTROL: Msr = Msr(0x3a);
pub(super) const FEATURE_CONTROL_LOCK: u64 = 1 << 0;
pub(super) const FEATURE_CONTROL_VMXON: u64 = 1 << 2;
/// CPUID 1 ECX: VMX.
const ECX_VMX: u32 = 1 << 5;
/// IA32_VMX_BASIC: bits 30:0 are the revision, bits 53:50 the memory type (6 is write-back), bit 55 says that the TRUE
/// capability MSRs exist.
const BASIC: Msr = Msr(0x480);
const BASIC_TRUE: u64 = 1 << 55;
const WRITE_BACK: u64 = 6;
/// IA32_VMX_MISC (appendix A.6): bits 4:0 are the rate of the preemption timer.
const MISC: Msr = Msr(0x485);
/// IA32_VMX_EPT_VPID_CAP (appendix A.10).
const EPT_VPID: Msr = Msr(0x48c);

/// Bits of IA32_VMX_EPT_VPID_CAP.
mod ept {
    pub(super) const FOUR_LEVELS: u64 = 1 << 6;
    pub(super) const WRITE_BACK: u64 = 1 << 14;
    pub(super) const PAGES_2M: u64 = 1 << 16;
    pub(super) const PAGES_1G: u64 = 1 << 17;
    pub(super) const INVEPT: u64 = 1 << 20;
    pub(super) const ACCESSED_DIRTY: u64 = 1 << 21;
    pub(super) const INVEPT_ONE: u64 = 1 << 25;
    pub(super) const INVEPT_ALL: u64 = 1 << 26;
    pub(super) const INVVPID: u64 = 1 << 32;
    pub(super) const INVVPID_ONE: u64 = 1 << 41;
    pub(super) const INVVPID_ALL: u64 = 1 << 42;
}

/// The values of the control fields, and what else was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// What a VMCS begins with.
    pub revision: u32,
    /// Pin-based controls.
    pub pin: u32,
    /// Primary processor-based controls.
    pub primary: u32,
    /// Secondary processor-based controls. Those of APIC virtualization follow the vCPU's mode and are not among them.
    pub secondary: u32,
    /// Exit controls.
    pub exit: u32,
    /// Entry controls; "IA-32e mode guest" follows the vCPU.
    pub entry: u32,
    /// CR0 bits that are 1 in VMX operation; paging and protection may be 0 in an unrestricted guest.
    pub cr0_ones: u64,
    /// CR4 bits that are 1 in VMX operation.
    pub cr4_ones: u64,
    /// EPT keeps accessed and dirty bits.
    pub accessed_dirty: bool,
    /// EPT leaves of 1 GiB.
    pub gigabyte_leaves: bool,
    /// TLB entries are tagged.
    pub vpid: bool,
    /// The processor takes part in the local APIC: registers and the delivery of interrupts.
    pub virtual_apic: bool,
    /// The preemption timer counts the bits of the TSC from this one on.
    pub timer_shift: u32,
}

/// Why VT-x cannot be used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// CPUID says that there is none.
    Vmx,
    /// The firmware switched it off.
    DisabledByFirmware,
    /// No EPT.
    Ept,
    /// No unrestricted guest.
    UnrestrictedGuest,
    /// A control that cannot be 1.
    Control(Control),
    /// A control that cannot be 0.
    Forced(Control),
    /// EPT without four levels, write-back tables, 2 MiB pages or INVEPT.
    EptKind,
    /// The VMCS is not in write-back memory.
    MemoryType,
    /// VMX operation does not allow the host's CR0 or CR4.
    HostRegisters,
    /// VMXON failed.
    Refused,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vmx => f.write_str("this processor has no Intel VT-x (CPUID 1 ECX bit 5 is clear)"),
            Self::DisabledByFirmware => f.write_str(
                "Intel VT-x is switched off by the firmware (IA32_FEATURE_CONTROL is locked and its bit 2 is clear)",
            ),
            Self::Ept => write!(f, "this processor's VT-x has no EPT: {}", secondary::EPT),
            Self::UnrestrictedGuest => {
                write!(f, "this processor's VT-x has no unrestricted guest: {}", secondary::UNRESTRICTED_GUEST)
            }
            Self::Control(control) => write!(f, "this processor's VT-x lacks {control}"),
            Self::Forced(control) => write!(
                f,
                "this processor's VT-x cannot do without \"{}\" ({} bit {} is set)",
                control.name, control.msr, control.bit
            ),
            Self::EptKind => f.write_str(
                "this processor's EPT lacks 4-level write-back tables, 2 MiB pages or INVEPT (IA32_VMX_EPT_VPID_CAP)",
            ),
            Self::MemoryType => {
                f.write_str("this processor wants a VMCS in memory that is not write-back (IA32_VMX_BASIC bits 53:50)")
            }
            Self::Refused => f.write_str("this processor refused VMX operation (VMXON failed)"),
            Self::HostRegisters => f.write_str(
                "this processor's VMX operation forbids the CR0 or CR4 that the hypervisor needs (IA32_VMX_CR0_FIXED0 to IA32_VMX_CR4_FIXED1)",
            ),
        }
    }
}

impl Missing {
    /// What the user can do.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::Vmx => "use a processor with Intel VT-x or AMD-V, or start QEMU with -cpu max",
            Self::DisabledByFirmware => {
                "enable VT-x (also called Intel Virtualization Technology) in the firmware setup"
            }
            Self::Ept | Self::UnrestrictedGuest => {
                "use a processor with EPT and unrestricted guest: Intel Core of 2010 (Westmere) or later"
            }
            Self::Control(_)
            | Self::Forced(_)
            | Self::EptKind
            | Self::MemoryType
            | Self::HostRegisters
            | Self::Refused => {
                "use another processor, or, under another hypervisor, let it offer more of VT-x to this machine"
            }
        }
    }
}

/// For the boot log: the extension, and which optional features are used.
impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let optional = [
            (self.gigabyte_leaves, "1 GiB pages"),
            (self.accessed_dirty, "accessed and dirty flags"),
            (self.vpid, "VPID"),
            (self.has_timer(), "preemption timer"),
            (self.has_pause_loop(), "PAUSE-loop exiting"),
            (self.virtual_apic, "APIC virtualization"),
        ];
        f.write_str("Intel VT-x, EPT, unrestricted guest")?;
        optional.iter().filter(|(there, _)| *there).try_for_each(|(_, name)| write!(f, ", {name}"))
    }
}

static CHOSEN: Once<Features> = Once::new();

/// The capability MSRs of the control fields, the TRUE ones where they exist.
struct Capabilities {
    pin: Capability,
    primary: Capability,
    exit: Capability,
    entry: Capability,
}

impl Capabilities {
    fn read(basic: u64) -> Self {
        let base = if basic & BASIC_TRUE != 0 { 0x48d } else { 0x481 };
        let [pin, primary, exit, entry] = [0, 1, 2, 3].map(|index| Capability(instr::rdmsr(Msr(base + index))));
        Self { pin, primary, exit, entry }
    }
}

impl Features {
    /// Reads them from CPUID and the capability MSRs.
    ///
    /// # Errors
    /// [`Missing`] where a mandatory one is not there.
    pub fn detect() -> Result<Self, Missing> {
        if instr::cpuid(1, 0).ecx & ECX_VMX == 0 {
            return Err(Missing::Vmx);
        }
        let control = instr::rdmsr(FEATURE_CONTROL);
        if control & FEATURE_CONTROL_LOCK != 0 && control & FEATURE_CONTROL_VMXON == 0 {
            return Err(Missing::DisabledByFirmware);
        }
        let basic = instr::rdmsr(BASIC);
        if basic >> 50 & 0xf != WRITE_BACK {
            return Err(Missing::MemoryType);
        }
        let capabilities = Capabilities::read(basic);
        let primary = primary_field(capabilities.primary)?;
        let (secondary, ept) = second_level()?;
        let fixed = |msr| instr::rdmsr(Msr(msr));
        let must = |field: Result<u32, Control>| field.map_err(Missing::Control);
        Ok(Self {
            revision: (basic & 0x7fff_ffff) as u32,
            pin: must(
                capabilities
                    .pin
                    .field(&[pin::EXTERNAL_INTERRUPT, pin::NMI, pin::VIRTUAL_NMIS], &[pin::PREEMPTION_TIMER]),
            )?,
            primary,
            secondary,
            exit: must(capabilities.exit.field(EXIT, &[]))?,
            entry: must(capabilities.entry.field(ENTRY, &[]))?,
            cr0_ones: fixed(0x486) & !UNRESTRICTED_CR0,
            cr4_ones: fixed(0x488),
            accessed_dirty: ept & ept::ACCESSED_DIRTY != 0,
            gigabyte_leaves: ept & ept::PAGES_1G != 0,
            virtual_apic: APIC.iter().all(|control| secondary_capability().has(*control)),
            vpid: secondary & secondary::VPID.mask() != 0,
            timer_shift: (instr::rdmsr(MISC) & 0x1f) as u32,
        })
    }

    /// The preemption timer exists.
    pub const fn has_timer(&self) -> bool {
        self.pin & pin::PREEMPTION_TIMER.mask() != 0
    }

    /// PAUSE-loop exiting exists.
    pub const fn has_pause_loop(&self) -> bool {
        self.secondary & secondary::PAUSE_LOOP.mask() != 0
    }

    /// TSC_AUX exists (RDTSCP).
    pub const fn has_tsc_aux(&self) -> bool {
        self.secondary & secondary::RDTSCP.mask() != 0
    }

    /// The same without the processor's part in the local APIC.
    #[must_use]
    pub const fn without_virtual_apic(self) -> Self {
        Self { virtual_apic: false, ..self }
    }

    /// Makes these the ones that new control structures are built for.
    pub fn choose(self) {
        super::ept::set_abilities(self.gigabyte_leaves, self.accessed_dirty);
        CHOSEN.call_once(|| self);
    }
}

/// CR0.PE and CR0.PG, which an unrestricted guest may clear.
const UNRESTRICTED_CR0: u64 = 1 << 31 | 1;

const EXIT: &[Control] = &[exit::SAVE_DEBUG, exit::HOST_64, exit::LOAD_PAT, exit::LOAD_EFER];
const ENTRY: &[Control] = &[entry::LOAD_DEBUG, entry::LOAD_PAT, entry::LOAD_EFER];

const PRIMARY: &[Control] = &[
    primary::INTERRUPT_WINDOW,
    primary::TSC_OFFSETTING,
    primary::HLT,
    primary::MWAIT,
    primary::RDPMC,
    primary::TPR_SHADOW,
    primary::NMI_WINDOW,
    primary::UNCONDITIONAL_IO,
    primary::MSR_BITMAPS,
    primary::MONITOR,
    primary::SECONDARY,
];

/// The windows are asked for when they are needed.
fn primary_field(capability: Capability) -> Result<u32, Missing> {
    if let Some(control) = capability.forced(&[primary::CR3_LOAD, primary::CR3_STORE, primary::INVLPG]) {
        return Err(Missing::Forced(control));
    }
    if !capability.has(primary::SECONDARY) {
        return Err(Missing::Ept);
    }
    let field = capability.field(PRIMARY, &[]).map_err(Missing::Control)?;
    Ok(field & !(primary::INTERRUPT_WINDOW.mask() | primary::NMI_WINDOW.mask()))
}

/// The controls without which an instruction that CPUID shows would be undefined in a guest.
fn offered() -> ArrayVec<Control, 2> {
    let mut controls = ArrayVec::new();
    if instr::cpuid(0x8000_0001, 0).edx & 1 << 27 != 0 {
        controls.push(secondary::RDTSCP);
    }
    if instr::cpuid(0, 0).eax >= 7 && instr::cpuid(7, 0).ebx & 1 << 10 != 0 {
        controls.push(secondary::INVPCID);
    }
    controls
}

/// Whether VMX operation allows these host registers: bits that are 1 in FIXED0 must be 1, those that are 0 in FIXED1 must be 0
/// (appendix A.7, A.8).
pub(super) fn allows(cr0: u64, cr4: u64) -> bool {
    let fits = |value: u64, fixed| {
        let (ones, may) = (instr::rdmsr(Msr(fixed)), instr::rdmsr(Msr(fixed + 1)));
        value & ones == ones && value & !may == 0
    };
    fits(cr0, 0x486) && fits(cr4, 0x488)
}

/// The processor's part in the local APIC is all of these, or nothing.
const APIC: [Control; 4] =
    [secondary::APIC_ACCESSES, secondary::X2APIC_MODE, secondary::APIC_REGISTERS, secondary::INTERRUPT_DELIVERY];

fn secondary_capability() -> Capability {
    Capability(instr::rdmsr(Msr(0x48b)))
}

/// The secondary controls, and IA32_VMX_EPT_VPID_CAP.
fn second_level() -> Result<(u32, u64), Missing> {
    let capability = secondary_capability();
    if !capability.has(secondary::EPT) {
        return Err(Missing::Ept);
    }
    if !capability.has(secondary::UNRESTRICTED_GUEST) {
        return Err(Missing::UnrestrictedGuest);
    }
    let wanted = [secondary::RDTSCP, secondary::INVPCID, secondary::VPID, secondary::PAUSE_LOOP];
    let needed = [secondary::EPT, secondary::UNRESTRICTED_GUEST, secondary::WBINVD];
    let mut field = capability.field(&needed, &wanted).map_err(Missing::Control)?;
    // What CPUID offers to guests has to work in them.
    if let Some(missing) = offered().into_iter().find(|control| !capability.has(*control)) {
        return Err(Missing::Control(missing));
    }
    let ept = instr::rdmsr(EPT_VPID);
    let all = ept::FOUR_LEVELS | ept::WRITE_BACK | ept::PAGES_2M | ept::INVEPT | ept::INVEPT_ONE | ept::INVEPT_ALL;
    if ept & all != all {
        return Err(Missing::EptKind);
    }
    let tags = ept::INVVPID | ept::INVVPID_ONE | ept::INVVPID_ALL;
    if ept & tags != tags {
        // Tags that cannot be flushed one by one are not worth having: without tags each entry starts afresh.
        field &= !secondary::VPID.mask();
    }
    Ok((field, ept))
}

/// The features of this machine; of a bare one before [`Features::choose`].
pub(super) fn chosen() -> Features {
    CHOSEN.get().copied().unwrap_or(Features {
        revision: 0,
        pin: 0,
        primary: 0,
        secondary: 0,
        exit: 0,
        entry: 0,
        cr0_ones: 1 << 5,
        cr4_ones: 1 << 13,
        accessed_dirty: false,
        gigabyte_leaves: false,
        vpid: false,
        virtual_apic: false,
        timer_shift: 0,
    })
}
