//! From a checked bundle to a machine that is ready to run.

use core::fmt;

use alloc::vec::Vec;
use phalanx_abi::bundle::{self, Bundle};
use phalanx_arch_api::table::{MapError, TableFormat};
use phalanx_arch_api::{Arch, Gpa, VcpuIndex};
use phalanx_sched::{Scheduler, VcpuId};

use crate::console::Console;
use crate::domain::{Domain, Vcpu, VcpuSlot};
use crate::lock::Lock;
use crate::machine::{Machine, Place};
use crate::mem::{AddressSpace, BuildError, FrameAllocator, GuestRam, RamError};
use crate::uart::Uart;

/// Length of a slice while several vCPUs want one CPU: a five-hundredth of a second.
const SLICES_PER_SECOND: u64 = 500;

/// Why a machine could not be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetupError {
    /// The domain that could not be created.
    pub domain: &'static str,
    /// Why.
    pub cause: SetupCause,
}

/// What went wrong with a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupCause {
    /// Its RAM.
    Ram(RamError),
    /// Its second-level tables.
    Tables(BuildError),
    /// It wants a dirty log, and the processors do not tell what a guest writes.
    NoDirtyLog,
    /// More consoles than the line can carry.
    TooManyConsoles,
    /// More vCPUs than the machine's interrupt controller serves in one domain.
    VcpusOfDomain {
        /// vCPUs of the domain.
        asked: usize,
        /// vCPUs that are possible.
        most: usize,
    },
    /// More vCPUs in all domains than the scheduler can name.
    TooManyVcpus,
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "domain {} cannot be created: ", self.domain)?;
        match self.cause {
            SetupCause::Ram(RamError::Memory(error)) => {
                write!(
                    f,
                    "it asks for {} MiB of memory, and {} MiB are free",
                    error.asked.div_ceil(1 << 20),
                    error.memory.free >> 20
                )
            }
            SetupCause::Ram(RamError::TooManyRegions) => f.write_str("free memory is in too many pieces"),
            SetupCause::Ram(RamError::BadRegion(gpa)) => write!(f, "its memory region at {gpa} is not possible"),
            SetupCause::Tables(BuildError::Tables(error)) => write!(f, "no memory for its page tables ({error})"),
            SetupCause::Tables(BuildError::Map(MapError::OutOfRange)) => {
                f.write_str("its memory reaches beyond the guest-physical addresses that this processor can translate")
            }
            SetupCause::Tables(BuildError::Map(_)) => f.write_str("its memory cannot be mapped"),
            SetupCause::NoDirtyLog => {
                f.write_str("it wants a dirty log, and the processors of this machine do not mark what a guest writes")
            }
            SetupCause::TooManyConsoles => f.write_str("too many domains have a console"),
            SetupCause::VcpusOfDomain { asked, most } => {
                write!(f, "it asks for {asked} vCPUs, and the interrupt controller of this machine serves {most}")
            }
            SetupCause::TooManyVcpus => f.write_str("all domains together have too many vCPUs"),
        }
    }
}

impl SetupError {
    /// What the user can do.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self.cause {
            SetupCause::Ram(_) | SetupCause::Tables(_) => {
                "lower `memory` in the manifest, or give the machine more (cargo xtask run --memory 1G)"
            }
            SetupCause::NoDirtyLog => "remove `dirty-log` from the manifest",
            SetupCause::TooManyConsoles => "set `console = false` for some domains in the manifest",
            SetupCause::VcpusOfDomain { .. } | SetupCause::TooManyVcpus => "lower `vcpus` in the manifest",
        }
    }
}

/// Bytes of heap that a machine for this bundle needs on `cpus` CPUs: all that is ever allocated.
#[must_use]
pub fn heap_bytes(bundle: Bundle<'_>, cpus: usize) -> usize {
    const FIXED: usize = 256 << 10;
    const PER_CPU: usize = 16 << 10;
    const PER_DOMAIN: usize = 16 << 10;
    const PER_VCPU: usize = 32 << 10;
    let vcpus: usize = bundle.domains().map(|domain| domain.vcpus() as usize).sum();
    FIXED + cpus * PER_CPU + bundle.domains().count() * PER_DOMAIN + vcpus * PER_VCPU
}

