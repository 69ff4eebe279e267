//! The way into a guest and back: nothing is lost, nothing is shared.

use phalanx_arch_aarch64::gic::Gic;
use phalanx_arch_aarch64::id::{HostIdRegisters, IdRegister, IdRegisters};
use phalanx_arch_aarch64::sysreg::SysReg;
use phalanx_arch_aarch64::vcpu::Vcpu;
use phalanx_arch_api::Gpa;

use super::program::{self, GOT, GOT_V, GOT_X, V, VALUES, WANT, X};
use super::registers::{KEYS, SYSTEM};
use super::{DATA, Guest, Machine, PAGE, Page};
use crate::asm::mrs;
use crate::bench::{Bench, with_gic};
use crate::report::{check, fail};

/// The result that the guest's hypercall gets.
const RESULT: i64 = -0x1234_5678_9abc;

/// Words of V0 to V31.
const V_WORDS: usize = 64;

/// A value for the register with this number.
fn pattern(who: usize, number: usize) -> u64 {
    (0x0101_0101_0101_0101 * (number as u64 + 1)) ^ if who == 0 { 0x5a5a_0000_ffff_1234 } else { 0x8421_abcd_0000_4321 }
}

/// A vCPU with a page of its own, filled with patterns.
struct Subject {
    who: usize,
    vcpu: Vcpu,
}

impl Subject {
    fn new<G: Gic>(guest: &mut Guest<G>, who: usize, program: u64, list: &[(&str, [u64; 2])]) -> Self {
        let page = Page(who);
        (0..31).for_each(|n| page.write(X + 8 * n, pattern(who, n)));
        (0..V_WORDS).for_each(|n| page.write(V + 8 * n, pattern(who, 100 + n)));
        for (n, (_, values)) in list.iter().enumerate() {
            page.write(VALUES + 8 * n, values[who]);
        }
        let mut vcpu = guest.vcpu(who as u8);
        guest.start(&mut vcpu, program, [DATA + PAGE * who as u64, 0, 0, 0]);
        Self { who, vcpu }
    }

    /// The hypercall shows the registers as they are.
    fn first_call<G: Gic>(&mut self, machine: &mut Machine<G>, guest: &Guest<G>) {
        let want = [0, 1, 2, 3].map(|n| pattern(self.who, n));
        check("X0 to X3 at the hypercall", machine.call(guest, &mut self.vcpu), want);
    }

    fn second_call<G: Gic>(&mut self, machine: &mut Machine<G>, guest: &Guest<G>) {
        machine.answer(&mut self.vcpu, RESULT);
        check("the end", machine.call(guest, &mut self.vcpu)[0], 1);
    }

    /// General registers and V registers are what they were before the hypercall.
    fn compare(&self) {
        let page = Page(self.who);
        check("X0", page.read(GOT_X), RESULT.cast_unsigned());
        (1..31).for_each(|n| check(format_args!("X{n}"), page.read(GOT_X + 8 * n), pattern(self.who, n)));
        for n in 0..V_WORDS {
            check(format_args!("V{}, half {}", n / 2, n % 2), page.read(GOT_V + 8 * n), pattern(self.who, 100 + n));
        }
        self.compare_system(SYSTEM);
    }

    /// System registers are what they were right after the guest wrote them.
    fn compare_system(&self, list: &[(&str, [u64; 2])]) {
        let page = Page(self.who);
        for (n, (name, _)) in list.iter().enumerate() {
            check(name, page.read(GOT + 8 * n), page.read(WANT + 8 * n));
        }
    }
}

/// A hypercall and back: X1 to X30, V0 to V31 and the registers of EL1 are untouched, X0 is the result.
pub(crate) fn registers(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        let mut machine = Machine::<G>::new(bench.cpu);
        let mut guest = Guest::new(&mut machine, 0, 1);
        let mut one = Subject::new(&mut guest, 0, program::registers(), SYSTEM);
        machine.load(&guest, &mut one.vcpu);
        one.first_call(&mut machine, &guest);
        one.second_call(&mut machine, &guest);
        machine.put(&guest, &mut one.vcpu);
        one.compare();
        for (n, (name, values)) in SYSTEM.iter().enumerate().filter(|(_, (name, _))| name.starts_with("ttbr")) {
            check(name, Page(0).read(WANT + 8 * n), values[0]);
        }
    }
    with_gic!(test, &bench);
}

