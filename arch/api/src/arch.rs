//! The boundary itself: what an architecture does for the core, and what the core does for an architecture.

use phalanx_abi::exit::ExitCounter;

use crate::table::{Mapping, TableFormat};
use crate::{Effect, Event, Gpa, GuestMemory, Hpa, Hva, TraceEvent};

/// A point in time or a span, in ticks of the machine's counter (x86: TSC, Arm: CNTPCT).
///
/// All CPUs read the same counter; 64 bits do not wrap within the life of a machine.
pub type Ticks = u64;

/// A physical CPU, counted from 0 in the order in which they came up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CpuIndex(pub u16);

/// A vCPU within its domain, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VcpuIndex(pub u8);

/// The bundle's entry record cannot be loaded on this processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryError {
    /// The record is for another architecture.
    WrongArchitecture,
}

/// Another CPU did not answer in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unanswered;

/// What the architectural part of a domain may ask of the core while one of its vCPUs runs.
pub trait DomainEnv {
    /// The domain's RAM.
    type Memory: GuestMemory;

    /// The domain's RAM.
    fn memory(&self) -> &Self::Memory;

    /// Makes `vcpu` look at its inbox soon: a halted one becomes runnable, one that runs on another CPU is kicked.
    ///
    /// The inbox must have been written before (release); the core's lock orders the rest. Never blocks for longer
    /// than the scheduler's critical section.
    fn wake(&self, vcpu: VcpuIndex);

    /// Notes something rare that the running vCPU did.
    fn trace(&self, event: TraceEvent);

    /// Answers a hypercall that needs neither vCPU nor scheduler; `None` leaves it to [`Event::Hypercall`].
    fn quick_hypercall(&self, number: u64, privileged: bool) -> Option<i64>;

    /// Whether the core wants this CPU back (another vCPU is due, the domain stops, the console has input).
    ///
    /// One relaxed load; asked after every interrupt that was for the host.
    fn must_return(&self) -> bool;

    /// Whether this domain's exits are recorded by [`Self::effect`]. Asked at each start of [`Arch::run`].
    #[inline(always)]
    fn is_recorded(&self) -> bool {
        false
    }

    /// Whether the answer to the step that is recorded next is to be spoilt, as a bug would: the self-test of the comparison.
    fn spoils(&self) -> bool {
        false
    }

    /// Records what an exit did to the guest.
    fn effect(&self, effect: &Effect<'_>) {
        let _ = effect;
    }
}

