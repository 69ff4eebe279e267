//! [`Arch`] on the simulated machine. It trusts nobody: what the core must not do, panics.

use std::sync::atomic::Ordering;

use phalanx_abi::bundle::Entry;
use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::table::Mapping;
use phalanx_arch_api::{Arch, CpuIndex, DomainEnv, EntryError, Event, Gpa, Hpa, Ticks, Unanswered, VcpuIndex};

use crate::domain::FakeDomain;
use crate::table::FakeTable;
use crate::vcpu::{FakeVcpu, Question};
use crate::world::{FREQUENCY, world};

/// The simulated architecture.
#[derive(Debug)]
pub enum Fake {}

/// A simulated CPU.
#[derive(Debug)]
pub struct FakeCpu {
    /// Domain and number of the vCPU that is loaded.
    loaded: Option<(usize, VcpuIndex)>,
}

impl FakeCpu {
    pub(crate) const fn new() -> Self {
        Self { loaded: None }
    }
}

impl Arch for Fake {
    type Cpu = FakeCpu;
    type Domain = FakeDomain;
    type Vcpu = FakeVcpu;
    type SecondLevel = FakeTable;

    fn now() -> Ticks {
        let world = world();
        world.pause(world.clock_cost());
        world.time()
    }

    fn frequency() -> u64 {
        FREQUENCY
    }

    fn kick(cpu: CpuIndex) {
        world().kick(cpu);
    }

    fn relax() {
        world().spin();
    }

    fn idle(cpu: &mut FakeCpu, until: Option<Ticks>) {
        let world = world();
        assert_eq!(cpu.loaded, None, "an idle CPU has a vCPU loaded");
        let early = world.whim().then(|| world.time() + world.cost());
        world.wait([until, early].into_iter().flatten().min());
        world.take_interrupts();
    }

    fn console_interrupt() -> bool {
        world().take_serial()
    }

    fn alternative() -> u32 {
        world().traits.alternative
    }

    fn max_vcpus() -> usize {
        world().traits.max_vcpus
    }

    fn windows() -> impl Iterator<Item = Mapping<Gpa>> {
        world().traits.window.into_iter()
    }

    fn new_domain(vcpus: usize, root: Hpa) -> FakeDomain {
        let world = world();
        let mut roots = world.roots.borrow_mut();
        roots.push(root);
        FakeDomain::new(roots.len() - 1, vcpus, root)
    }

    fn new_vcpu(domain: &FakeDomain, index: VcpuIndex) -> FakeVcpu {
        FakeVcpu::new(domain.number, index)
    }

    fn reset_domain(domain: &FakeDomain) {
        domain.reset();
        world().pause(world().cost());
    }

    fn reset_vcpu(_domain: &FakeDomain, vcpu: &mut FakeVcpu) {
        vcpu.reset();
        world().pause(world().cost());
    }

    fn set_entry(vcpu: &mut FakeVcpu, entry: Entry<'_>) -> Result<(), EntryError> {
        assert_eq!((vcpu.index, vcpu.pc), (VcpuIndex(0), None), "{vcpu} is given an entry state");
        let Entry::X86(record) = entry else { return Err(EntryError::WrongArchitecture) };
        vcpu.pc = Some(record.rip.get());
        Ok(())
    }

    fn load(cpu: &mut FakeCpu, domain: &FakeDomain, vcpu: &mut FakeVcpu) {
        let world = world();
        assert_eq!((cpu.loaded, vcpu.loaded_on), (None, None), "{vcpu} is loaded");
        assert_eq!(domain.number, vcpu.domain);
        (cpu.loaded, vcpu.loaded_on) = (Some((domain.number, vcpu.index)), Some(world.current_cpu()));
        world.pause(world.cost());
    }

    fn put(cpu: &mut FakeCpu, domain: &FakeDomain, vcpu: &mut FakeVcpu) {
        let world = world();
        assert_eq!(vcpu.loaded_on, Some(world.current_cpu()), "{vcpu} is put");
        assert_eq!(cpu.loaded, Some((domain.number, vcpu.index)), "{vcpu} is put");
        world.pause(world.cost());
        (cpu.loaded, vcpu.loaded_on) = (None, None);
    }

    fn run<E: DomainEnv>(
        cpu: &mut FakeCpu,
        domain: &FakeDomain,
        vcpu: &mut FakeVcpu,
        env: &E,
        until: Option<Ticks>,
    ) -> Event {
        assert_eq!(cpu.loaded, Some((domain.number, vcpu.index)), "{vcpu} runs");
        assert_eq!((vcpu.question, vcpu.stopped), (None, false), "{vcpu} runs");
        domain.running.fetch_add(1, Ordering::AcqRel);
        let event = crate::run::run(domain, vcpu, env, until);
        domain.running.fetch_sub(1, Ordering::AcqRel);
        event
    }

    fn forget_translations(domain: &FakeDomain) -> Result<(), Unanswered> {
        domain.translations.fetch_add(1, Ordering::AcqRel);
        world().rendezvous();
        Ok(())
    }

    fn complete_access(vcpu: &mut FakeVcpu, value: u64) {
        if vcpu.answered(&[Question::Read, Question::Write]) == Question::Read {
            vcpu.accumulator = value;
        }
    }

    fn complete_hypercall(vcpu: &mut FakeVcpu, result: i64) {
        vcpu.answered(&[Question::Hypercall]);
        vcpu.accumulator = result.cast_unsigned();
    }

    fn next_timer(vcpu: &FakeVcpu) -> Option<Ticks> {
        vcpu.timer
    }

    fn set_line<E: DomainEnv>(domain: &FakeDomain, env: &E, line: u32, asserted: bool) {
        if domain.set_line(line, asserted) {
            env.wake(VcpuIndex(0));
        }
    }

    fn exit_count(vcpu: &FakeVcpu, counter: ExitCounter) -> u64 {
        vcpu.exits(counter)
    }

    fn count(vcpu: &mut FakeVcpu, counter: ExitCounter) {
        vcpu.count(counter);
    }
}
