//! What the kernel's address space consists of, as a list of mappings.

use core::ops::Range;

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::{Hpa, Hva};

use super::entry::Access;
use super::mapper::Mapping;
use super::{DIRECT_MAP_SIZE, direct_map_address};

/// A part of the kernel's image with one kind of access. Begins and ends at a page boundary.
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

/// The kernel's image. What no section covers (the guard page under the boot stack) stays unmapped in the kernel window.
#[derive(Clone, Copy, Debug)]
pub struct KernelImage<'a> {
    /// Its sections.
    pub sections: &'a [Section],
}

/// The physical memory that the kernel sees.
#[derive(Clone, Copy, Debug)]
pub struct MemoryLayout<'a> {
    /// RAM.
    pub usable: &'a [Range<Hpa>],
    /// Other memory that is only read: firmware tables, and what the loader left outside of `usable`.
    pub read_only: &'a [Range<Hpa>],
    /// The kernel.
    pub image: KernelImage<'a>,
}

/// Calls `add` for each mapping of the address space, the strict ones before those that surround them
/// (see [`super::map`]).
///
/// # Errors
/// Passes on the first error of `add`.
pub fn plan<E>(layout: &MemoryLayout<'_>, mut add: impl FnMut(Mapping) -> Result<(), E>) -> Result<(), E> {
    for section in layout.image.sections {
        let Section { virt, phys, length, access } = *section;
        add(Mapping { virt, phys, length, access })?;
        if access != Access::ReadWrite {
            add(direct(phys, length, Access::ReadOnly))?;
        }
    }
    for range in layout.usable.iter().filter_map(inner_frames) {
        add(direct(range.start, length(&range), Access::ReadWrite))?;
    }
    for range in layout.read_only.iter().filter_map(outer_frames) {
        add(direct(range.start, length(&range), Access::ReadOnly))?;
    }
    Ok(())
}

fn direct(phys: Hpa, length: u64, access: Access) -> Mapping {
    Mapping { virt: direct_map_address(phys), phys, length, access }
}

fn length(range: &Range<Hpa>) -> u64 {
    range.end.as_u64() - range.start.as_u64()
}

/// The whole frames within `range` that the direct map has room for.
fn inner_frames(range: &Range<Hpa>) -> Option<Range<Hpa>> {
    let end = range.end.min(Hpa::new(DIRECT_MAP_SIZE)).align_down(FRAME_SIZE);
    let frames = range.start.align_up(FRAME_SIZE)?..end;
    (!frames.is_empty()).then_some(frames)
}

/// All frames that `range` touches and that the direct map has room for.
fn outer_frames(range: &Range<Hpa>) -> Option<Range<Hpa>> {
    let end = range.end.min(Hpa::new(DIRECT_MAP_SIZE)).align_up(FRAME_SIZE)?;
    let frames = range.start.align_down(FRAME_SIZE)..end;
    (!range.is_empty() && !frames.is_empty()).then_some(frames)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::super::mapper::tests::Model;
    use super::super::{DIRECT_MAP, Features, MapError, check, entry, map};
    use super::*;

    const ROOT: Hpa = Hpa::new(0);
    const KERNEL: u64 = 0xffff_ffff_8000_0000;

    fn section(offset: u64, length: u64, access: Access) -> Section {
        Section { virt: Hva::new(KERNEL + offset), phys: Hpa::new(0x10_0000 + offset), length, access }
    }

    fn build(layout: &MemoryLayout<'_>) -> Model {
        let mut model = Model::new();
        let features = Features { gigabyte_pages: true, no_execute: true };
        plan(layout, |mapping| map(&mut model, ROOT, features, mapping)).expect("the plan has no conflicts");
        model
    }

    fn writable(model: &Model, virt: u64) -> bool {
        model.lookup(virt).expect("mapped").0 & entry::WRITABLE != 0
    }

    #[test]
    fn the_kernel_is_write_xor_execute_in_both_places() {
        let sections = [
            section(0, 0x4000, Access::ReadExecute),
            section(0x4000, 0x1000, Access::ReadOnly),
            section(0x6000, 0x2000, Access::ReadWrite),
        ];
        let usable = [Hpa::new(0)..Hpa::new(0x9_fc00), Hpa::new(0x10_0000)..Hpa::new(2 << 30)];
        let layout = MemoryLayout { usable: &usable, read_only: &[], image: KernelImage { sections: &sections } };
        let model = build(&layout);
        assert_eq!(check(&model, ROOT), Ok(()));
        assert!(!writable(&model, KERNEL) && !writable(&model, DIRECT_MAP + 0x10_0000));
        assert!(!writable(&model, KERNEL + 0x4000) && !writable(&model, DIRECT_MAP + 0x10_4000));
        assert!(writable(&model, KERNEL + 0x6000) && writable(&model, DIRECT_MAP + 0x10_6000));
        assert_eq!(model.lookup(KERNEL + 0x5000), None);
        assert_eq!(model.lookup(DIRECT_MAP + (1 << 30)).map(|(_, level)| level), Some(3));
        assert_eq!(model.lookup(DIRECT_MAP + 0x9_f000), None);
    }

    #[test]
    fn firmware_tables_are_read_only_and_whole() {
        let read_only = [Hpa::new(0x7fff_e123)..Hpa::new(0x7fff_f001), Hpa::new(0xe_0000)..Hpa::new(0xe_0000)];
        let layout = MemoryLayout { usable: &[], read_only: &read_only, image: KernelImage { sections: &[] } };
        let model = build(&layout);
        assert!(!writable(&model, DIRECT_MAP + 0x7fff_e000) && !writable(&model, DIRECT_MAP + 0x7fff_f000));
        assert_eq!(model.lookup(DIRECT_MAP + 0x8000_0000), None);
        assert_eq!(model.lookup(DIRECT_MAP + 0xe_0000), None);
    }

    #[test]
    fn an_error_ends_the_plan() {
        let usable = [Hpa::new(0)..Hpa::new(0x1000), Hpa::new(0x1000)..Hpa::new(0x2000)];
        let layout = MemoryLayout { usable: &usable, read_only: &[], image: KernelImage { sections: &[] } };
        let mut calls = 0;
        let result = plan(&layout, |_| {
            calls += 1;
            Err(MapError::OutOfFrames)
        });
        assert_eq!((result, calls), (Err(MapError::OutOfFrames), 1));
    }
}