/// Two vCPUs of one domain take turns: each finds its own registers again.
pub(crate) fn turns(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        let mut machine = Machine::<G>::new(bench.cpu);
        let mut guest = Guest::new(&mut machine, 0, 2);
        take_turns(&mut machine, &mut guest, program::registers(), SYSTEM, Subject::compare);
    }
    with_gic!(test, &bench);
}

/// The same for the keys of pointer authentication.
pub(crate) fn keys(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        check("the processor has keys", phalanx_arch_aarch64::keys::present(), true);
        let mut machine = Machine::<G>::new(bench.cpu);
        let mut guest = Guest::new(&mut machine, 0, 2);
        take_turns(&mut machine, &mut guest, program::keys(), KEYS, |one| one.compare_system(KEYS));
        for (n, (name, values)) in KEYS.iter().enumerate() {
            check(name, [0, 1].map(|who| Page(who).read(WANT + 8 * n)), *values);
        }
    }
    with_gic!(test, &bench);
}

/// Both run to their first hypercall, then both to their second.
fn take_turns<G: Gic>(
    machine: &mut Machine<G>,
    guest: &mut Guest<G>,
    program: u64,
    list: &[(&str, [u64; 2])],
    compare: impl Fn(&Subject),
) {
    let mut subjects = [0, 1].map(|who| Subject::new(guest, who, program, list));
    for subject in &mut subjects {
        machine.load(guest, &mut subject.vcpu);
        machine.call(guest, &mut subject.vcpu);
        machine.put(guest, &mut subject.vcpu);
    }
    for subject in &mut subjects {
        machine.load(guest, &mut subject.vcpu);
        machine.answer(&mut subject.vcpu, RESULT);
        machine.call(guest, &mut subject.vcpu);
        machine.put(guest, &mut subject.vcpu);
    }
    subjects.iter().for_each(compare);
}

/// Nothing of one vCPU is left for the next that begins.
pub(crate) fn fresh(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        let mut machine = Machine::<G>::new(bench.cpu);
        let mut guest = Guest::new(&mut machine, 0, 2);
        let mut one = Subject::new(&mut guest, 0, program::registers(), SYSTEM);
        machine.load(&guest, &mut one.vcpu);
        one.first_call(&mut machine, &guest);
        machine.put(&guest, &mut one.vcpu);
        // The other one leaves its own registers as they are at its start.
        let mut other = guest.vcpu(1);
        guest.start(&mut other, program::read_word(), [DATA + PAGE, 0, 0, 0]);
        machine.load(&guest, &mut other);
        machine.call(&guest, &mut other);
        let vectors = phalanx_arch_aarch64::fp::FpState::RESET;
        let (mut now, mut el1) = (vectors.clone(), phalanx_arch_aarch64::switched::El1State::RESET);
        now.save();
        check("FP and SIMD", format_eq(&now, &vectors), true);
        el1.save(phalanx_arch_aarch64::host::vhe());
        for (what, got) in [
            ("TTBR0", el1.ttbr0),
            ("TTBR1", el1.ttbr1),
            ("TCR", el1.tcr),
            ("MAIR", el1.mair),
            ("CONTEXTIDR", el1.contextidr),
            ("TPIDR_EL0", el1.tpidr_el0),
            ("TPIDRRO_EL0", el1.tpidrro_el0),
            ("TPIDR_EL1", el1.tpidr_el1),
            ("SP_EL0", el1.sp_el0),
            ("SP_EL1", el1.sp_el1),
            ("ELR", el1.elr),
            ("FAR", el1.far),
            ("CNTV_CVAL", el1.cntv_cval),
            ("CPACR", el1.cpacr),
        ] {
            check(what, got, 0);
        }
        machine.put(&guest, &mut other);
    }
    with_gic!(test, &bench);
}

/// Whether two values print the same.
fn format_eq(one: &impl core::fmt::Debug, other: &impl core::fmt::Debug) -> bool {
    use core::fmt::Write;

    /// A checksum of what is printed.
    struct Sum(u64);

    impl Write for Sum {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            self.0 = text.bytes().fold(self.0, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
            Ok(())
        }
    }

    let sum = |value: &dyn core::fmt::Debug| {
        let mut sum = Sum(0xcbf2_9ce4_8422_2325);
        // A sum never fails.
        let _ = write!(sum, "{value:?}");
        sum.0
    };
    sum(one) == sum(other)
}

