//! From the loader's hand-off to a machine that is under control.

use core::sync::atomic::Ordering;

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::{CpuIndex, Hpa};
use phalanx_handoff::{BootInfo, MemoryMap, PhysRange};

use super::acpi::{self, Firmware, Platform};
use super::apic::Mode;
use super::early_frames::{EarlyFrames, FreeRanges};
use super::image::KernelImage;
use super::paging::{self, Access, Mapping, direct_map, direct_map_address};
use super::percpu::{self, PerCpu};
use super::smp::{self, CpuEntry, StartReport};
use super::stacks::Stack;
use super::{HostError, apic, clocks, cpu, crash, idt, ioapic, timer};

/// The machine, as long as it is being set up. Lives on the boot CPU.
#[derive(Debug)]
pub struct Host {
    pub(super) root: Hpa,
    pub(super) memory: MemoryMap,
    /// Where the loader put the bundle; GRUB on UEFI uses low memory.
    pub(super) bundle: Option<PhysRange>,
    pub(super) platform: Platform,
    frames: EarlyFrames,
    /// CPUs that have stacks, counted by index.
    with_stacks: u16,
    end_of_interrupt: u64,
    has_console_interrupt: bool,
}

/// Takes over the machine: reads ACPI, moves to page tables of its own, sets up this CPU, its APIC and the clocks.
///
/// State before: the loader's page tables (the first 4 GiB in the direct map, the kernel window), interrupts disabled,
/// CPU 0; `image` is the one that this runs in. State after: the address space of [`paging`], checked for pages that are
/// writable and executable; exceptions end in the crash card; time runs; all interrupt lines but COM1's are masked.
///
/// # Errors
/// See [`HostError`]. The machine can then only print it and stop.
pub fn init_boot_cpu(info: &BootInfo, image: &KernelImage) -> Result<Host, HostError> {
    crash::set_known_memory(&image.code(), &image.boot_stack);
    let platform = acpi::read(&EarlyMemory, info.rsdp.ok_or(HostError::NoAcpi)?)?;
    let mut frames = EarlyFrames::new(info)?;
    let root = frames.allocate_zeroed(1)?;
    let (mode, apic_registers) = apic::detect(platform.apic_ids.iter().copied().max().unwrap_or(0));
    // SAFETY: the loader's direct map reaches the registers, and firmware set them uncached in the MTRRs.
    let end_of_interrupt = unsafe { apic::set_mode(mode, apic_registers) };
    // SAFETY: this is the boot CPU, and it has not loaded the table before.
    unsafe { idt::build(mode) };
    let memory = info.memory.clone();
    let mut host = Host {
        root,
        memory,
        bundle: info.bundle,
        platform,
        frames,
        with_stacks: 0,
        end_of_interrupt,
        has_console_interrupt: false,
    };
    host.build_address_space(image, (mode == Mode::XApic).then_some(apic_registers))?;
    host.take_over_cpu()?;
    clocks::calibrate(host.platform.pm_timer)?;
    timer::enable();
    Ok(host)
}

impl Host {
    /// Starts every other enabled CPU, one after the other; each goes to `entry` as soon as it is up, on a stack of its
    /// own. A CPU that does not come up is reported, and is not an error.
    ///
    /// # Errors
    /// [`HostError::OutOfFrames`] for the CPUs' stacks, [`HostError::NoLowMemory`] for their start-up code.
    pub fn start_other_cpus(&mut self, entry: CpuEntry) -> Result<StartReport, HostError> {
        smp::start_others(self, entry)
    }

    /// What the firmware said about the machine.
    #[must_use]
    pub const fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Whether the serial port's interrupt arrives; without it the console must be polled.
    #[must_use]
    pub const fn has_console_interrupt(&self) -> bool {
        self.has_console_interrupt
    }

    /// Maps the registers of a device, uncached, in the direct map.
    ///
    /// # Errors
    /// [`HostError::OutOfFrames`], or [`HostError::Map`] where the address is RAM that is mapped already.
    pub fn map_device(&mut self, start: Hpa, length: u64) -> Result<(), HostError> {
        let phys = start.align_down(FRAME_SIZE);
        let length = (start.page_offset() + length).next_multiple_of(FRAME_SIZE);
        self.map(Mapping { virt: direct_map_address(phys), phys, length, access: Access::Device })
    }

