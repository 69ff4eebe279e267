//! What the models need from the interrupt controller of the machine: its virtual CPU interface, and the physical one.
//!
//! Arm IHI 0048 (GICv2), chapters 4 and 5; Arm IHI 0069 (GICv3 and GICv4), chapters 6 and 12.

/// The architecture version of an interrupt controller. A guest sees that of the hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// GICv2: memory-mapped CPU interface, at most 8 CPUs.
    V2,
    /// GICv3: CPU interface in system registers, affinity routing.
    V3,
}

/// State of the interrupt in a list register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum LrState {
    /// The register holds nothing.
    #[default]
    Invalid = 0,
    /// Waits for the guest's acknowledgement.
    Pending = 1,
    /// Acknowledged, not yet deactivated.
    Active = 2,
    /// Active, and pending again.
    PendingActive = 3,
}

/// One list register, spelt the same for both versions (IHI 0048 5.3.6 "GICH_LRn", IHI 0069 12.4 "`ICH_LR<n>_EL2`").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListRegister {
    /// The interrupt as the guest knows it.
    pub intid: u32,
    /// GICv2, software-generated: the vCPU that sent it.
    pub source: u8,
    /// Priority, 0 is the most important. The hardware keeps its upper 5 bits.
    pub priority: u8,
    /// Pending, active, both or nothing.
    pub state: LrState,
    /// Physical interrupt that is deactivated together with it.
    pub hardware: Option<u32>,
    /// Asks for a maintenance interrupt when the guest ends it. Not with `hardware`.
    pub eoi_maintenance: bool,
    /// Group 1 (else group 0, which the guest of a GICv2 may use).
    pub group1: bool,
}

/// What the virtual CPU interface keeps besides the list registers, while its vCPU is not loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterfaceState {
    /// VMCR: priority mask, binary points, group enables, EOI mode.
    pub vmcr: u32,
    /// Active priorities, group 0.
    pub apr0: u32,
    /// Active priorities, group 1 (GICv2 has one set for both, in `apr0`).
    pub apr1: u32,
}

/// Conditions that raise the maintenance interrupt (GICH_HCR, ICH_HCR_EL2) for as long as they are true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// No list register is in the pending state (NPIE).
    pub no_pending: bool,
    /// The guest ended an interrupt that no list register holds (LRENPIE): the count is not zero.
    pub unlisted: bool,
}

/// The interrupt controller of this CPU. All functions act on the CPU that calls them, with interrupts masked.
pub trait Gic: 'static {
    /// Version of the hardware, and of what guests see.
    const VERSION: Version;

    /// Takes the most important pending physical interrupt: the raw value of IAR (GICv2: with the source CPU in bits
    /// 10 to 12); INTID 1023 where there is none.
    fn acknowledge() -> u32;

    /// Drops the running priority to what it was before `raw` was acknowledged (EOIR with EOImode 1).
    fn drop_priority(raw: u32);

    /// Deactivates an acknowledged interrupt (DIR).
    fn deactivate(raw: u32);

    /// Sets or clears the active state of a private interrupt of this CPU.
    fn set_active(ppi: u32, active: bool);

    /// Number of list registers, 1 to 16. Constant.
    fn list_registers() -> usize;

    /// Bit n is set where list register n holds nothing (ELRSR); clear where it was ended and asked for maintenance.
    fn empty() -> u32;

    /// Reads list register `n`. At and above [`Gic::list_registers`]: nothing.
    fn read(n: usize) -> ListRegister;

    /// Writes list register `n`. At and above [`Gic::list_registers`]: ignored.
    fn write(n: usize, register: ListRegister) {
        Self::write_raw(n, Self::encode(register));
    }

    /// Writes list register `n` with a value of [`Gic::encode`].
    fn write_raw(n: usize, raw: u64);

    /// The hardware's spelling of a list register: 0 for [`LrState::Invalid`] without anything else. Each field has bits
    /// of its own, so that the encodings of two sets of fields may be joined with `|`.
    fn encode(register: ListRegister) -> u64;

    /// For what the maintenance interrupt comes besides `eoi_maintenance` (HCR.NPIE, HCR.LRENPIE). Sets the count of
    /// [`Gic::take_unlisted`] to zero.
    fn set_maintenance(conditions: Conditions);

    /// How many interrupts the guest ended that no list register held (HCR.EOIcount); sets the count to zero and changes
    /// nothing else.
    fn take_unlisted() -> u32;

    /// Switches the virtual CPU interface on or off (HCR.En).
    fn set_enabled(enabled: bool);

    /// Reads what the interface keeps besides the list registers.
    fn save() -> InterfaceState;

    /// Writes what [`Gic::save`] read.
    fn restore(state: &InterfaceState);
}
