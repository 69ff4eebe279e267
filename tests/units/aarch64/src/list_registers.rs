//! List registers and the rest of the virtual CPU interface, as the hardware keeps them and as a guest sees them.

use phalanx_arch_aarch64::gic::{Gic, InterfaceState, ListRegister, LrState, Version};
use phalanx_arch_aarch64::host::interrupts::{Taken, take};

use crate::bench::{Bench, with_gic};
use crate::report::{check, fail};
use crate::world::{Guest, Machine, program};

const PENDING: ListRegister = ListRegister {
    intid: 40,
    source: 0,
    priority: 0x80,
    state: LrState::Pending,
    hardware: None,
    eoi_maintenance: false,
    group1: true,
};

fn all<G: Gic>() -> u32 {
    (1 << G::list_registers()) - 1
}

fn clear<G: Gic>() {
    (0..G::list_registers()).for_each(|n| G::write_raw(n, 0));
}

/// What is written is read, in each register, and only what holds nothing is empty.
pub(crate) fn round_trip(bench: Bench) {
    fn test<G: Gic>(_: &Bench) {
        clear::<G>();
        check("empty at first", G::empty() & all::<G>(), all::<G>());
        let registers = [
            PENDING,
            ListRegister { intid: 27, hardware: Some(27), state: LrState::PendingActive, ..PENDING },
            ListRegister { intid: 95, priority: 0xf8, state: LrState::Active, eoi_maintenance: true, ..PENDING },
            ListRegister { intid: 3, priority: 0, source: 5, group1: false, ..PENDING },
        ];
        for shift in 0..registers.len() {
            let value = |n: usize| {
                let register = registers[(n + shift) % registers.len()];
                let source = if G::VERSION == Version::V2 { register.source } else { 0 };
                ListRegister { source, ..register }
            };
            (0..G::list_registers()).for_each(|n| G::write(n, value(n)));
            (0..G::list_registers()).for_each(|n| check(format_args!("register {n}"), G::read(n), value(n)));
            check("none is empty", G::empty() & all::<G>(), 0);
            for n in 0..G::list_registers() {
                G::write_raw(n, 0);
                check(format_args!("{n} is empty"), G::empty() & all::<G>(), 1 << n);
                check(format_args!("nothing in {n}"), G::read(n), ListRegister::default());
                G::write(n, value(n));
            }
            clear::<G>();
        }
        // Where there is no register, nothing happens.
        G::write(G::list_registers(), PENDING);
        check("behind the last", G::read(G::list_registers()), ListRegister::default());
    }
    with_gic!(test, &bench);
}

/// A register that was ended and asked for maintenance is not empty, and says so until it is cleared.
pub(crate) fn ended(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        clear::<G>();
        G::set_enabled(true);
        for n in 0..G::list_registers() {
            G::write(n, ListRegister { state: LrState::Invalid, eoi_maintenance: true, ..PENDING });
            check("not empty", G::empty() & all::<G>(), all::<G>() & !(1 << n));
            check("wants attention", take::<G>(bench.cpu), Taken::Maintenance);
            check("ended", G::read(n).state, LrState::Invalid);
            G::write_raw(n, 0);
            check("empty", G::empty() & all::<G>(), all::<G>());
            check("quiet", take::<G>(bench.cpu), Taken::None);
        }
        G::set_enabled(false);
    }
    with_gic!(test, &bench);
}

/// Priority mask, binary points and modes survive.
pub(crate) fn interface(bench: Bench) {
    fn test<G: Gic>(_: &Bench) {
        let before = G::save();
        // With system registers, FIQs are group 0 for ever (ICH_VMCR_EL2.VFIQEn).
        let fiq = if G::VERSION == Version::V3 { 1 << 3 } else { 0 };
        for mask in [0xf8, 0x40] {
            let vmcr = mask << 24 | 3 << 21 | 4 << 18 | 1 << 9 | fiq | 1 << 1;
            let state = InterfaceState { vmcr, apr0: 0, apr1: 0 };
            G::restore(&state);
            check("interface", G::save().vmcr, state.vmcr);
        }
        G::restore(&before);
        check("as before", G::save().vmcr, before.vmcr);
    }
    with_gic!(test, &bench);
}

/// A guest acknowledges what a register holds and ends it: pending, active, nothing.
pub(crate) fn guest(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        let mut machine = Machine::<G>::new(bench.cpu);
        let mut guest = Guest::new(&mut machine, 0, 1);
        let mut vcpu = guest.vcpu(0);
        let code = match G::VERSION {
            Version::V2 => program::acknowledge_v2(),
            Version::V3 => program::acknowledge_v3(),
        };
        guest.start(&mut vcpu, code, [0; 4]);
        machine.load(&guest, &mut vcpu);
        check("ready", machine.call(&guest, &mut vcpu)[0], 1);
        // What a GICv2's guest acknowledges without more ado is in group 0 (IHI 0048, 4.4.4).
        let pending = ListRegister { group1: G::VERSION == Version::V3, ..PENDING };
        G::write(0, pending);
        G::write(1, ListRegister { intid: 41, priority: 0x40, ..pending });
        for (n, intid) in [(1, 41), (0, 40)] {
            machine.answer(&mut vcpu, 0);
            check("acknowledged", machine.call(&guest, &mut vcpu)[1] & 0x3ff, intid);
            check("active", G::read(n).state, LrState::Active);
            machine.answer(&mut vcpu, 0);
            machine.call(&guest, &mut vcpu);
            check("ended", G::read(n).state, LrState::Invalid);
            if G::empty() & 1 << n == 0 {
                fail(format_args!("list register {n} is ended and not empty"));
            }
        }
        machine.answer(&mut vcpu, 0);
        check("nothing left", machine.call(&guest, &mut vcpu)[1] & 0x3ff, 1023);
        clear::<G>();
        machine.put(&guest, &mut vcpu);
    }
    with_gic!(test, &bench);
}