/// Two domains use one address for different pages, and no translation of one is left for the other.
pub(crate) fn domains(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        let mut machine = Machine::<G>::new(bench.cpu);
        let mut pairs = [0, 1].map(|who| {
            let mut guest = Guest::new(&mut machine, who, 1);
            let mut vcpu = guest.vcpu(0);
            guest.start(&mut vcpu, program::read_word(), [DATA, 0, 0, 0]);
            Page(who).write(0, pattern(who, 7));
            (guest, vcpu)
        });
        for round in 0..4 {
            for (who, (guest, vcpu)) in pairs.iter_mut().enumerate() {
                machine.load(guest, vcpu);
                if round > 0 {
                    machine.answer(vcpu, 0);
                }
                check(format_args!("domain {who}, round {round}"), machine.call(guest, vcpu)[1], pattern(who, 7));
                machine.put(guest, vcpu);
            }
        }
    }
    with_gic!(test, &bench);
}

/// A page of a running guest becomes another one: after the invalidation, the guest reads the new one.
pub(crate) fn remap(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        let mut machine = Machine::<G>::new(bench.cpu);
        let mut guest = Guest::new(&mut machine, 0, 1);
        let mut vcpu = guest.vcpu(0);
        (0..4).for_each(|n| Page(n).write(0, pattern(0, n)));
        guest.start(&mut vcpu, program::read_word(), [DATA, 0, 0, 0]);
        machine.load(&guest, &mut vcpu);
        for n in 0..4 {
            check(format_args!("page {n}"), machine.call(&guest, &mut vcpu)[1], pattern(0, n));
            let result = guest.tables.unmap(&mut guest.pool, Gpa::new(DATA), PAGE);
            check("unmap", result, Ok(()));
            guest.map(DATA, Page((n + 1) % 4).place(), PAGE);
            machine.answer(&mut vcpu, 0);
        }
        machine.put(&guest, &mut vcpu);
    }
    with_gic!(test, &bench);
}

/// The processor, as the tests read it.
struct Processor;

/// Builds the reading of the registers with these CRm.
macro_rules! read_all {
    ($register:expr, $($crm:literal)+) => {
        match ($register.crm(), $register.op2()) {
            $(
                ($crm, 0) => mrs!(concat!("S3_0_C0_C", $crm, "_0")),
                ($crm, 1) => mrs!(concat!("S3_0_C0_C", $crm, "_1")),
                ($crm, 2) => mrs!(concat!("S3_0_C0_C", $crm, "_2")),
                ($crm, 4) => mrs!(concat!("S3_0_C0_C", $crm, "_4")),
                ($crm, 5) => mrs!(concat!("S3_0_C0_C", $crm, "_5")),
                ($crm, 6) => mrs!(concat!("S3_0_C0_C", $crm, "_6")),
                ($crm, 7) => mrs!(concat!("S3_0_C0_C", $crm, "_7")),
            )+
            _ => 0,
        }
    };
}

impl HostIdRegisters for Processor {
    fn read(&self, register: IdRegister) -> u64 {
        read_all!(register.encoding(), 0 1 2 3 4 5 6 7)
    }
}

/// The guest reads every identification register by a trap: exactly what the model says.
pub(crate) fn identify(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        let mut machine = Machine::<G>::new(bench.cpu);
        let mut guest = Guest::new(&mut machine, 0, 2);
        let mut vcpu = guest.vcpu(1);
        guest.start(&mut vcpu, program::identify(), [DATA, 0, 0, 0]);
        machine.load(&guest, &mut vcpu);
        let [_, midr, mpidr, revidr] = machine.call(&guest, &mut vcpu);
        machine.put(&guest, &mut vcpu);
        let model = IdRegisters::new(&Processor, G::VERSION);
        for (n, (crm, op2)) in (1..8).flat_map(|crm| (0..8).map(move |op2| (crm, op2))).enumerate() {
            let register = SysReg::new(3, 0, 0, crm, op2);
            check(register, Some(Page(0).read(8 * n)), model.read(register));
        }
        check("MIDR_EL1", midr, mrs!("midr_el1"));
        check("MPIDR_EL1", mpidr, 1 << 31 | 1);
        check("REVIDR_EL1", revidr, mrs!("revidr_el1"));
        if Page(0).read(8 * 24) & 0xf == 0 {
            fail("ID_AA64PFR0_EL1 says that there is no EL0");
        }
    }
    with_gic!(test, &bench);
}
