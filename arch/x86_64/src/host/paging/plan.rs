//! What the kernel's address space consists of, as a list of mappings.

use phalanx_arch_api::Hpa;
use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_handoff::{MemoryKind, MemoryMap, MemoryRegion};

use super::super::image::Section;
use super::entry::Access;
use super::mapper::Mapping;
use super::{DIRECT_MAP_SIZE, direct_map_address};

/// Calls `add` for each mapping of the address space, the strict ones before those that surround them
/// (see [`super::map`]): the kernel's sections, the direct map of RAM, and the direct map of ACPI tables.
///
/// # Errors
/// Passes on the first error of `add`.
pub fn plan<E>(
    memory: &MemoryMap,
    sections: &[Section],
    mut add: impl FnMut(Mapping) -> Result<(), E>,
) -> Result<(), E> {
    for section in sections {
        let Section { virt, phys, length, access } = *section;
        add(Mapping { virt, phys, length, access })?;
        if access != Access::ReadWrite {
            add(Mapping { virt: direct_map_address(phys), phys, length, access: Access::ReadOnly })?;
        }
    }
    memory.regions().iter().filter_map(direct).try_for_each(add)
}

/// The direct mapping of a region, if it has one. Usable regions are whole frames; what ACPI tables lie in is widened.
fn direct(region: &MemoryRegion) -> Option<Mapping> {
    let access = match region.kind {
        MemoryKind::Usable => Access::ReadWrite,
        MemoryKind::AcpiReclaim | MemoryKind::AcpiNvs => Access::ReadOnly,
        MemoryKind::Reserved | MemoryKind::Unusable => return None,
    };
    let phys = region.start.align_down(FRAME_SIZE);
    let end = region.end().min(Hpa::new(DIRECT_MAP_SIZE)).align_up(FRAME_SIZE)?;
    let length = end.checked_sub(phys)?;
    Some(Mapping { virt: direct_map_address(phys), phys, length, access })
}

#[cfg(test)]
mod tests {
    use phalanx_arch_api::Hva;

    use super::super::super::early_frames::tests::boot_info;
    use super::super::model::Model;
    use super::super::{DIRECT_MAP, Features, MapError, check, entry, map};
    use super::*;

    const ROOT: Hpa = Hpa::new(0);
    const KERNEL: u64 = 0xffff_ffff_8000_0000;

    fn section(offset: u64, length: u64, access: Access) -> Section {
        Section { virt: Hva::new(KERNEL + offset), phys: Hpa::new(0x10_0000 + offset), length, access }
    }

    fn build(regions: &[(u64, u64, MemoryKind)], sections: &[Section]) -> Model {
        let mut model = Model::new();
        let features = Features { gigabyte_pages: true, no_execute: true };
        let memory = boot_info(regions).memory;
        plan(&memory, sections, |mapping| map(&mut model, ROOT, features, mapping)).expect("no conflicts");
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
        let regions = [(0, 0x9_fc00, MemoryKind::Usable), (0x10_0000, 2 << 30, MemoryKind::Usable)];
        let model = build(&regions, &sections);
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
        let regions =
            [(0x7fff_e123, 0x7fff_f001, MemoryKind::AcpiReclaim), (0xe_0000, 0x10_0000, MemoryKind::Reserved)];
        let model = build(&regions, &[]);
        assert!(!writable(&model, DIRECT_MAP + 0x7fff_e000));
        assert!(!writable(&model, DIRECT_MAP + 0x7fff_f000));
        assert_eq!(model.lookup(DIRECT_MAP + 0x8000_0000), None);
        assert_eq!(model.lookup(DIRECT_MAP + 0xe_0000), None);
    }

    #[test]
    fn an_error_ends_the_plan() {
        let memory = boot_info(&[(0, 0x1000, MemoryKind::Usable), (0x2000, 0x3000, MemoryKind::Usable)]).memory;
        let mut calls = 0;
        let result = plan(&memory, &[], |_| {
            calls += 1;
            Err(MapError::OutOfFrames)
        });
        assert_eq!((result, calls), (Err(MapError::OutOfFrames), 1));
    }
}
