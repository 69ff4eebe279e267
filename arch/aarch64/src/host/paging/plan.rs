//! What the host's address space consists of, as a list of mappings.

use arrayvec::ArrayVec;
use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::table::{Mapping, MemoryType, Permissions};
use phalanx_arch_api::{Hpa, Hva};
use phalanx_handoff::board::{Board, Enable, Gic};
use phalanx_handoff::{MemoryMap, PhysRange};

use super::super::image::Section;
use super::super::percpu::MAX_CPUS;
use super::super::stacks::Stacks;

/// What is left out of the plain RAM at most: the image, the first frame, and two guards a CPU.
const HOLES: usize = 2 + 2 * MAX_CPUS;

/// All that the address space is made of.
#[derive(Clone, Copy, Debug)]
pub struct AddressSpace<'a> {
    /// The machine's RAM.
    pub memory: &'a MemoryMap,
    /// Its devices.
    pub board: &'a Board,
    /// The kernel's memory, and which part of it may be used how.
    pub image: PhysRange,
    /// See `image`.
    pub sections: &'a [Section],
    /// The CPUs' stacks, which lie in the RAM.
    pub stacks: Stacks,
}

impl AddressSpace<'_> {
    /// Calls `add` for each mapping; none overlaps another unless the board's description is wrong.
    ///
    /// # Errors
    /// Passes on the first error of `add`.
    pub fn plan<E>(&self, mut add: impl FnMut(Mapping<Hva>) -> Result<(), E>) -> Result<(), E> {
        for section in self.sections {
            let Section { start, length: bytes, permissions } = *section;
            let output = Hpa::new(start.as_u64());
            add(Mapping { input: start, output, bytes, permissions, memory_type: MemoryType::WriteBack })?;
        }
        self.memory.usable_without(&self.holes()).map(ram).try_for_each(&mut add)?;
        self.release_frames().into_iter().map(ram).try_for_each(&mut add)?;
        self.devices().filter_map(device).try_for_each(add)
    }

    /// The parts of the RAM that are not mapped as such.
    fn holes(&self) -> ArrayVec<PhysRange, HOLES> {
        let first = PhysRange::new(Hpa::new(0), FRAME_SIZE);
        [Some(self.image), first].into_iter().flatten().chain(self.stacks.guards()).take(HOLES).collect()
    }

    /// The frames in which other CPUs look for their entry address, where [`Self::plan`] has not mapped them as RAM.
    fn release_frames(&self) -> ArrayVec<PhysRange, MAX_CPUS> {
        let mut frames = ArrayVec::<PhysRange, MAX_CPUS>::new();
        let holes = self.holes();
        for cpu in &self.board.cpus {
            let Enable::SpinTable { release } = cpu.enable else { continue };
            let Some(frame) = PhysRange::new(release.align_down(FRAME_SIZE), FRAME_SIZE) else { continue };
            let is_mapped = frame.overlaps(self.image)
                || self.memory.usable_without(&holes).any(|range| range.overlaps(frame))
                || frames.contains(&frame);
            if !is_mapped && !frames.is_full() {
                frames.push(frame);
            }
        }
        frames
    }

    /// The registers that the host uses itself.
    fn devices(&self) -> impl Iterator<Item = PhysRange> {
        let (frames, redistributors) = match &self.board.gic {
            Gic::V2 { gicd, gicc, gich, .. } => ([Some(*gicd), Some(*gicc), *gich], [].as_slice()),
            Gic::V3 { gicd, redistributors, .. } => ([Some(*gicd), None, None], redistributors.as_slice()),
        };
        let uart = self.board.uart.map(|uart| uart.registers);
        frames.into_iter().flatten().chain(redistributors.iter().copied()).chain(uart)
    }
}

/// The mapping of a piece of RAM, in whole frames.
const fn ram(range: PhysRange) -> Mapping<Hva> {
    Mapping {
        input: Hva::new(range.start().as_u64()),
        output: range.start(),
        bytes: range.len(),
        permissions: Permissions::RW,
        memory_type: MemoryType::WriteBack,
    }
}

/// The mapping of a device's registers, widened to whole frames; `None` where there are none.
#[must_use]
pub fn device(registers: PhysRange) -> Option<Mapping<Hva>> {
    let start = registers.start().align_down(FRAME_SIZE);
    let bytes = registers.end().align_up(FRAME_SIZE)?.checked_sub(start)?;
    (bytes != 0).then_some(Mapping {
        input: Hva::new(start.as_u64()),
        output: start,
        bytes,
        permissions: Permissions::RW,
        memory_type: MemoryType::Uncached,
    })
}

#[cfg(test)]
mod tests {
    use phalanx_arch_api::Hfn;
    use phalanx_arch_api::table::{Mapper, TableMemory, Translation};
    use phalanx_handoff::board::{Cpu, ExceptionLevel};
    use phalanx_handoff::{MemoryKind, Text};
    use std::vec::Vec;