/// One hardware backend.
///
/// All methods run with the host's interrupts disabled unless they say otherwise.
pub trait Arch: Sized + 'static {
    /// What a physical CPU needs to run vCPUs. One for each CPU, never shared.
    type Cpu;
    /// The architectural part of a domain that its vCPUs share: IO-APIC or GIC distributor, inboxes, platform timers.
    type Domain: Sync;
    /// The architectural state of one vCPU.
    type Vcpu: Send;
    /// Second-level page tables (EPT, NPT, stage-2).
    type SecondLevel: TableFormat<Input = Gpa>;

    /// The counter's current value.
    fn now() -> Ticks;

    /// Ticks in a second. Constant after boot.
    fn frequency() -> u64;

    /// Makes `cpu` leave its guest or its idle wait soon. Safe to call for a CPU that is in neither: then the next
    /// entry or wait ends at once.
    fn kick(cpu: CpuIndex);

    /// A moment of waiting for a lock that another CPU holds.
    #[inline(always)]
    fn relax() {
        core::hint::spin_loop();
    }

    /// Waits until an interrupt or until `until`. Returns early at will.
    fn idle(cpu: &mut Self::Cpu, until: Option<Ticks>);

    /// Whether the physical console received something since the last call.
    fn console_interrupt() -> bool;

    /// Which of the alternatives in a bundle fits this machine (`phalanx_abi::bundle::SegmentRecord::only`). Constant
    /// after boot.
    fn alternative() -> u32 {
        phalanx_abi::bundle::ALWAYS
    }

    /// Most vCPUs of one domain on this machine. Constant after boot.
    fn max_vcpus() -> usize {
        phalanx_abi::bundle::MAX_VCPUS as usize
    }

    /// What of the hardware every guest reaches directly, besides its RAM (Arm: the virtual CPU interface of a GICv2).
    fn windows() -> impl Iterator<Item = Mapping<Gpa>> {
        core::iter::empty()
    }

    /// The core wrote `bytes` bytes of guest RAM at `start`: makes them visible to a guest that runs with its caches off.
    ///
    /// Nothing to do where the caches cannot be bypassed (x86).
    fn written(start: Hva, bytes: u64) {
        let _ = (start, bytes);
    }

    /// Creates the shared part of a domain whose second-level table has its root at `root`. Called at boot only.
    fn new_domain(vcpus: usize, root: Hpa) -> Self::Domain;

    /// Creates a vCPU in its reset state: number 0 ready to be given an entry state, the others waiting to be started.
    fn new_vcpu(domain: &Self::Domain, index: VcpuIndex) -> Self::Vcpu;

    /// Puts the shared part back to power-on. No vCPU of the domain runs.
    fn reset_domain(domain: &Self::Domain);

    /// Puts a vCPU back to its reset state, as after [`Arch::new_vcpu`].
    fn reset_vcpu(domain: &Self::Domain, vcpu: &mut Self::Vcpu);

    /// Loads the bundle's entry state into the boot vCPU.
    ///
    /// # Errors
    /// [`EntryError`] where the record does not fit this processor; the vCPU is unchanged then.
    fn set_entry(vcpu: &mut Self::Vcpu, entry: phalanx_abi::bundle::Entry<'_>) -> Result<(), EntryError>;

    /// Brings the vCPU's switched state (FPU, debug registers, TLB tag) onto `cpu`.
    ///
    /// State before: no vCPU is loaded on `cpu`. Destroys whatever the processor held of another vCPU's switched state.
    fn load(cpu: &mut Self::Cpu, domain: &Self::Domain, vcpu: &mut Self::Vcpu);

    /// Saves what [`Arch::load`] loaded. Afterwards any CPU may load the vCPU.
    fn put(cpu: &mut Self::Cpu, domain: &Self::Domain, vcpu: &mut Self::Vcpu);

    /// Runs the loaded vCPU until something happens that the architecture cannot answer, or until `until`.
    ///
    /// State before: the vCPU is loaded on `cpu`; a previous [`Event::Access`], [`Event::PortAccess`] or
    /// [`Event::Hypercall`] has been completed. State after: interrupts that were for the host have been taken;
    /// interrupts for the guest are in its interrupt controller.
    fn run<E: DomainEnv>(
        cpu: &mut Self::Cpu,
        domain: &Self::Domain,
        vcpu: &mut Self::Vcpu,
        env: &E,
        until: Option<Ticks>,
    ) -> Event;

    /// Makes every CPU forget what it has cached of the domain's second-level tables.
    ///
    /// State before: entries were changed, each by one atomic operation. This runs outside of guests, on a CPU that has a
    /// vCPU of the domain loaded or none, and no lock is held that another CPU may wait for. State after: every access of
    /// the domain's vCPUs, on whatever CPU, uses the tables as they were at the call or later, and all that they wrote by older
    /// translations is visible. Interrupts are taken meanwhile, so that several CPUs may be here at once.
    ///
    /// # Errors
    /// [`Unanswered`] where a CPU did not leave its guest within a second or so: it may still use old translations until it
    /// does, and no longer.
    fn forget_translations(domain: &Self::Domain) -> Result<(), Unanswered>;

    /// Gives the value of the read that [`Event::Access`] or [`Event::PortAccess`] asked for (ignored for a write) and
    /// steps over the instruction.
    fn complete_access(vcpu: &mut Self::Vcpu, value: u64);

    /// Gives a hypercall's result and steps over the instruction.
    fn complete_hypercall(vcpu: &mut Self::Vcpu, result: i64);

    /// When the vCPU's own timer wants it to run again, if it is halted until then.
    fn next_timer(vcpu: &Self::Vcpu) -> Option<Ticks>;

    /// Drives an interrupt line of the domain's interrupt controller (x86: GSI, Arm: SPI).
    fn set_line<E: DomainEnv>(domain: &Self::Domain, env: &E, line: u32, asserted: bool);

    /// How often this vCPU left the guest for that reason.
    fn exit_count(vcpu: &Self::Vcpu, counter: ExitCounter) -> u64;

    /// Adds one to a counter that the core keeps (an access that nobody owned).
    fn count(vcpu: &mut Self::Vcpu, counter: ExitCounter);
}
