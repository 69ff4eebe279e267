//! The bytes of a bundle: records of little-endian fields without padding, so any alignment will do.

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// First bytes of every bundle.
pub const MAGIC: [u8; 8] = *b"PHALANXB";
/// Version of the format that this crate reads and writes.
pub const VERSION: u32 = 2;
/// Alignment of segment contents in the file, and of regions in guest-physical memory, in bytes.
pub const PAGE_SIZE: u64 = 4096;
/// [`Header::architecture`]: x86-64 machines.
pub const ARCH_X86_64: u32 = 1;
/// [`Header::architecture`]: 64-bit Arm machines.
pub const ARCH_AARCH64: u32 = 2;
/// Most domains in a bundle.
pub const MAX_DOMAINS: usize = 64;
/// Most vCPUs in a domain.
pub const MAX_VCPUS: u32 = 64;
/// Longest name of a domain, in bytes.
pub const MAX_NAME: usize = 31;

/// [`DomainRecord::class`]: competes for CPU time by weight.
pub const CLASS_SHARED: u32 = 1;
/// [`DomainRecord::flags`]: the domain's serial port is attached to the machine's console.
pub const FLAG_CONSOLE: u32 = 1 << 0;
/// [`DomainRecord::flags`]: the hypervisor keeps a log of the pages that are written.
pub const FLAG_DIRTY_LOG: u32 = 1 << 1;
/// [`DomainRecord::on_reboot`]: start again from the bundle with scrubbed memory.
pub const ON_REBOOT_RESTART: u32 = 0;
/// [`DomainRecord::on_reboot`]: treat a reboot as power-off.
pub const ON_REBOOT_END: u32 = 1;
/// [`EntryRef::kind`]: an [`X86EntryRecord`].
pub const ENTRY_X86: u32 = 1;
/// [`EntryRef::kind`]: an [`ArmEntryRecord`].
pub const ENTRY_ARM: u32 = 2;
/// [`SegmentRecord::only`]: on every machine.
pub const ALWAYS: u32 = 0;
/// [`SegmentRecord::only`]: on Arm machines with a GICv2.
pub const ONLY_GICV2: u32 = 1;
/// [`SegmentRecord::only`]: on Arm machines with a GICv3.
pub const ONLY_GICV3: u32 = 2;
/// [`DeviceRecord::kind`]: a 16550 serial port in the I/O port space.
pub const DEVICE_NS16550: u32 = 1;
/// [`DeviceRecord::kind`]: a PL011 serial port in guest-physical memory.
pub const DEVICE_PL011: u32 = 2;

/// Implements the zerocopy traits that every record has.
macro_rules! records {
    ($($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)+ })+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
            #[repr(C)]
            pub struct $name { $($(#[$field_meta])* pub $field: $type,)+ }
        )+
    };
}

