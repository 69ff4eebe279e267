//! What a domain is made of.

use phalanx_abi::bundle::{
    ALWAYS, Architecture, ArmEntryRecord, Device, DomainSpec, EntrySpec, OnReboot, Region, SegmentSpec, X86EntryRecord,
};
use phalanx_arch_fake::Program;
use zerocopy::FromZeros;

/// The first port of a domain's UART.
pub const COM1: u16 = 0x3f8;
/// The first address of a domain's UART if it is a PL011.
pub const PL011: u64 = 0x900_0000;
/// The vector (as a set) that the UART's interrupt raises on vCPU 0.
pub const COM1_VECTOR: u64 = 1 << (32 + COM1_LINE);
/// Bytes in a page of guest memory.
pub const PAGE: u64 = 4096;
const COM1_LINE: u32 = 4;

/// A domain: RAM from address 0 on, programs in it, vCPU 0 starts at the first one.
#[derive(Clone, Debug)]
pub struct Guest(DomainSpec);

impl Guest {
    /// A domain with one vCPU, 16 pages of RAM, no console, and a UART that nobody listens to.
    #[must_use]
    pub fn new(name: &str, program: &Program) -> Self {
        let entry = EntrySpec::X86(X86EntryRecord { rip: program.base().into(), ..X86EntryRecord::new_zeroed() });
        let guest = Self(DomainSpec {
            name: name.to_owned(),
            vcpus: 1,
            console: false,
            dirty_log: false,
            on_reboot: OnReboot::Restart,
            regions: vec![Region { gpa: 0, size: 16 * PAGE }],
            segments: Vec::new(),
            entry,
            devices: vec![Device::Ns16550 { base_port: COM1, irq: COM1_LINE }],
        });
        guest.program(program)
    }

    /// So many vCPUs.
    #[must_use]
    pub const fn vcpus(mut self, vcpus: u32) -> Self {
        self.0.vcpus = vcpus;
        self
    }

    /// So many bytes of RAM, whole pages, from address 0 on.
    #[must_use]
    pub fn memory(self, bytes: u64) -> Self {
        self.memory_at(0, bytes)
    }

    /// So many bytes of RAM, whole pages, from this address on, and nothing in it.
    #[must_use]
    pub fn memory_at(mut self, gpa: u64, bytes: u64) -> Self {
        self.0.segments.retain(|segment| segment.gpa >= gpa);
        self.0.regions = vec![Region { gpa, size: bytes }];
        self
    }

    /// Its UART is attached to the serial line.
    #[must_use]
    pub const fn console(mut self) -> Self {
        self.0.console = true;
        self
    }

    /// The hypervisor logs which of its pages are written.
    #[must_use]
    pub const fn dirty_log(mut self) -> Self {
        self.0.dirty_log = true;
        self
    }

    /// Its UART is a PL011 at [`PL011`], with the same interrupt.
    #[must_use]
    pub fn pl011(mut self) -> Self {
        self.0.devices = vec![Device::Pl011 { base: PL011, irq: COM1_LINE }];
        self
    }

    /// Its entry state is one of an Arm processor, which the simulated machine has not.
    #[must_use]
    pub fn arm(mut self) -> Self {
        self.0.entry = EntrySpec::Arm(ArmEntryRecord::new_zeroed());
        self
    }

    /// A reboot ends it.
    #[must_use]
    pub const fn ends_on_reboot(mut self) -> Self {
        self.0.on_reboot = OnReboot::End;
        self
    }

    /// Another program in its RAM. Programs come in the order of their addresses.
    #[must_use]
    pub fn program(self, program: &Program) -> Self {
        self.contents(program.base(), program.bytes())
    }

    /// Other contents of its RAM, in the order of their addresses.
    #[must_use]
    pub fn contents(mut self, gpa: u64, bytes: Vec<u8>) -> Self {
        self.0.segments.push(SegmentSpec { gpa, bytes, only: ALWAYS });
        self
    }

    /// Contents of its RAM on machines with this alternative only.
    #[must_use]
    pub fn alternative(mut self, only: u32, program: &Program) -> Self {
        self.0.segments.push(SegmentSpec { gpa: program.base(), bytes: program.bytes(), only });
        self
    }

    pub(crate) fn spec(self) -> DomainSpec {
        self.0
    }

    pub(crate) const fn architecture(&self) -> Architecture {
        match self.0.entry {
            EntrySpec::X86(_) => Architecture::X86_64,
            EntrySpec::Arm(_) => Architecture::Aarch64,
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.regions.iter().map(|region| region.size).sum()
    }
}