    /// The frames that nobody uses: the core's from now on. The first MiB, the kernel and the bundle are not among them.
    #[must_use]
    pub fn into_free_ranges(self) -> FreeRanges {
        self.frames.into_free_ranges()
    }

    fn map(&mut self, mapping: Mapping) -> Result<(), HostError> {
        Ok(paging::map(&mut self.frames, self.root, cpu::paging_features(), mapping)?)
    }

    fn build_address_space(&mut self, image: &KernelImage, apic_registers: Option<Hpa>) -> Result<(), HostError> {
        let Self { memory, frames, root, .. } = self;
        let features = cpu::paging_features();
        paging::plan(memory, &image.sections, |mapping| paging::map(frames, *root, features, mapping))?;
        let io_apics = self.platform.io_apics.clone();
        for registers in io_apics.iter().map(|io_apic| io_apic.address).chain(apic_registers) {
            self.map_device(registers, FRAME_SIZE)?;
        }
        Ok(())
    }

    /// Maps the stacks of the CPU with this index, unless one that did not come up had the index before.
    fn map_stacks(&mut self, index: CpuIndex) -> Result<(), HostError> {
        if index.0 < self.with_stacks {
            return Ok(());
        }
        for stack in Stack::ALL {
            let phys = self.frames.allocate_zeroed(stack.frames())?;
            let length = stack.frames() * FRAME_SIZE;
            self.map(Mapping { virt: stack.range(index).start, phys, length, access: Access::ReadWrite })?;
        }
        self.with_stacks = index.0 + 1;
        Ok(())
    }

    /// Gives a CPU its area and its stacks.
    pub(super) fn new_cpu(&mut self, index: CpuIndex, apic_id: u32) -> Result<&'static PerCpu, HostError> {
        self.map_stacks(index)?;
        let frame = self.frames.allocate((size_of::<PerCpu>() as u64).div_ceil(FRAME_SIZE))?;
        let place = direct_map(frame).cast::<PerCpu>();
        // SAFETY: the frames are ours for ever, aligned to 4 KiB and mapped; nobody else refers to them yet.
        let cpu: &'static mut PerCpu = unsafe {
            place.write(PerCpu::new(index, apic_id, self.end_of_interrupt));
            &mut *place
        };
        cpu.tables.complete();
        percpu::register(cpu);
        Ok(cpu)
    }

    /// Moves the boot CPU to the final tables and descriptors, and switches its interrupts on.
    fn take_over_cpu(&mut self) -> Result<(), HostError> {
        let cpu = self.new_cpu(CpuIndex(0), apic::id())?;
        // SAFETY: the tables map the kernel's image with the boot stack, all RAM and the APICs.
        unsafe { cpu::enter_host_mode(self.root) };
        cpu.tables.load();
        percpu::install(cpu);
        idt::load();
        if cpu::paging_features().no_execute {
            paging::check(&self.frames, self.root).map_err(HostError::Flaw)?;
        }
        ioapic::mask_legacy_controllers();
        apic::enable();
        // SAFETY: `build_address_space` mapped the registers; this is the boot CPU.
        self.has_console_interrupt = unsafe { ioapic::set_up(&self.platform, cpu.apic_id) };
        cpu.is_up.store(true, Ordering::Release);
        Ok(())
    }
}

/// Physical memory as the loader mapped it: the first 4 GiB.
struct EarlyMemory;

impl Firmware for EarlyMemory {
    fn bytes(&self, start: Hpa, length: usize) -> Option<&[u8]> {
        const REACH: u64 = 1 << 32;
        let end = start.checked_add(length as u64)?;
        // SAFETY: the loader's direct map reaches up to 4 GiB, and nothing writes to firmware's tables.
        (end.as_u64() <= REACH).then(|| unsafe { core::slice::from_raw_parts(direct_map(start), length) })
    }
}
