//! [`Arch`] for x86: the shared models and the host side, on one of the backends.

use core::marker::PhantomData;
use core::sync::atomic::{AtomicU32, Ordering};

use phalanx_abi::bundle::Entry;
use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::table::{Mapping, TableFormat};
use phalanx_arch_api::{Arch, CpuIndex, DomainEnv, EntryError, Event, Gpa, Hpa, Ticks, Unanswered, VcpuIndex};

use crate::backend::Backend;
use crate::cpuid::{CpuidTable, Topology};
use crate::domain::Domain;
use crate::exits::{interrupt, port, run};
use crate::host::{self, PerCpu, this_cpu, timer};
use crate::host_cpuid;
use crate::switched::{Method, SwitchedState};
use crate::vcpu::{Activity, Control, Question, Vcpu, attention};
use crate::vlapic::LocalApic;

/// An x86 machine with backend `B`.
#[derive(Debug)]
pub struct X86<B>(PhantomData<B>);

/// One physical CPU that runs vCPUs.
pub struct Cpu<B: Backend> {
    backend: B::Cpu,
    per_cpu: &'static PerCpu,
    has_tsc_aux: bool,
    has_branch_barrier: bool,
    /// The domain that ran last.
    domain: u32,
}

impl<B: Backend> Cpu<B> {
    /// The CPU that this runs on, with what the backend prepared for it.
    pub fn new(backend: B::Cpu, per_cpu: &'static PerCpu) -> Self {
        per_cpu.set_runs_guests();
        let (has_tsc_aux, has_branch_barrier) = (host_cpuid::has_tsc_aux(), host_cpuid::has_branch_barrier());
        Self { backend, per_cpu, has_tsc_aux, has_branch_barrier, domain: u32::MAX }
    }
}

/// Domains are numbered in the order of their creation, for the crash card.
static DOMAINS: AtomicU32 = AtomicU32::new(0);

impl<B: Backend> Arch for X86<B>
where
    B::SecondLevel: TableFormat<Input = Gpa>,
{
    type Cpu = Cpu<B>;
    type Domain = Domain;
    type Vcpu = Vcpu<B::Control>;
    type SecondLevel = B::SecondLevel;

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

    fn idle(cpu: &mut Cpu<B>, until: Option<Ticks>) {
        match until {
            Some(until) => timer::arm(until),
            None => timer::disarm(),
        }
        host::idle(cpu.per_cpu);
        cpu.per_cpu.kicked.store(false, Ordering::Relaxed);
        cpu.per_cpu.timer_fired.store(false, Ordering::Relaxed);
    }

    fn console_interrupt() -> bool {
        let flag = &this_cpu().console;
        flag.load(Ordering::Relaxed) && flag.swap(false, Ordering::Relaxed)
    }

    fn windows() -> impl Iterator<Item = Mapping<Gpa>> {
        B::apic_mapping().into_iter()
    }

    fn new_domain(vcpus: usize, root: Hpa) -> Domain {
        Domain::new(DOMAINS.fetch_add(1, Ordering::Relaxed), vcpus, root, B::apic_window(root), timer::now())
    }

    fn new_vcpu(domain: &Domain, index: VcpuIndex) -> Self::Vcpu {
        let topology = Topology { vcpus: domain.inboxes.len() as u8, index: index.0 };
        let cpuid = CpuidTable::new(&host_cpuid::Processor, topology);
        let method = match cpuid.xcr0_supported() {
            0 => Method::Fxsave,
            components => Method::Xsave(components),
        };
        let apic = LocalApic::new(u32::from(index.0), index.0 == 0);
        let control = B::new_control(domain.root, &apic);
        let inbox = &domain.inboxes[usize::from(index.0)];
        let mut vcpu = Vcpu::new(index.0, inbox, apic, control, cpuid, SwitchedState::new(method));
        start_clock(domain, &mut vcpu);
        vcpu
    }

    fn reset_domain(domain: &Domain) {
        domain.reset(timer::now());
    }

    fn reset_vcpu(domain: &Domain, vcpu: &mut Self::Vcpu) {
        vcpu.power_on();
        start_clock(domain, vcpu);
    }

    fn set_entry(vcpu: &mut Self::Vcpu, entry: Entry<'_>) -> Result<(), EntryError> {
        vcpu.set_entry(entry)
    }

    fn load(cpu: &mut Cpu<B>, domain: &Domain, vcpu: &mut Self::Vcpu) {
        cpu.per_cpu.set_running(domain.number, u32::from(vcpu.index));
        if cpu.domain != domain.number {
            cpu.domain = domain.number;
            host_cpuid::forget_branches(cpu.has_branch_barrier);
        }
        B::load(&mut cpu.backend, &mut vcpu.control, &vcpu.gprs);
        // SAFETY: the core loads one vCPU at a time on a CPU and saves it before the next.
        unsafe { vcpu.switched.load(cpu.has_tsc_aux) };
    }

    fn put(cpu: &mut Cpu<B>, _domain: &Domain, vcpu: &mut Self::Vcpu) {
        // SAFETY: `load` was called for this vCPU on this CPU.
        unsafe { vcpu.switched.save(cpu.has_tsc_aux) };
        B::put(&mut cpu.backend, &mut vcpu.control);
        cpu.per_cpu.clear_running();
    }

    fn run<E: DomainEnv>(
        cpu: &mut Cpu<B>,
        domain: &Domain,
        vcpu: &mut Self::Vcpu,
        env: &E,
        until: Option<Ticks>,
    ) -> Event {
        run::run::<B, E>(&mut cpu.backend, domain, vcpu, env, until)
    }

    fn forget_translations(domain: &Domain) -> Result<(), Unanswered> {
        domain.outdate_translations();
        // A second: whatever a CPU does outside of guests takes a small part of it.
        if host::rendezvous(timer::frequency()) { Ok(()) } else { Err(Unanswered) }
    }

    fn complete_access(vcpu: &mut Self::Vcpu, value: u64) {
        match core::mem::replace(&mut vcpu.question, Question::None) {
            Question::PortRead(size) => port::set_accumulator(vcpu, size, value),
            Question::Unfinished => {
                vcpu.answer = value;
                vcpu.attention |= attention::UNFINISHED;
            }
            Question::Write | Question::None => {}
        }
    }

    fn complete_hypercall(vcpu: &mut Self::Vcpu, result: i64) {
        vcpu.gprs.set(crate::vcpu::reg::RAX, result.cast_unsigned());
    }

    fn next_timer(vcpu: &Self::Vcpu) -> Option<Ticks> {
        if vcpu.activity == Activity::WaitForSipi { None } else { interrupt::next_timer(vcpu) }
    }

    fn set_line<E: DomainEnv>(domain: &Domain, env: &E, line: u32, asserted: bool) {
        domain.set_line(env, line, asserted);
    }

    fn exit_count(vcpu: &Self::Vcpu, counter: ExitCounter) -> u64 {
        vcpu.counter(counter)
    }

    fn count(vcpu: &mut Self::Vcpu, counter: ExitCounter) {
        vcpu.count(counter);
    }
}

/// The guest's TSC is 0 at the domain's power-on; its local APIC is where senders look for it.
fn start_clock<C: Control>(domain: &Domain, vcpu: &mut Vcpu<C>) {
    vcpu.tsc_offset = 0;
    vcpu.move_tsc(domain.power_on().wrapping_neg());
    interrupt::publish(vcpu);
    interrupt::share_apic(vcpu, domain);
}

/// Whether the console's interrupt waits for the core.
#[inline(always)]
pub(crate) fn console_waits() -> bool {
    this_cpu().console.load(Ordering::Relaxed)
}
