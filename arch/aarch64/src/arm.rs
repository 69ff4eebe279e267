//! [`Arch`] for Arm: the models and the host side, on one of the interrupt controllers.

use core::marker::PhantomData;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::debug_unit;
use crate::domain::Domain;
use crate::exits::{memory, run};
use crate::gic::{Gic, Version};
use crate::host::{self, PerCpu, cache, this_cpu, timer};
use crate::id::IdRegisters;
use crate::processor::Processor;
use crate::register::{isb, msr};
use crate::stage2::{self, Stage2};
use crate::traps;
use crate::vcpu::{FirstInstruction, Vcpu};
use crate::{keys, psci};
use phalanx_abi::bundle::{Entry, ONLY_GICV2, ONLY_GICV3};
use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::table::{Mapping, MemoryType, Permissions};
use phalanx_arch_api::{Arch, CpuIndex, DomainEnv, EntryError, Event, Gpa, Hpa, Hva, Ticks, Unanswered, VcpuIndex};

/// Where a guest with a GICv2 finds its CPU interface, and how long it is.
const GICC: u64 = 0x0801_0000;
const GICC_BYTES: u64 = 0x2000;
/// Most vCPUs that a GICv2 can tell apart (IHI 0048, 2.3).
const GICV2_CPUS: usize = 8;
/// Most domains of a bundle.
const DOMAINS: usize = phalanx_abi::bundle::MAX_DOMAINS;
/// No vCPU.
const NOBODY: u8 = u8::MAX;

/// An Arm machine with interrupt controller `G`.
#[derive(Debug)]
pub struct Arm<G>(PhantomData<G>);

/// One physical CPU that runs vCPUs.
pub struct Cpu {
    pub(crate) per_cpu: &'static PerCpu,
    vhe: bool,
    has_keys: bool,
    has_error_records: bool,
    /// The vCPU of each domain that ran last here: another one of the domain must not find its translations.
    last: [u8; DOMAINS],
    /// What the hypervisor's timer is armed for; `None` after it fired.
    armed: Option<Option<Ticks>>,
}

impl Cpu {
    /// Makes the CPU that this runs on ready for guests.
    pub fn enable(per_cpu: &'static PerCpu, vhe: bool) -> Self {
        traps::install(vhe);
        Self {
            per_cpu,
            vhe,
            has_keys: keys::present(),
            has_error_records: traps::has_error_records(),
            last: [NOBODY; DOMAINS],
            armed: None,
        }
    }

    /// Arms the hypervisor's timer, if it is not armed for this moment already.
    pub(crate) fn arm_timer(&mut self, until: Option<Ticks>) {
        if self.armed == Some(until) {
            return;
        }
        self.armed = Some(until);
        match until {
            Some(until) => timer::arm(until),
            None => timer::disarm(),
        }
    }

    /// Arms the hypervisor's timer for this moment, if it is not armed for an earlier one.
    pub(crate) fn arm_timer_by(&mut self, deadline: Ticks) {
        match self.armed {
            Some(Some(until)) if until <= deadline => {}
            _ => self.arm_timer(Some(deadline)),
        }
    }

    /// What the flags of kick and timer stand for has been seen. A timer that fired is not armed any more.
    pub(crate) fn take_flags(&mut self) {
        self.per_cpu.kicked.store(false, Ordering::Relaxed);
        if self.per_cpu.timer_fired.swap(false, Ordering::Relaxed) {
            self.armed = None;
        }
    }

    /// Whether the console's interrupt waits for the core.
    pub(crate) fn console_waits(&self) -> bool {
        self.per_cpu.console.load(Ordering::Relaxed)
    }

    /// The domain's translations of another vCPU go: two vCPUs may use one ASID for different things, and share a VMID.
    fn change_vcpu(&mut self, domain: &Domain, index: u8) {
        let Some(last) = self.last.get_mut(domain.number as usize) else { return };
        if core::mem::replace(last, index) == index {
            return;
        }
        // SAFETY: invalidates what the processor would look up again.
        unsafe { core::arch::asm!("tlbi vmalle1", "dsb nsh", options(nostack, preserves_flags)) };
    }
}

/// Domains are numbered in the order of their creation.
static CREATED: AtomicU32 = AtomicU32::new(0);

impl<G: Gic> Arch for Arm<G> {
    type Cpu = Cpu;
    type Domain = Domain;
    type Vcpu = Vcpu;
    type SecondLevel = Stage2;

    #[inline(always)]
    fn now() -> Ticks {
        timer::now()
    }

    fn frequency() -> u64 {
        timer::frequency()
    }

    fn kick(cpu: CpuIndex) {
        host::kick(cpu);
    }

    fn idle(cpu: &mut Cpu, until: Option<Ticks>) {
        cpu.arm_timer(until);
        host::interrupts::idle::<G>(cpu.per_cpu);
        cpu.take_flags();
    }