impl<A: Arch> Machine<A> {
    /// Creates every domain of `bundle`.
    ///
    /// # Errors
    /// [`SetupError`] for the first domain that cannot be created.
    pub fn new(
        bundle: Bundle<'static>,
        cpus: usize,
        allocator: &mut FrameAllocator,
        console: &'static Console,
    ) -> Result<Self, SetupError> {
        let vcpus = bundle.domains().map(|domain| domain.vcpus() as usize).sum();
        let mut scheduler = Scheduler::new(cpus, vcpus, A::frequency() / SLICES_PER_SECOND);
        let mut domains = Vec::with_capacity(bundle.domains().count());
        let mut places = Vec::with_capacity(vcpus);
        for image in bundle.domains() {
            let fail = |cause| SetupError { domain: image.name(), cause };
            let ids = add_vcpus(&mut scheduler, image, domains.len(), &mut places).map_err(fail)?;
            domains.push(create_domain::<A>(image, &ids, allocator, console).map_err(fail)?);
        }
        Ok(Self::assemble(domains, places, scheduler, console, cpus))
    }
}

fn add_vcpus(
    scheduler: &mut Scheduler,
    image: bundle::Domain<'_>,
    domain: usize,
    places: &mut Vec<Place>,
) -> Result<Vec<VcpuId>, SetupCause> {
    (0..image.vcpus())
        .map(|index| {
            let id = scheduler.add().ok_or(SetupCause::TooManyVcpus)?;
            places.push(Place { domain, index: VcpuIndex(index as u8) });
            Ok(id)
        })
        .collect()
}

fn create_domain<A: Arch>(
    image: bundle::Domain<'static>,
    ids: &[VcpuId],
    allocator: &mut FrameAllocator,
    console: &'static Console,
) -> Result<Domain<A>, SetupCause> {
    let (asked, most) = (ids.len(), A::max_vcpus());
    if asked > most {
        return Err(SetupCause::VcpusOfDomain { asked, most });
    }
    let ram = create_ram::<A>(image, allocator)?;
    let space = AddressSpace::<A::SecondLevel>::build(&ram, A::windows, allocator).map_err(SetupCause::Tables)?;
    let arch = A::new_domain(ids.len(), space.root());
    let slot = |(index, id): (usize, &VcpuId)| VcpuSlot {
        id: *id,
        state: Lock::new(Vcpu { arch: A::new_vcpu(&arch, VcpuIndex(index as u8)), parked: false }),
    };
    let vcpus = ids.iter().enumerate().map(slot).collect();
    let uart = create_uart(image, console)?;
    Ok(Domain::new(image.name(), image, arch, ram, space, vcpus, uart))
}

/// The RAM, with a log where the manifest asks for one.
fn create_ram<A: Arch>(image: bundle::Domain<'static>, allocator: &mut FrameAllocator) -> Result<GuestRam, SetupCause> {
    if image.dirty_log() && A::SecondLevel::dirty_mark() == 0 {
        return Err(SetupCause::NoDirtyLog);
    }
    let regions = image.regions().map(|region| (Gpa::new(region.gpa), region.size));
    let mut ram = GuestRam::allocate(allocator, regions).map_err(SetupCause::Ram)?;
    if image.dirty_log() {
        ram.keep_log(allocator).map_err(SetupCause::Ram)?;
    }
    Ok(ram)
}

fn create_uart<A: Arch>(
    image: bundle::Domain<'static>,
    console: &'static Console,
) -> Result<Option<Uart<A>>, SetupCause> {
    let Some(device) = image.devices().next() else { return Ok(None) };
    let port = if image.console() { Some(console.add(image.name()).ok_or(SetupCause::TooManyConsoles)?) } else { None };
    Ok(Some(Uart::new(device, port)))
}
