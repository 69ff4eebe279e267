//! Which redistributor belongs to a CPU (IHI 0069, 12.10 and 12.11.35 "GICR_TYPER").

use phalanx_arch_api::Hpa;
use phalanx_handoff::PhysRange;

/// Offset of GICR_TYPER.
const TYPER: u64 = 0x8;
/// GICR_TYPER.VLPIS: two more frames.
const VIRTUAL_LPIS: u64 = 1 << 1;
/// GICR_TYPER.Last: the region ends behind this one.
const LAST: u64 = 1 << 4;
/// Two frames, or four.
const TWO_FRAMES: u64 = 128 << 10;
const FOUR_FRAMES: u64 = 256 << 10;

/// The affinity fields of an MPIDR in the order of GICR_TYPER: Aff3 in bits 31 to 24.
#[must_use]
pub(super) const fn affinity(mpidr: u64) -> u32 {
    (mpidr >> 32 << 24 | mpidr & 0xff_ffff) as u32
}

/// Finds the redistributor for the CPU with this MPIDR; `read` reads a 64-bit register.
pub(super) fn find(regions: &[PhysRange], stride: Option<u64>, mpidr: u64, read: impl Fn(Hpa) -> u64) -> Option<Hpa> {
    regions.iter().find_map(|&region| find_in(region, stride, affinity(mpidr), &read))
}

fn find_in(region: PhysRange, stride: Option<u64>, affinity: u32, read: &impl Fn(Hpa) -> u64) -> Option<Hpa> {
    let mut place = region.start();
    while region.end().checked_sub(place)? >= TWO_FRAMES {
        let typer = read(place.checked_add(TYPER)?);
        if (typer >> 32) as u32 == affinity {
            return Some(place);
        }
        if typer & LAST != 0 {
            return None;
        }
        let implied = if typer & VIRTUAL_LPIS != 0 { FOUR_FRAMES } else { TWO_FRAMES };
        place = place.checked_add(stride.unwrap_or(implied).max(TWO_FRAMES))?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(start: u64, len: u64) -> PhysRange {
        PhysRange::new(Hpa::new(start), len).unwrap()
    }

    /// Redistributors at their addresses with their types; what is elsewhere must not be read.
    fn reader(typers: &[(u64, u64)]) -> impl Fn(Hpa) -> u64 {
        move |address| typers.iter().find(|typer| typer.0 + TYPER == address.as_u64()).expect("nothing is there").1
    }

    #[test]
    fn the_affinity_decides_in_all_regions() {
        let read = reader(&[
            (0x10_0000, 0),
            (0x12_0000, 1 << 32 | LAST),
            (0x80_0000, 0x0102_0304 << 32 | VIRTUAL_LPIS),
            (0x84_0000, 0x0102_0305 << 32),
        ]);
        let regions = [region(0x10_0000, 0x10_0000), region(0x80_0000, 0x6_0000)];
        let find = |mpidr| find(&regions, None, mpidr, &read).map(Hpa::as_u64);
        assert_eq!(find(0), Some(0x10_0000));
        assert_eq!(find(1), Some(0x12_0000));
        assert_eq!(find(0x01_0002_0304), Some(0x80_0000));
        assert_eq!(find(0x01_0002_0305), Some(0x84_0000));
        assert_eq!(find(2), None, "the search ends at the last one and at the region's end");
    }

    #[test]
    fn a_given_stride_holds() {
        let read = reader(&[(0, 0), (0x4_0000, 1 << 32)]);
        assert_eq!(find(&[region(0, 0x8_0000)], Some(0x4_0000), 1, &read), Some(Hpa::new(0x4_0000)));
        let read = reader(&[(0, 0), (0x2_0000, 1 << 32)]);
        assert_eq!(find(&[region(0, 0x8_0000)], Some(0), 1, &read), Some(Hpa::new(0x2_0000)), "no endless search");
    }
}
