//! What is behind a guest's addresses: pages, pages that may only be read, nothing.

use phalanx_arch_aarch64::gic::Gic;
use phalanx_arch_api::table::Permissions;
use phalanx_arch_api::{AccessSize, Direction, Event, Gpa};

use super::{DATA, Guest, Machine, PAGE, Page, program};
use crate::asm::mrs;
use crate::bench::{Bench, with_gic};
use crate::report::{check, fail};

/// What is in a page.
fn value(page: usize) -> u64 {
    0x0123_4567_89ab_cdef ^ page as u64
}

/// Two domains use one address for different pages, and no translation of one is left for the other.
pub(crate) fn domains(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        let mut machine = Machine::<G>::new(bench.cpu);
        let mut pairs = [0, 1].map(|who| {
            let mut guest = Guest::new(&mut machine, who, 1);
            let mut vcpu = guest.vcpu(0);
            guest.start(&mut vcpu, program::read_word(), [DATA, 0, 0, 0]);
            Page(who).write(0, value(who));
            (guest, vcpu)
        });
        let mut numbers = [0; 2];
        for round in 0..4 {
            for (who, (guest, vcpu)) in pairs.iter_mut().enumerate() {
                machine.load(guest, vcpu);
                numbers[who] = mrs!("vttbr_el2") >> 48;
                if round > 0 {
                    machine.answer(vcpu, 0);
                }
                check(format_args!("domain {who}, round {round}"), machine.call(guest, vcpu)[1], value(who));
                machine.put(guest, vcpu);
            }
        }
        // An emulator may forget all translations at each change of the guest, so that a wrong VMID does no harm.
        check("VMIDs in use and different", numbers[0] != numbers[1] && !numbers.contains(&0), true);
    }
    with_gic!(test, &bench);
}

/// A page of a running guest becomes another one: after the invalidation, the guest reads the new one.
pub(crate) fn remap(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        let mut machine = Machine::<G>::new(bench.cpu);
        let mut guest = Guest::new(&mut machine, 0, 1);
        let mut vcpu = guest.vcpu(0);
        (0..4).for_each(|n| Page(n).write(0, value(n)));
        guest.start(&mut vcpu, program::read_word(), [DATA, 0, 0, 0]);
        machine.load(&guest, &mut vcpu);
        for n in 0..4 {
            check(format_args!("page {n}"), machine.call(&guest, &mut vcpu)[1], value(n));
            let result = guest.tables.unmap(&mut guest.pool, Gpa::new(DATA), PAGE);
            check("unmap", result, Ok(()));
            guest.map(DATA, Page((n + 1) % 4).place(), PAGE);
            machine.answer(&mut vcpu, 0);
        }
        machine.put(&guest, &mut vcpu);
    }
    with_gic!(test, &bench);
}

/// Where a guest of this many vCPUs has nothing, neither RAM nor a device.
const NOWHERE: u64 = DATA + 64 * PAGE + 0x128;

/// Loads and stores of all sizes reach whoever has the address, and bring the right bits back.
pub(crate) fn access(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        let mut machine = Machine::<G>::new(bench.cpu);
        let mut guest = Guest::new(&mut machine, 0, 1);
        let mut vcpu = guest.vcpu(0);
        guest.start(&mut vcpu, program::access(), [NOWHERE, 0, 0, 0]);
        machine.load(&guest, &mut vcpu);
        const VALUE: u64 = 0x8899_aabb_ccdd_eeff;
        for (number, (bytes, want)) in (1..).zip(LOADS) {
            let size = AccessSize::from_bytes(bytes);
            let Event::Access(access) = machine.run(&guest, &mut vcpu) else { fail(format_args!("load {number}")) };
            check(format_args!("size of load {number}"), Some(access.size), size);
            check("address", access.gpa, Gpa::new(NOWHERE));
            check("direction", access.direction, Direction::Read);
            machine.finish_access(&mut vcpu, VALUE);
            check(format_args!("load {number}"), machine.call(&guest, &mut vcpu)[1], want);
            machine.answer(&mut vcpu, 0);
        }
        for (bytes, want) in STORES {
            let Event::Access(access) = machine.run(&guest, &mut vcpu) else { fail(format_args!("store of {bytes}")) };
            check("size", Some(access.size), AccessSize::from_bytes(bytes));
            check(format_args!("store of {bytes} bytes"), access.direction, Direction::Write(want));
            machine.finish_access(&mut vcpu, VALUE);
        }
        check("the end", machine.call(&guest, &mut vcpu)[0], 2);
        machine.put(&guest, &mut vcpu);
    }
    with_gic!(test, &bench);
}

/// Bytes of each load of the program, and what a load of 0x8899_aabb_ccdd_eeff makes of its register.
const LOADS: [(u32, u64); 9] = [
    (1, 0xff),
    (1, 0xffff_ffff),
    (1, u64::MAX),
    (2, 0xeeff),
    (2, 0xffff_eeff),
    (2, 0xffff_ffff_ffff_eeff),
    (4, 0xccdd_eeff),
    (4, 0xffff_ffff_ccdd_eeff),
    (8, 0x8899_aabb_ccdd_eeff),
];
/// Bytes of each store, and its value.
const STORES: [(u32, u64); 5] = [(1, 0xef), (2, 0xcdef), (4, 0x89ab_cdef), (8, 0x0123_4567_89ab_cdef), (8, 0)];

/// What the guest may only read stays as it is: a store there is an external abort.
pub(crate) fn forbidden(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        let mut machine = Machine::<G>::new(bench.cpu);
        let mut guest = Guest::new(&mut machine, 0, 1);
        Page(0).write(0, value(0));
        let result = guest.tables.protect(&mut guest.pool, Gpa::new(DATA), PAGE, Permissions::R);
        check("protect", result, Ok(()));
        let mut vcpu = guest.vcpu(0);
        guest.start(&mut vcpu, program::write_word(), [DATA, 0, 0, 0]);
        machine.load(&guest, &mut vcpu);
        check("it may read", machine.call(&guest, &mut vcpu)[1], value(0));
        machine.answer(&mut vcpu, 0);
        let Event::Hypercall(request) = machine.run(&guest, &mut vcpu) else { fail("no hypercall") };
        check("an exception", request.number, program::EXCEPTION);
        // From EL1 (class 0x25), 32-bit instruction, on a write, synchronous external abort.
        check("syndrome", request.arguments[0], 0x25 << 26 | 1 << 25 | 1 << 6 | 0x10);
        machine.put(&guest, &mut vcpu);
        check("untouched", Page(0).read(0), value(0));
    }
    with_gic!(test, &bench);
}