records! {
    /// The first bytes of the file.
    pub struct Header {
        /// [`MAGIC`].
        pub magic: [u8; 8],
        /// [`VERSION`].
        pub version: U32,
        /// CRC-32 (IEEE 802.3) of all bytes after this field, up to `total_len`.
        pub checksum: U32,
        /// Bytes in the whole bundle.
        pub total_len: U64,
        /// [`DomainRecord`]s.
        pub domains: TableRef,
        /// [`RegionRecord`]s.
        pub regions: TableRef,
        /// [`SegmentRecord`]s.
        pub segments: TableRef,
        /// [`X86EntryRecord`]s.
        pub x86_entries: TableRef,
        /// [`DeviceRecord`]s.
        pub devices: TableRef,
        /// [`ArmEntryRecord`]s.
        pub arm_entries: TableRef,
        /// What machines the bundle is for: [`ARCH_X86_64`] or [`ARCH_AARCH64`].
        pub architecture: U32,
    }

    /// Where a table lies in the file.
    pub struct TableRef {
        /// First byte, from the start of the file.
        pub offset: U32,
        /// Number of records.
        pub count: U32,
    }

    /// The records of one table that belong to one domain.
    pub struct Range {
        /// Index of the first record.
        pub first: U32,
        /// Number of records.
        pub count: U32,
    }

    /// The entry state of a domain: a table, and an index into it.
    pub struct EntryRef {
        /// The table: [`ENTRY_X86`] or [`ENTRY_ARM`], as the bundle's architecture has it.
        pub kind: U32,
        /// Index of the record.
        pub index: U32,
    }

    /// One domain.
    pub struct DomainRecord {
        /// UTF-8, padded with NUL to the end, at least one NUL.
        pub name: [u8; MAX_NAME + 1],
        /// Bytes of RAM: the sum of its regions.
        pub memory: U64,
        /// 1 to [`MAX_VCPUS`].
        pub vcpus: U32,
        /// [`CLASS_SHARED`].
        pub class: U32,
        /// [`FLAG_CONSOLE`], [`FLAG_DIRTY_LOG`], both or 0.
        pub flags: U32,
        /// [`ON_REBOOT_RESTART`] or [`ON_REBOOT_END`].
        pub on_reboot: U32,
        /// Its RAM: ascending, without overlap.
        pub regions: Range,
        /// Its initial contents of RAM: ascending; alternatives to each other may overlap.
        pub segments: Range,
        /// Its devices.
        pub devices: Range,
        /// The state in which vCPU 0 starts.
        pub entry: EntryRef,
    }

    /// A piece of guest-physical memory that is RAM.
    pub struct RegionRecord {
        /// First address; a multiple of [`PAGE_SIZE`].
        pub gpa: U64,
        /// Bytes; a multiple of [`PAGE_SIZE`], not 0.
        pub size: U64,
    }

    /// Contents to copy into RAM (which is zero before) when the domain starts.
    pub struct SegmentRecord {
        /// First guest-physical address, of any alignment.
        pub gpa: U64,
        /// First byte in the file; a multiple of [`PAGE_SIZE`].
        pub offset: U64,
        /// Bytes, not 0.
        pub size: U64,
        /// On which machines: [`ALWAYS`], [`ONLY_GICV2`] or [`ONLY_GICV3`]. Elsewhere the segment is left out.
        pub only: U32,
    }

    /// A virtual device.
    pub struct DeviceRecord {
        /// [`DEVICE_NS16550`] or [`DEVICE_PL011`].
        pub kind: U32,
        /// Interrupt line (x86: global system interrupt; Arm: INTID).
        pub irq: U32,
        /// First register (16550: I/O port; PL011: guest-physical address).
        pub address: U64,
    }

    /// A segment register with its hidden part (AMD APM vol. 2, table B-2, "VMCB save area").
    pub struct X86Segment {
        /// Selector.
        pub selector: U16,
        /// Type, S, DPL, P in bits 0-7; AVL, L, D/B, G in bits 8-11. Zero in all bits means unusable.
        pub attributes: U16,
        /// Limit in bytes.
        pub limit: U32,
        /// Linear address.
        pub base: U64,
    }

    /// GDTR or IDTR.
    pub struct X86DescriptorTable {
        /// Linear address.
        pub base: U64,
        /// Limit in bytes.
        pub limit: U32,
    }

    /// The registers of an x86 vCPU at its first instruction. What is not here is as after RESET (AMD APM vol. 2,
    /// table 14-1).
    pub struct X86EntryRecord {
        /// RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15: the order of instruction encoding.
        pub gprs: [U64; 16],
        /// RIP.
        pub rip: U64,
        /// RFLAGS.
        pub rflags: U64,
        /// CR0.
        pub cr0: U64,
        /// CR3.
        pub cr3: U64,
        /// CR4.
        pub cr4: U64,
        /// EFER, as the guest sees it.
        pub efer: U64,
        /// CS.
        pub cs: X86Segment,
        /// DS.
        pub ds: X86Segment,
        /// ES.
        pub es: X86Segment,
        /// FS.
        pub fs: X86Segment,
        /// GS.
        pub gs: X86Segment,
        /// SS.
        pub ss: X86Segment,
        /// Task register.
        pub tr: X86Segment,
        /// Local descriptor table register.
        pub ldtr: X86Segment,
        /// Global descriptor table register.
        pub gdtr: X86DescriptorTable,
        /// Interrupt descriptor table register.
        pub idtr: X86DescriptorTable,
    }

    /// The registers of an Arm vCPU at its first instruction: EL1 with its own stack pointer, interrupts masked (DAIF),
    /// MMU and caches off. What is not here is zero.
    pub struct ArmEntryRecord {
        /// X0 to X3.
        pub x: [U64; 4],
        /// Program counter.
        pub pc: U64,
    }
}

/// Bytes of the header that the checksum does not cover: magic, version and the checksum itself.
pub(super) const UNCHECKED_LEN: usize = 16;

// `docs/bundle.md` gives these sizes; a change of any is a new version of the format.
const _: () = {
    assert!(size_of::<Header>() == 76 && size_of::<DomainRecord>() == 88 && size_of::<RegionRecord>() == 16);
    assert!(size_of::<SegmentRecord>() == 28 && size_of::<DeviceRecord>() == 16);
    assert!(size_of::<X86EntryRecord>() == 328 && size_of::<ArmEntryRecord>() == 40);
};