    use super::super::super::early_frames::tests::{boot_info, range};
    use super::super::check::{Writable, check};
    use super::*;
    use crate::stage2::HostPaging;

    /// Tables in a vector.
    struct Tables(Vec<[u64; 512]>);

    impl TableMemory<Hva> for Tables {
        fn read_entry(&self, table: Hfn, index: usize) -> u64 {
            self.0[table.number() as usize][index]
        }

        fn write_entry(&mut self, table: Hfn, index: usize, value: u64) {
            self.0[table.number() as usize][index] = value;
        }

        fn allocate(&mut self) -> Option<Hfn> {
            self.0.push([0; 512]);
            Some(Hfn::new(self.0.len() as u64 - 1))
        }

        fn free(&mut self, _table: Hfn) {}

        fn invalidate(&mut self, _start: Hva, _bytes: u64) {}
    }

    fn board(release: u64) -> Board {
        let cpu = |mpidr, enable| Cpu { mpidr, enable };
        Board {
            model: Text::default(),
            entered_at: ExceptionLevel::El2,
            cpus: [cpu(0, Enable::Unknown), cpu(1, Enable::SpinTable { release: Hpa::new(release) })]
                .into_iter()
                .collect(),
            ignored_cpus: 0,
            boot_mpidr: 0,
            psci: None,
            gic: Gic::V3 {
                gicd: range(0x800_0000, 0x801_0000),
                redistributors: [range(0x80a_0000, 0x90a_0000)].into_iter().collect(),
                stride: None,
            },
            maintenance: Some(25),
            uart: None,
            virtual_timer: 27,
            hypervisor_timer: 26,
        }
    }

    const STACKS: Stacks = Stacks::new(Hpa::new(0x30_0000), 2);

    fn build(board: &Board, text: Permissions) -> (Tables, Mapper<HostPaging>) {
        let section = |start, length, permissions| Section { start: Hva::new(start), length, permissions };
        let sections = [
            section(0x20_0000, 0x4000, text),
            section(0x20_4000, 0x1000, Permissions::R),
            section(0x20_6000, 0xfa000, Permissions::RW),
        ];
        let memory = boot_info(&[(0, 0x80_0000, MemoryKind::Usable)]).memory;
        let image = range(0x20_0000, 0x30_0000);
        let space = AddressSpace { memory: &memory, board, image, sections: &sections, stacks: STACKS };
        let mut tables = Tables(Vec::new());
        let mut mapper = Mapper::<HostPaging>::new(&mut tables).unwrap();
        space.plan(|mapping| mapper.map(&mut tables, mapping)).expect("no overlaps");
        (tables, mapper)
    }

    #[test]
    fn everything_is_where_it_is_and_strict() {
        let (tables, mapper) = build(&board(0x40_0008), Permissions::RX);
        let at = |address| mapper.translate(&tables, Hva::new(address));
        let permissions = |address| at(address).map(|found: Translation| found.permissions);
        for address in [0x1000, 0x20_0000, 0x20_7000, 0x7f_f000, 0x800_0000, 0x909_f000] {
            assert_eq!(at(address).map(|found| found.output), Some(Hpa::new(address)));
        }
        assert_eq!(permissions(0x20_3000), Some(Permissions::RX));
        assert_eq!(permissions(0x20_4000), Some(Permissions::R));
        assert_eq!(permissions(0x1000), Some(Permissions::RW));
        assert_eq!(at(0x800_0000).unwrap().memory_type, MemoryType::Uncached);
        for hole in [0, 0x20_5000, 0x30_0000, 0x30_4000, 0x31_0000, 0x80_0000, 0x90a_0000] {
            assert_eq!(at(hole), None, "{hole:#x}");
        }
        assert_eq!(check::<HostPaging>(&tables, mapper.root()), Ok(()));
    }

    #[test]
    fn a_spin_table_is_mapped_wherever_it_is() {
        for release in [0xd8, 0x1234_5678] {
            let (tables, mapper) = build(&board(release), Permissions::RX);
            assert_eq!(mapper.translate(&tables, Hva::new(release)).unwrap().permissions, Permissions::RW);
        }
    }

    #[test]
    fn a_writable_executable_page_is_found() {
        let (tables, mapper) = build(&board(0x40_0008), Permissions::RWX);
        assert_eq!(check::<HostPaging>(&tables, mapper.root()), Err(Writable(Hva::new(0x20_0000))));
    }

    #[test]
    fn registers_are_widened_to_frames() {
        let mapping = device(range(0x1234, 0x2010)).unwrap();
        assert_eq!((mapping.output, mapping.bytes), (Hpa::new(0x1000), 0x2000));
        assert_eq!(device(range(0x1000, 0x1000)), None);
    }
}
