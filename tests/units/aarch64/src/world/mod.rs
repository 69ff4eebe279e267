//! Guests of a few instructions, run through the architecture's own way in.
//!
//! | file | what |
//! |---|---|
//! | `program`, `registers` | what the guests run |
//! | `env`, `ram` | what they run on |
//! | `switch`, `pages`, `identify` | the tests |

#[macro_use]
mod registers;

mod env;
pub(crate) mod identify;
pub(crate) mod pages;
pub(crate) mod program;
mod ram;
pub(crate) mod switch;

use phalanx_abi::bundle::{ArmEntryRecord, Entry};
use phalanx_arch_aarch64::arm::{Arm, Cpu};
use phalanx_arch_aarch64::domain::Domain;
use phalanx_arch_aarch64::gic::Gic;
use phalanx_arch_aarch64::host::{PerCpu, vhe};
use phalanx_arch_aarch64::stage2::Stage2;
use phalanx_arch_aarch64::vcpu::Vcpu;
use phalanx_arch_api::table::{Mapper, Mapping, MemoryType, Permissions};
use phalanx_arch_api::{Arch, Event, Gpa, Hpa, VcpuIndex};

use crate::report::{check, fail};
use crate::tables::Pool;
use env::Env;
pub(crate) use ram::{PAGE, Page};

/// Where a guest finds its code.
const CODE: u64 = 0x4000_0000;
/// Where a guest finds its pages.
pub(crate) const DATA: u64 = 0x4100_0000;

/// A CPU that runs guests.
pub(crate) struct Machine<G: Gic> {
    cpu: Cpu,
    gic: core::marker::PhantomData<G>,
}

impl<G: Gic> Machine<G> {
    /// Makes the CPU ready, and the programs too.
    pub(crate) fn new(per_cpu: &'static PerCpu) -> Self {
        program::install();
        Self { cpu: Cpu::enable(per_cpu, vhe()), gic: core::marker::PhantomData }
    }

    /// Brings a vCPU onto the CPU.
    pub(crate) fn load(&mut self, guest: &Guest<G>, vcpu: &mut Vcpu) {
        Arm::<G>::load(&mut self.cpu, &guest.domain, vcpu);
    }

    /// Takes it off again.
    pub(crate) fn put(&mut self, guest: &Guest<G>, vcpu: &mut Vcpu) {
        Arm::<G>::put(&mut self.cpu, &guest.domain, vcpu);
    }

    /// Runs the loaded vCPU until the core would be asked.
    pub(crate) fn run(&mut self, guest: &Guest<G>, vcpu: &mut Vcpu) -> Event {
        ram::publish();
        let event = Arm::<G>::run(&mut self.cpu, &guest.domain, vcpu, &Env, None);
        ram::publish();
        event
    }

    /// Runs the loaded vCPU until its next hypercall: number and arguments.
    pub(crate) fn call(&mut self, guest: &Guest<G>, vcpu: &mut Vcpu) -> [u64; 4] {
        let event = self.run(guest, vcpu);
        let Event::Hypercall(request) = event else { fail(format_args!("the guest ends with {event:x?}")) };
        let [one, two, three] = request.arguments;
        if request.number == program::EXCEPTION {
            fail(format_args!("the guest takes an exception: syndrome {one:#x} at {two:#x}"));
        }
        check("from EL1", request.privileged, true);
        [request.number, one, two, three]
    }

    /// Gives a hypercall its result.
    pub(crate) fn answer(&mut self, vcpu: &mut Vcpu, result: i64) {
        Arm::<G>::complete_hypercall(vcpu, result);
    }

    /// Gives a load its value, or ends a store.
    pub(crate) fn finish_access(&mut self, vcpu: &mut Vcpu, value: u64) {
        Arm::<G>::complete_access(vcpu, value);
    }
}

/// A domain with its tables.
pub(crate) struct Guest<G: Gic> {
    /// Its architectural part.
    pub(crate) domain: Domain,
    /// Its tables.
    pub(crate) tables: Mapper<Stage2>,
    /// Where they are.
    pub(crate) pool: Pool,
    gic: core::marker::PhantomData<G>,
}

impl<G: Gic> Guest<G> {
    /// A domain with the programs at [`CODE`], and at [`DATA`] the pages from `first_page` on.
    pub(crate) fn new(_: &mut Machine<G>, first_page: usize, vcpus: usize) -> Self {
        let mut pool = Pool::default();
        let Ok(tables) = Mapper::<Stage2>::new(&mut pool) else { fail("no frame for a root") };
        let domain = Arm::<G>::new_domain(vcpus, tables.root());
        let mut guest = Self { domain, tables, pool, gic: core::marker::PhantomData };
        guest.map(CODE, program::place(), program::BYTES);
        guest.map(DATA, Page(first_page).place(), PAGE * vcpus as u64);
        for window in Arm::<G>::windows() {
            check("window", guest.tables.map(&mut guest.pool, window), Ok(()));
        }
        guest
    }

    /// Maps RAM.
    pub(crate) fn map(&mut self, input: u64, output: Hpa, bytes: u64) {
        let (permissions, memory_type) = (Permissions::RWX, MemoryType::WriteBack);
        let mapping = Mapping { input: Gpa::new(input), output, bytes, permissions, memory_type };
        check("map", self.tables.map(&mut self.pool, mapping), Ok(()));
    }

    /// A vCPU.
    pub(crate) fn vcpu(&self, index: u8) -> Vcpu {
        Arm::<G>::new_vcpu(&self.domain, VcpuIndex(index))
    }

    /// Lets it begin at `program`.
    pub(crate) fn start(&mut self, vcpu: &mut Vcpu, program: u64, x: [u64; 4]) {
        let record = ArmEntryRecord { x: x.map(Into::into), pc: (CODE + program).into() };
        check("entry", Arm::<G>::set_entry(vcpu, Entry::Arm(&record)), Ok(()));
    }
}
