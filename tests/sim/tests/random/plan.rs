//! What a random system consists of.

use phalanx_sim::{COM1, FaultKind, Guest, Op, PAGE, Program, Random, Run, System};

use crate::work;

/// Where a vCPU's program lies.
const fn code(vcpu: u8) -> u64 {
    PAGE + 3 * PAGE * vcpu as u64
}

/// A domain.
#[derive(Clone, Debug)]
pub struct DomainPlan {
    pub name: String,
    pub vcpus: u8,
    pub console: bool,
    /// Parts of each vCPU's work, with a barrier of all after each.
    pub rounds: u8,
    /// How often it reboots before it ends.
    pub reboots: u32,
    /// The vCPU that ends each of its lives.
    pub ender: u8,
    pub end: End,
    seed: u64,
}

/// How a domain ends for good.
#[derive(Clone, Copy, Debug)]
pub enum End {
    PowerOff,
    /// A fault after which nothing is restarted.
    Fault(FaultKind),
    /// A reset or triple fault where the manifest says that a reboot is the end.
    Reset,
    TripleFault,
}

/// A whole system.
#[derive(Clone, Debug)]
pub struct Plan {
    pub cpus: u16,
    pub domains: Vec<DomainPlan>,
    /// What is typed, and when.
    keys: Vec<(u64, u8)>,
}

impl Plan {
    /// The system of a seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let cpus = random.between(1, 4) as u16;
        let domains = (0..random.between(1, 6)).map(|number| DomainPlan::new(number, &mut random)).collect();
        let keys = (0..random.up_to(200)).map(|_| (random.up_to(200_000), [b'x', 0x14][random.below(2)]));
        let mut keys: Vec<_> = keys.collect();
        keys.sort_unstable();
        Self { cpus, domains, keys }
    }

    /// Switches it on, with timing from the same seed.
    pub fn boot(&self, seed: u64) -> Run {
        let guests = self.domains.iter().map(DomainPlan::guest);
        let run = guests.fold(System::new(self.cpus).seed(seed), System::guest).boot().unwrap();
        self.keys.iter().for_each(|(at, key)| run.type_at(*at, &[*key]));
        run
    }
}

impl DomainPlan {
    fn new(number: u64, random: &mut Random) -> Self {
        let vcpus = random.between(1, 4) as u8;
        let ends = [
            End::PowerOff,
            End::Fault(FaultKind::MachineCheck),
            End::Fault(FaultKind::Unknown),
            End::Reset,
            End::TripleFault,
        ];
        let end = ends[random.below(ends.len())];
        Self {
            name: format!("d{number}"),
            vcpus,
            console: random.one_in(2),
            rounds: random.between(1, 4) as u8,
            reboots: if matches!(end, End::Reset | End::TripleFault) { 0 } else { random.up_to(6) as u32 },
            ender: random.below(usize::from(vcpus)) as u8,
            end,
            seed: random.bits(),
        }
    }

    fn guest(&self) -> Guest {
        let programs: Vec<Program> = (0..self.vcpus).map(|vcpu| self.program(vcpu)).collect();
        let mut guest = Guest::new(&self.name, &programs[0]).vcpus(self.vcpus.into()).memory(32 * PAGE);
        guest = programs[1..].iter().fold(guest, Guest::program);
        if self.console {
            guest = guest.console();
        }
        if matches!(self.end, End::Reset | End::TripleFault) { guest.ends_on_reboot() } else { guest }
    }

    /// One life of a vCPU.
    fn program(&self, vcpu: u8) -> Program {
        let mut random = Random::new(self.seed ^ u64::from(vcpu));
        let mut program = Program::at(code(vcpu));
        if vcpu == 0 {
            let interrupts = [1, 4].map(|register| Op::Out {
                port: COM1 + register,
                size: phalanx_sim::AccessSize::B1,
                value: 9 & random.bits(),
            });
            program.push(interrupts).push([work::ram_is_zero()]);
            program.push((1..self.vcpus).map(|vcpu| Op::Start { vcpu, address: code(vcpu) }));
        }
        let mut pattern = 0;
        for round in 0..self.rounds {
            work::some(&mut program, vcpu, self.vcpus, &mut pattern, &mut random);
            program.push([Op::Mark { value: round.into() }]);
            work::barrier(&mut program, vcpu, self.vcpus, &mut random);
        }
        self.end_of_life(&mut program, vcpu, &mut random);
        let end = code(vcpu) + 3 * PAGE;
        assert!(program.here() <= end, "a program is too long");
        program
    }

    fn end_of_life(&self, program: &mut Program, vcpu: u8, random: &mut Random) {
        if vcpu != self.ender {
            return work::for_ever(program, self.vcpus, random);
        }
        program.push([Op::Compute { ticks: random.up_to(3000) }, Op::ResetUntil { resets: self.reboots }]);
        program.push([match self.end {
            End::PowerOff => Op::PowerOff {},
            End::Fault(kind) => Op::Fault { kind },
            End::Reset => Op::Reset {},
            End::TripleFault => Op::Fault { kind: FaultKind::Triple },
        }]);
    }
}