    fn console_interrupt() -> bool {
        let flag = &this_cpu().console;
        flag.load(Ordering::Relaxed) && flag.swap(false, Ordering::Relaxed)
    }

    fn alternative() -> u32 {
        match G::VERSION {
            Version::V2 => ONLY_GICV2,
            Version::V3 => ONLY_GICV3,
        }
    }

    fn max_vcpus() -> usize {
        match G::VERSION {
            Version::V2 => GICV2_CPUS,
            Version::V3 => phalanx_abi::bundle::MAX_VCPUS as usize,
        }
    }

    fn windows() -> impl Iterator<Item = Mapping<Gpa>> {
        host::gic::gicv_frame().into_iter().map(|frame| Mapping {
            input: Gpa::new(GICC),
            output: frame,
            bytes: GICC_BYTES,
            permissions: Permissions::RW,
            memory_type: MemoryType::Uncached,
        })
    }

    fn written(start: Hva, bytes: u64) {
        if !stage2::forces_write_back() {
            cache::clean_invalidate(start, bytes);
        }
    }

    fn new_domain(vcpus: usize, root: Hpa) -> Domain {
        let number = CREATED.fetch_add(1, Ordering::Relaxed);
        let id = IdRegisters::new(&Processor, G::VERSION);
        Domain::new(number, vcpus, root, G::VERSION, id, timer::now())
    }

    fn new_vcpu(_domain: &Domain, index: VcpuIndex) -> Vcpu {
        Vcpu::new(index.0, host::vhe())
    }

    fn reset_domain(domain: &Domain) {
        domain.reset(timer::now());
    }

    fn reset_vcpu(_domain: &Domain, vcpu: &mut Vcpu) {
        vcpu.reset();
    }

    fn set_entry(vcpu: &mut Vcpu, entry: Entry<'_>) -> Result<(), EntryError> {
        let Entry::Arm(record) = entry else { return Err(EntryError::WrongArchitecture) };
        vcpu.first = Some(FirstInstruction { pc: record.pc.get(), x: record.x.map(|x| x.get()) });
        Ok(())
    }

    fn load(cpu: &mut Cpu, domain: &Domain, vcpu: &mut Vcpu) {
        cpu.per_cpu.set_running(domain.number, u32::from(vcpu.index));
        msr!("VTTBR_EL2", domain.vttbr);
        msr!("VMPIDR_EL2", psci::mpidr(VcpuIndex(vcpu.index)));
        msr!("CNTVOFF_EL2", domain.counter_offset());
        isb();
        cpu.change_vcpu(domain, vcpu.index);
        // First: a virtual timer that is active must be so before its line can rise.
        domain.vgic.load::<G>(VcpuIndex(vcpu.index));
        vcpu.load();
        if cpu.has_keys {
            vcpu.keys.load();
        }
        if cpu.has_error_records {
            traps::forget_deferred_errors();
        }
        debug_unit::load(&vcpu.debug, domain.id.debug());
    }

    fn put(cpu: &mut Cpu, domain: &Domain, vcpu: &mut Vcpu) {
        vcpu.save();
        if cpu.has_keys {
            vcpu.keys.save();
        }
        // The virtual timer's line falls before its interrupt may be taken again.
        crate::switched::set_cntv_ctl(cpu.vhe, 0);
        isb();
        domain.vgic.put::<G>(VcpuIndex(vcpu.index));
        cpu.per_cpu.clear_running();
    }

    fn run<E: DomainEnv>(cpu: &mut Cpu, domain: &Domain, vcpu: &mut Vcpu, env: &E, until: Option<Ticks>) -> Event {
        run::run::<G, E>(cpu, domain, vcpu, env, until)
    }

    fn forget_translations(_domain: &Domain) -> Result<(), Unanswered> {
        // Nobody asks: stage-2 tables keep no marks (`TableFormat::dirty_mark`) and do not change after boot.
        Err(Unanswered)
    }

    fn complete_access(vcpu: &mut Vcpu, value: u64) {
        memory::complete(vcpu, value);
    }

    fn complete_hypercall(vcpu: &mut Vcpu, result: i64) {
        vcpu.set_register(0, result.cast_unsigned());
    }

    fn next_timer(vcpu: &Vcpu) -> Option<Ticks> {
        vcpu.wake_at
    }

    fn set_line<E: DomainEnv>(domain: &Domain, env: &E, line: u32, asserted: bool) {
        domain.set_line(env, line, asserted);
    }

    fn exit_count(vcpu: &Vcpu, counter: ExitCounter) -> u64 {
        vcpu.counter(counter)
    }

    fn count(vcpu: &mut Vcpu, counter: ExitCounter) {
        vcpu.count(counter);
    }
}
