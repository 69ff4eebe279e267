//! The way into a guest and back: nothing is lost, nothing is left over.

use phalanx_arch_aarch64::gic::Gic;
use phalanx_arch_aarch64::keys::present;
use phalanx_arch_aarch64::switched::El1State;
use phalanx_arch_aarch64::vcpu::Vcpu;

use super::program::{self, GOT, GOT_V, GOT_X, V, VALUES, WANT, X};
use super::registers::{KEYS, SYSTEM};
use super::{DATA, Guest, Machine, PAGE, Page};
use crate::bench::{Bench, with_gic};
use crate::report::check;

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
        check("the processor has keys", present(), true);
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

/// A vCPU that begins finds nothing of the one that was loaded before: all registers are as after a reset.
pub(crate) fn fresh(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        let mut machine = Machine::<G>::new(bench.cpu);
        let mut guest = Guest::new(&mut machine, 0, 2);
        let mut one = Subject::new(&mut guest, 0, program::registers(), SYSTEM);
        machine.load(&guest, &mut one.vcpu);
        one.first_call(&mut machine, &guest);
        machine.put(&guest, &mut one.vcpu);
        let mut other = guest.vcpu(1);
        guest.start(&mut other, program::show(), [DATA + PAGE, 0, 0, 0]);
        machine.load(&guest, &mut other);
        show(&mut machine, &guest, &mut other);
        machine.put(&guest, &mut other);
    }
    with_gic!(test, &bench);
}

/// A vCPU that begins another life finds nothing of its own earlier one.
pub(crate) fn again(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        let mut machine = Machine::<G>::new(bench.cpu);
        let mut guest = Guest::new(&mut machine, 0, 2);
        let mut one = Subject::new(&mut guest, 0, program::registers(), SYSTEM);
        machine.load(&guest, &mut one.vcpu);
        one.first_call(&mut machine, &guest);
        guest.start(&mut one.vcpu, program::show(), [DATA + PAGE, 0, 0, 0]);
        show(&mut machine, &guest, &mut one.vcpu);
        machine.put(&guest, &mut one.vcpu);
    }
    with_gic!(test, &bench);
}

/// Runs a vCPU that shows its registers in the second page.
fn show<G: Gic>(machine: &mut Machine<G>, guest: &Guest<G>, vcpu: &mut Vcpu) {
    let page = Page(1);
    let [_, cpacr, vbar, sp] = machine.call(guest, vcpu);
    check("CPACR, VBAR and SP", [cpacr, vbar, sp], [0; 3]);
    (1..31).for_each(|n| check(format_args!("X{n}"), page.read(GOT_X + 8 * n), 0));
    (0..V_WORDS).for_each(|n| check(format_args!("V{}", n / 2), page.read(GOT_V + 8 * n), 0));
    // The program had to set two of them to show the others.
    let others = |(_, (name, _)): &(usize, &(&str, _))| !["cpacr_el1", "vbar_el1"].contains(name);
    for (n, (name, _)) in SYSTEM.iter().enumerate().filter(others) {
        let want = if *name == "sctlr_el1" { El1State::RESET.sctlr } else { 0 };
        check(name, page.read(GOT + 8 * n), want);
    }
}
