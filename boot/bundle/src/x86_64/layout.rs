//! The fixed addresses of the virtual PC: where RAM is, and what the builder puts below 1 MiB.
//!
//! | guest-physical address | what |
//! |---|---|
//! | `0x0000_6000` | GDT |
//! | `0x0000_7000` | boot_params, PVH start info or multiboot information |
//! | `0x0000_9000` .. `0x0000_f000` | page tables (64-bit entries only) |
//! | `0x0002_0000` .. `0x0003_0000` | command line |
//! | `0x0009_fc00` .. `0x0010_0000` | reserved for firmware in the memory map |
//! | `0x000e_0000` | ACPI tables, RSDP first |
//! | `0x0010_0000` .. 3 GiB | RAM as far as it goes |
//! | 3 GiB .. 4 GiB | no RAM: IO-APIC and local APIC |
//! | 4 GiB .. | the rest of RAM |

use phalanx_abi::bundle::PAGE_SIZE;

/// Global descriptor table.
pub(crate) const GDT: u64 = 0x6000;
/// The structure that the first instruction gets a pointer to, with its tables: one page.
pub(crate) const BOOT_INFO: u64 = 0x7000;
/// Page tables, one page each: PML4, PDPT, four page directories.
pub(crate) const PAGE_TABLES: u64 = 0x9000;
/// Command line.
pub(crate) const CMDLINE: u64 = 0x2_0000;
/// Most bytes of a command line with its NUL, whatever the kernel could take.
pub(crate) const CMDLINE_MAX: u64 = 0x1_0000;
/// End of the low memory that guests may use: where a PC has its extended BIOS data area.
pub(crate) const LOW_END: u64 = 0x9_fc00;
/// ACPI tables, in the area that systems search for the RSDP.
pub(crate) const ACPI: u64 = 0xe_0000;
/// Start of the memory above the firmware's.
pub(crate) const HIGH: u64 = 0x10_0000;
/// End of RAM below 4 GiB.
pub(crate) const HOLE: u64 = 3 << 30;
/// Start of RAM above the hole.
pub(crate) const ABOVE_HOLE: u64 = 4 << 30;

/// Local APIC of every vCPU.
pub(crate) const LOCAL_APIC: u32 = 0xfee0_0000;
/// IO-APIC with global system interrupts from 0.
pub(crate) const IO_APIC: u32 = 0xfec0_0000;
/// First port of the serial port.
pub(crate) const COM1_PORT: u16 = 0x3f8;
/// Global system interrupt of the serial port.
pub(crate) const COM1_IRQ: u32 = 4;

const _: () = assert!(CMDLINE + CMDLINE_MAX <= LOW_END && PAGE_TABLES + 6 * PAGE_SIZE <= CMDLINE);
