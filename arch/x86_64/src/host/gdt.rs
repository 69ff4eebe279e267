//! Segments and the task state of one CPU.
//!
//! 64-bit mode needs little of either: a code segment, and a TSS whose interrupt stack table gives NMI, #DF and #MC
//! stacks of their own (Intel SDM vol. 3A, 7.7 and 6.14.5).

use phalanx_arch_api::CpuIndex;
use x86_64::instructions::segmentation::{CS, DS, ES, FS, SS, Segment};
use x86_64::instructions::tables::load_tss;
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable, SegmentSelector};
use x86_64::structures::tss::TaskStateSegment;
use x86_64::{PrivilegeLevel, VirtAddr};

use super::stacks::Stack;

/// Selector of the kernel's code segment.
pub const CODE: SegmentSelector = SegmentSelector::new(1, PrivilegeLevel::Ring0);
/// Selector of the kernel's data segment.
pub const DATA: SegmentSelector = SegmentSelector::new(2, PrivilegeLevel::Ring0);
/// Selector of the task state segment.
pub const TASK: SegmentSelector = SegmentSelector::new(3, PrivilegeLevel::Ring0);

/// Entry of the interrupt stack table that a vector uses: 1 to 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ist {
    /// [`Stack::Nmi`].
    Nmi = 1,
    /// [`Stack::DoubleFault`].
    DoubleFault = 2,
    /// [`Stack::MachineCheck`].
    MachineCheck = 3,
}

/// The descriptor tables of one CPU.
pub struct DescriptorTables {
    gdt: GlobalDescriptorTable,
    tss: TaskStateSegment,
}

impl DescriptorTables {
    /// Tables for the CPU with this index; not usable before [`DescriptorTables::complete`].
    #[must_use]
    pub fn new(cpu: CpuIndex) -> Self {
        let mut tss = TaskStateSegment::new();
        let mut stacks = tss.interrupt_stack_table;
        for (ist, stack) in
            [(Ist::Nmi, Stack::Nmi), (Ist::DoubleFault, Stack::DoubleFault), (Ist::MachineCheck, Stack::MachineCheck)]
        {
            stacks[ist as usize - 1] = VirtAddr::new(stack.top(cpu).as_u64());
        }
        tss.interrupt_stack_table = stacks;
        Self { gdt: GlobalDescriptorTable::new(), tss }
    }

    /// Fills in the descriptors. The tables must not move any more.
    pub fn complete(&mut self) {
        self.gdt = GlobalDescriptorTable::new();
        self.gdt.append(Descriptor::kernel_code_segment());
        self.gdt.append(Descriptor::kernel_data_segment());
        // SAFETY: the TSS stays next to the GDT that refers to it; a CPU's tables live for ever once they are loaded.
        self.gdt.append(unsafe { Descriptor::tss_segment_unchecked(&raw const self.tss) });
    }

    /// Makes this processor use the tables. Sets the selectors of FS and GS to null; the base of GS must be set after.
    pub fn load(&'static self) {
        self.gdt.load();
        // SAFETY: the selectors are those of the table just loaded; base and limit of the segments do not matter in
        // 64-bit mode; the TSS is not in use by another processor.
        unsafe {
            CS::set_reg(CODE);
            SS::set_reg(DATA);
            DS::set_reg(DATA);
            ES::set_reg(DATA);
            FS::set_reg(SegmentSelector::NULL);
            x86_64::instructions::segmentation::GS::set_reg(SegmentSelector::NULL);
            load_tss(TASK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_match_the_order_of_the_descriptors() {
        let mut tables = DescriptorTables::new(CpuIndex(0));
        tables.complete();
        let entries = tables.gdt.entries();
        assert_eq!(entries.len(), 5);
        assert_eq!(entries[usize::from(CODE.index())].raw() >> 40 & 0xff, 0x9b, "present code segment");
        assert_eq!(entries[usize::from(DATA.index())].raw() >> 40 & 0xff, 0x93, "present data segment");
        assert_eq!(entries[usize::from(TASK.index())].raw() >> 40 & 0xff, 0x89, "present, available 64-bit TSS");
    }

    #[test]
    fn interrupt_stacks_are_those_of_the_cpu() {
        let tables = DescriptorTables::new(CpuIndex(5));
        let stacks = tables.tss.interrupt_stack_table;
        let top = Stack::DoubleFault.top(CpuIndex(5)).as_u64();
        assert_eq!(stacks[Ist::DoubleFault as usize - 1].as_u64(), top);
        assert!(stacks[3..].iter().all(|stack| stack.is_null()));
    }
}
