//! The kernel's own image: which part may be used how.

use core::ops::Range;

use phalanx_arch_api::Hva;
use phalanx_arch_api::table::Permissions;

/// A part of the image with one kind of access, in whole pages. Its virtual address is its physical one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// First address.
    pub start: Hva,
    /// Bytes.
    pub length: u64,
    /// [`Permissions::RX`], [`Permissions::R`] or [`Permissions::RW`].
    pub permissions: Permissions,
}

/// The image. What no section covers, as the guard page under the boot stack, is not mapped.
#[derive(Clone, Debug)]
pub struct KernelImage {
    /// Code, constants, data below the boot stack's guard page, and the boot stack with what follows.
    pub sections: [Section; 4],
    /// The stack that the boot CPU starts on.
    pub boot_stack: Range<Hva>,
}

impl KernelImage {
    /// The addresses of the code.
    #[must_use]
    pub fn code(&self) -> Range<Hva> {
        let Section { start, length, .. } = self.sections[0];
        start..Hva::new(start.as_u64() + length)
    }
}

#[cfg(target_os = "none")]
mod linked {
    use super::{Hva, KernelImage, Permissions, Section};

    unsafe extern "C" {
        static __text_start: u8;
        static __text_end: u8;
        static __rodata_start: u8;
        static __rodata_end: u8;
        static __data_start: u8;
        static __boot_stack_guard: u8;
        static __boot_stack_bottom: u8;
        static __boot_stack_top: u8;
        static __bss_end: u8;
    }

    fn address(symbol: *const u8) -> Hva {
        Hva::new(symbol.addr() as u64)
    }

    fn section(start: *const u8, end: *const u8, permissions: Permissions) -> Section {
        let start = address(start);
        Section { start, length: address(end).as_u64() - start.as_u64(), permissions }
    }

    impl KernelImage {
        /// The image that this runs in, as the linker script (`boot/aarch64/kernel.ld`) laid it out.
        #[must_use]
        pub fn linked() -> Self {
            Self {
                sections: [
                    section(&raw const __text_start, &raw const __text_end, Permissions::RX),
                    section(&raw const __rodata_start, &raw const __rodata_end, Permissions::R),
                    section(&raw const __data_start, &raw const __boot_stack_guard, Permissions::RW),
                    section(&raw const __boot_stack_bottom, &raw const __bss_end, Permissions::RW),
                ],
                boot_stack: address(&raw const __boot_stack_bottom)..address(&raw const __boot_stack_top),
            }
        }
    }
}
