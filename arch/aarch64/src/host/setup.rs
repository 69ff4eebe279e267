//! From the loader's hand-off to a machine that is under control.

use core::sync::atomic::{AtomicBool, Ordering};

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::table::{MapError, Mapper, Mapping};
use phalanx_arch_api::{CpuIndex, Hva};
use phalanx_handoff::BootInfo;
use phalanx_handoff::board::Board;

use super::early_frames::{EarlyFrames, FreeRanges};
use super::error::PrivateInterrupt;
use super::gic::{FIRST_SHARED, NEVER};
use super::image::KernelImage;
use super::paging::mmu::{self, Switches};
use super::paging::{self, AddressSpace, pointer};
use super::percpu::{self, Interrupts, PerCpu};
use super::smp::{self, CpuEntry, StartReport};
use super::stacks::{Stack, Stacks};
use super::{HostError, crash, firmware, gic, registers, timer};
use crate::stage2::{self, Features, HostPaging};
use crate::vectors;

/// The private interrupts that software does not send: 16 to 31.
const PRIVATE: core::ops::Range<u32> = 16..FIRST_SHARED;

static VHE: AtomicBool = AtomicBool::new(false);

/// Whether the Virtualization Host Extensions are in use (HCR_EL2.E2H). Constant after [`init_boot_cpu`].
#[inline]
#[must_use]
pub fn vhe() -> bool {
    VHE.load(Ordering::Relaxed)
}

/// The machine, as long as it is being set up. Lives on the boot CPU.
#[derive(Debug)]
pub struct Host {
    pub(super) board: Board,
    pub(super) switches: Switches,
    tables: Mapper<HostPaging>,
    frames: EarlyFrames,
    stacks: Stacks,
    interrupts: Interrupts,
    has_console_interrupt: bool,
}

/// Takes over the machine: moves to page tables of its own, sets up this CPU, the interrupt controller and the timer.
///
/// State before: the loader's identity mapping of RAM and devices, everything masked; `image` is the one that this runs
/// in. State after: the address space of [`paging`], checked for pages that are writable and executable; exceptions end
/// in the crash card; all interrupts but the host's own are disabled.
///
/// # Errors
/// See [`HostError`]. The machine can then only print it and stop.
pub fn init_boot_cpu(info: &BootInfo, image: &KernelImage) -> Result<Host, HostError> {
    let board = info.board.clone().ok_or(HostError::NoBoard)?;
    if !registers::is_at_el2() {
        return Err(HostError::WrongLevel(board.entered_at));
    }
    percpu::install_none();
    crash::set_known_memory(&image.code(), &image.boot_stack);
    vectors::install();
    firmware::set_up(board.psci);
    mmu::check_granule().map_err(|_| HostError::NoSmallGranule)?;
    timer::set_up().map_err(|_| HostError::NoFrequency)?;
    let mut host = Host::new(info, board)?;
    host.build_address_space(info, image)?;
    host.take_over_cpu()?;
    Ok(host)
}

impl Host {
    fn new(info: &BootInfo, board: Board) -> Result<Self, HostError> {
        let interrupts = interrupts(&board)?;
        let vhe = mmu::has_vhe();
        VHE.store(vhe, Ordering::Relaxed);
        stage2::set_up(Features { parange: mmu::pa_range(), forced_write_back: mmu::has_forced_write_back(), vhe });
        let mut frames = EarlyFrames::new(info)?;
        let slots = board.cpus.len().clamp(1, percpu::MAX_CPUS) as u64;
        let stacks = Stacks::new(frames.allocate(Stacks::frames(slots))?, slots);
        let tables = Mapper::new(&mut frames).map_err(|error| cannot_map(Hva::new(0), error))?;
        let switches = Switches::new(tables.root(), vhe);
        Ok(Self { board, switches, tables, frames, stacks, interrupts, has_console_interrupt: false })
    }

    /// Starts every other CPU of the board, one after the other; each goes to `entry` as soon as it is up, on a stack of
    /// its own. A CPU that does not come up is reported, and is not an error.
    ///
    /// # Errors
    /// [`HostError::OutOfFrames`] for the CPUs' areas.
    pub fn start_other_cpus(&mut self, entry: CpuEntry) -> Result<StartReport, HostError> {
        smp::start_others(self, entry)
    }

