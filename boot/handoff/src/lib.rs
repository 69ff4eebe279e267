//! What every boot path tells the kernel.
//!
//! A loader speaks PVH or multiboot2 (`boot/x86_64`), or hands over a device tree; whatever it was, the kernel
//! receives one [`BootInfo`]. Everything in it is a copy: no byte of the loader's own structures has to survive, except
//! the bundle itself, which stays where the loader put it.
#![no_std]
#![forbid(unsafe_code)]

pub mod board;
mod command_line;
mod memory;
mod options;
mod range;
mod sanitise;
mod text;

pub use board::Board;
pub use command_line::{COMMAND_LINE_CAPACITY, CommandLine, EndOfText};
pub use memory::{MemoryKind, MemoryMap, MemoryRegion, UsableWithout};
pub use options::{Console, Exit, OptionError, Options, Verdict};
pub use range::PhysRange;
pub use sanitise::{MAX_REGIONS, PHYSICAL_LIMIT, TooManyRegions};
pub use text::Text;

use core::fmt;
use phalanx_arch_api::Hpa;

/// Everything that the kernel knows about its machine before it looks for itself.
#[derive(Clone, Debug)]
pub struct BootInfo {
    /// Who loaded the kernel.
    pub loader: Loader,
    /// The machine's physical memory: sorted, free of overlaps, usable regions in whole 4 KiB frames.
    pub memory: MemoryMap,
    /// Where the bundle (the first module) lies, if there is one. Its memory counts as usable in [`Self::memory`].
    pub bundle: Option<PhysRange>,
    /// Modules behind the first one, which the kernel has no use for.
    pub extra_modules: u32,
    /// What the operator wrote behind the kernel's name.
    pub command_line: CommandLine,
    /// The ACPI root pointer (RSDP), or a copy of it inside the kernel's image.
    pub rsdp: Option<Hpa>,
    /// What the device tree says about the board, where the loader gave one.
    pub board: Option<Board>,
    /// The kernel's own memory, from its first byte to the end of its zeroed data.
    pub kernel_image: PhysRange,
}

/// The protocol by which the kernel was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loader {
    /// The Xen PVH direct boot protocol (QEMU, Firecracker, Cloud Hypervisor with a kernel file).
    Pvh,
    /// Multiboot2 (GRUB, under BIOS and under UEFI).
    Multiboot2,
    /// The Linux arm64 boot protocol (QEMU with an Image, U-Boot's `booti`, board firmware).
    LinuxImage,
    /// A jump to the ELF file's entry (QEMU with an ELF file).
    Elf,
}

impl fmt::Display for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pvh => "PVH",
            Self::Multiboot2 => "multiboot2",
            Self::LinuxImage => "the Linux boot protocol",
            Self::Elf => "ELF entry",
        })
    }
}
