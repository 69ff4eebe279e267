//! The identification registers, as a guest reads them.

use phalanx_arch_aarch64::gic::Gic;
use phalanx_arch_aarch64::id::{HostIdRegisters, IdRegister, IdRegisters};
use phalanx_arch_aarch64::sysreg::SysReg;

use super::{DATA, Guest, Machine, Page, program};
use crate::asm::mrs;
use crate::bench::{Bench, with_gic};
use crate::report::{check, fail};

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
                ($crm, 3) => mrs!(concat!("S3_0_C0_C", $crm, "_3")),
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
pub(crate) fn all(bench: Bench) {
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
        check("REVIDR_EL1", Some(revidr), model.read(IdRegister::Revidr.encoding()));
        if Page(0).read(8 * 24) & 0xf == 0 {
            fail("ID_AA64PFR0_EL1 says that there is no EL0");
        }
    }
    with_gic!(test, &bench);
}