    /// What the device tree said about the machine.
    #[must_use]
    pub const fn board(&self) -> &Board {
        &self.board
    }

    /// Whether the console's interrupt arrives; without it the console must be polled.
    #[must_use]
    pub const fn has_console_interrupt(&self) -> bool {
        self.has_console_interrupt
    }

    /// The frames that nobody uses: the core's from now on. The frame at address 0, the kernel and the bundle are not
    /// among them.
    #[must_use]
    pub fn into_free_ranges(self) -> FreeRanges {
        self.frames.into_free_ranges()
    }

    pub(super) const fn stacks(&self) -> Stacks {
        self.stacks
    }

    /// CPUs that have stacks.
    pub(super) const fn slots(&self) -> usize {
        self.stacks.parts().1 as usize
    }

    fn build_address_space(&mut self, info: &BootInfo, image: &KernelImage) -> Result<(), HostError> {
        let Self { board, tables, frames, stacks, .. } = self;
        let space = AddressSpace {
            memory: &info.memory,
            board,
            image: info.kernel_image,
            sections: &image.sections,
            stacks: *stacks,
        };
        space.plan(|mapping| map(tables, frames, mapping))?;
        paging::check::<HostPaging>(frames, tables.root())?;
        Ok(())
    }

    /// Moves the boot CPU to the final tables, and sets up its timer and interrupts.
    fn take_over_cpu(&mut self) -> Result<(), HostError> {
        // SAFETY: the tables map the kernel's image with the boot stack, all RAM and the GIC where they are, as the
        // loader's do.
        unsafe { self.switches.apply() };
        crash::set_stacks(self.stacks);
        let cpu = self.new_cpu(CpuIndex(0), 0, self.board.boot_mpidr)?;
        percpu::install(cpu);
        timer::silence(vhe());
        gic::set_up(&self.board.gic)?;
        gic::init_cpu(&self.board.gic, cpu)?;
        self.take_console_interrupt();
        cpu.is_up.store(true, Ordering::Release);
        Ok(())
    }

    fn take_console_interrupt(&mut self) {
        let console = self.interrupts.console;
        self.has_console_interrupt = (FIRST_SHARED..gic::interrupt_count().min(NEVER)).contains(&console);
        if self.has_console_interrupt {
            gic::route_here(console);
        }
    }

    /// Gives a CPU its area, and makes it known.
    pub(super) fn new_cpu(&mut self, index: CpuIndex, slot: u16, mpidr: u64) -> Result<&'static PerCpu, HostError> {
        let frame = self.frames.allocate((size_of::<PerCpu>() as u64).div_ceil(FRAME_SIZE))?;
        let emergency_stack = self.stacks.top(slot, Stack::Emergency).as_u64();
        let place = pointer(frame).cast::<PerCpu>();
        // SAFETY: the frames are ours for ever, aligned to 4 KiB and mapped; nobody else refers to them yet.
        let cpu: &'static PerCpu = unsafe {
            place.write(PerCpu::new(index, mpidr, slot, emergency_stack, self.interrupts));
            &*place
        };
        percpu::register(cpu);
        Ok(cpu)
    }
}

fn map(tables: &mut Mapper<HostPaging>, frames: &mut EarlyFrames, mapping: Mapping<Hva>) -> Result<(), HostError> {
    tables.map(frames, mapping).map_err(|error| cannot_map(mapping.input, error))
}

fn cannot_map(place: Hva, error: MapError) -> HostError {
    if error == MapError::OutOfTables { HostError::OutOfFrames } else { HostError::Map(place, error) }
}

/// The interrupts that the host takes on this board.
fn interrupts(board: &Board) -> Result<Interrupts, HostError> {
    let private =
        |intid: u32, which| PRIVATE.contains(&intid).then_some(intid).ok_or(HostError::NoPrivateInterrupt(which));
    Ok(Interrupts {
        virtual_timer: private(board.virtual_timer, PrivateInterrupt::VirtualTimer)?,
        hypervisor_timer: private(board.hypervisor_timer, PrivateInterrupt::HypervisorTimer)?,
        maintenance: private(board.maintenance.unwrap_or(NEVER), PrivateInterrupt::Maintenance)?,
        console: board.uart.and_then(|uart| uart.intid).unwrap_or(NEVER),
    })
}
