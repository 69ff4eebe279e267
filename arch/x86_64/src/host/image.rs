//! The kernel's own image: which part may be used how.

use core::ops::Range;

use phalanx_arch_api::{Hpa, Hva};

use super::paging::Access;

/// A part of the image with one kind of access, in whole pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// First address in the kernel window.
    pub virt: Hva,
    /// Where it was loaded.
    pub phys: Hpa,
    /// Bytes.
    pub length: u64,
    /// [`Access::ReadExecute`], [`Access::ReadOnly`] or [`Access::ReadWrite`].
    pub access: Access,
}

/// The image. What no section covers, as the guard page under the boot stack, is not mapped in the kernel window.
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
        let Section { virt, length, .. } = self.sections[0];
        virt..Hva::new(virt.as_u64() + length)
    }
}

#[cfg(target_os = "none")]
mod linked {
    use super::{Access, Hpa, Hva, KernelImage, Section};

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

    /// Where the kernel is linked, less where it is loaded.
    const WINDOW: u64 = 0xffff_ffff_8000_0000;

    fn address(symbol: *const u8) -> Hva {
        Hva::new(symbol.addr() as u64)
    }

    fn section(start: *const u8, end: *const u8, access: Access) -> Section {
        let virt = address(start);
        Section { virt, phys: Hpa::new(virt.as_u64() - WINDOW), length: address(end).as_u64() - virt.as_u64(), access }
    }

    impl KernelImage {
        /// The image that this runs in, as the linker script (`boot/x86_64/kernel.ld`) laid it out.
        #[must_use]
        pub fn linked() -> Self {
            Self {
                sections: [
                    section(&raw const __text_start, &raw const __text_end, Access::ReadExecute),
                    section(&raw const __rodata_start, &raw const __rodata_end, Access::ReadOnly),
                    section(&raw const __data_start, &raw const __boot_stack_guard, Access::ReadWrite),
                    section(&raw const __boot_stack_bottom, &raw const __bss_end, Access::ReadWrite),
                ],
                boot_stack: address(&raw const __boot_stack_bottom)..address(&raw const __boot_stack_top),
            }
        }
    }
}
