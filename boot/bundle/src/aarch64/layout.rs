//! The fixed addresses of the virtual board, those of QEMU's `virt` where it has the same thing.
//!
//! | guest-physical address | what |
//! |---|---|
//! | `0x0000_0000` | RAM in the place of QEMU's flash, only with `flash` in the manifest |
//! | `0x0800_0000` | GIC distributor |
//! | `0x0801_0000` | GICv2: CPU interface |
//! | `0x080a_0000` | GICv3: redistributors, 128 KiB each |
//! | `0x0900_0000` | PL011 |
//! | `0x4000_0000` | RAM in one piece; the device tree first, if the kernel leaves room for it |
//! | `0x4020_0000` | Linux, flat binaries without an address of their own |

use std::ops::Range;

use phalanx_abi::bundle::Region;

use crate::ram::Map;

/// Start of RAM.
pub(super) const RAM: u64 = 0x4000_0000;
/// Where Linux's image begins (less its `text_offset`), and flat binaries by default: a multiple of 2 MiB.
pub(super) const KERNEL: u64 = RAM + 0x20_0000;
/// Room for the device tree at the start of RAM: a guest may add to it.
pub(super) const TREE_ROOM: u64 = 0x1_0000;
/// Linux takes an initrd within the 32 GiB from the start of the gigabyte that its image is in ("Booting AArch64 Linux").
pub(super) const INITRD_LIMIT: u64 = RAM + (32 << 30);

/// GIC distributor: address and bytes.
pub(super) const GICD: (u64, u64) = (0x0800_0000, 0x1_0000);
/// CPU interface of a GICv2: address and bytes.
pub(super) const GICC: (u64, u64) = (0x0801_0000, 0x2000);
/// Redistributors of a GICv3: address of the first.
pub(super) const GICR: u64 = 0x080a_0000;
/// Bytes of a redistributor.
pub(super) const GICR_BYTES: u64 = 0x2_0000;
/// PL011: address and bytes.
pub(super) const UART: (u64, u64) = (0x0900_0000, 0x1000);
/// Shared peripheral interrupt of the PL011.
pub(super) const UART_SPI: u32 = 1;
/// Its INTID (IHI 0048, 2.2.1: shared peripheral interrupts begin at 32).
pub(super) const UART_INTID: u32 = 32 + UART_SPI;
/// Clock of the PL011 in Hz.
pub(super) const UART_CLOCK: u32 = 24_000_000;

/// Where `memory` bytes of RAM are, and `flash` bytes at address 0.
pub(super) fn map(memory: u64, flash: u64) -> Map {
    let regions = [Region { gpa: 0, size: flash }, Region { gpa: RAM, size: memory }];
    Map {
        memory,
        regions: regions.into_iter().filter(|region| region.size > 0).collect(),
        room: RAM..RAM + memory,
        advise,
        taken: "link or load the kernel elsewhere, best at 0x40200000 or above",
    }
}

/// What to do about something that does not lie in RAM.
fn advise(place: &Range<u64>) -> String {
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    if place.end <= GICD.0 {
        return format!(
            "give it RAM at address 0 with `flash = \"{}M\"`, or use 0x40000000 and above",
            mebibytes(place.end)
        );
    }
    match place.start.checked_sub(RAM) {
        Some(_) => format!("give it at least `memory = \"{}M\"`", mebibytes(place.end - RAM)),
        None => String::from("RAM is at 0x40000000 and above: link or load the kernel there"),
    }
}
