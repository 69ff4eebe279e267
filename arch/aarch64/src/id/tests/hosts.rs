//! Processors to build registers from: values as their manuals give them, and as emulators do for "max".

use crate::id::{HostIdRegisters, IdRegister};

/// A processor by its registers; those not named are zero.
pub(crate) struct Host {
    values: [u64; IdRegister::ALL.len()],
}

impl HostIdRegisters for Host {
    fn read(&self, register: IdRegister) -> u64 {
        self.values[index(register)]
    }
}

const fn index(register: IdRegister) -> usize {
    register as usize
}

impl Host {
    /// A processor with these values, in the order of [`IdRegister::ALL`].
    pub(crate) fn of(values: &[u64]) -> Self {
        Self { values: core::array::from_fn(|index| values.get(index).copied().unwrap_or(0)) }
    }

    const fn named(registers: &[(IdRegister, u64)]) -> Self {
        let mut values = [0; IdRegister::ALL.len()];
        let mut rest = registers;
        while let [(register, value), tail @ ..] = rest {
            values[index(*register)] = *value;
            rest = tail;
        }
        Self { values }
    }
}

/// What the AArch32 registers of the small cores have in common.
macro_rules! aarch32 {
    () => {
        [
            (IdRegister::Pfr0, 0x0000_0131),
            (IdRegister::Pfr1, 0x0001_1011),
            (IdRegister::Dfr0, 0x0301_0066),
            (IdRegister::Mmfr0, 0x1020_1105),
            (IdRegister::Mmfr1, 0x4000_0000),
            (IdRegister::Mmfr2, 0x0126_0000),
            (IdRegister::Mmfr3, 0x0210_2211),
            (IdRegister::Isar0, 0x0210_1110),
            (IdRegister::Isar1, 0x1311_2111),
            (IdRegister::Isar2, 0x2123_2042),
            (IdRegister::Isar3, 0x0111_2131),
            (IdRegister::Isar4, 0x0001_1142),
            (IdRegister::Isar5, 0x0001_1121),
            (IdRegister::Mvfr0, 0x1011_0222),
            (IdRegister::Mvfr1, 0x1211_1111),
            (IdRegister::Mvfr2, 0x0000_0043),
        ]
    };
}

macro_rules! host {
    ($($register:ident = $value:literal,)+) => {{
        const AARCH32: [(IdRegister, u64); 16] = aarch32!();
        const OWN: &[(IdRegister, u64)] = &[$((IdRegister::$register, $value)),+];
        let mut host = Host::named(&AARCH32);
        let own = Host::named(OWN);
        let mut rest = OWN;
        while let [(register, _), tail @ ..] = rest {
            host.values[index(*register)] = own.values[index(*register)];
            rest = tail;
        }
        host
    }};
}

/// Cortex-A53 r0p4: Armv8.0, 40 bits, GICv2 in the boards that have it.
pub(crate) const CORTEX_A53: Host = host! {
    Midr = 0x410f_d034,
    Aa64Pfr0 = 0x0000_2222,
    Aa64Dfr0 = 0x1030_5106,
    Aa64Isar0 = 0x0001_1120,
    Aa64Mmfr0 = 0x0000_1122,
};

/// Cortex-A72 r0p3: Armv8.0, 44 bits.
pub(crate) const CORTEX_A72: Host = host! {
    Midr = 0x410f_d083,
    Aa64Pfr0 = 0x0100_2222,
    Aa64Dfr0 = 0x1030_5106,
    Aa64Isar0 = 0x0001_1120,
    Aa64Mmfr0 = 0x0000_1124,
};

/// Neoverse-N1 r4p1: Armv8.2 with RAS, SPE, AMU's predecessor; 48 bits; AArch32 at EL0 only.
pub(crate) const NEOVERSE_N1: Host = host! {
    Midr = 0x414f_d0c1,
    Pfr0 = 0x1001_0131,
    Pfr1 = 0x1001_0000,
    Pfr2 = 0x0000_0011,
    Dfr0 = 0x0401_0088,
    Mmfr4 = 0x0002_1110,
    Isar6 = 0x0000_0010,
    Aa64Pfr0 = 0x1100_0000_1111_1112,
    Aa64Pfr1 = 0x0000_0000_0000_0020,
    Aa64Dfr0 = 0x0000_0001_1030_5408,
    Aa64Isar0 = 0x0000_1000_1021_1120,
    Aa64Isar1 = 0x0000_0000_0010_0001,
    Aa64Mmfr0 = 0x0000_0000_0010_1125,
    Aa64Mmfr1 = 0x0000_0000_1021_2122,
    Aa64Mmfr2 = 0x0000_0000_0000_1011,
};

/// "max" of an emulator: Armv9 with nearly everything.
pub(crate) const MAX: Host = host! {
    Midr = 0x000f_0510,
    Pfr0 = 0x2101_0131,
    Pfr1 = 0x1001_1011,
    Pfr2 = 0x0000_0011,
    Dfr0 = 0x0a71_0099,
    Mmfr4 = 0x1112_1110,
    Mmfr5 = 0x0000_0001,
    Isar6 = 0x1121_1111,
    Aa64Pfr0 = 0x1211_1111_2111_1112,
    Aa64Pfr1 = 0x0000_1010_0100_0321,
    Aa64Dfr0 = 0x0000_11f0_1030_5619,
    Aa64Isar0 = 0x1221_1111_1021_2120,
    Aa64Isar1 = 0x3111_2211_0131_1052,
    Aa64Isar2 = 0x0010_0000_0011_0012,
    Aa64Mmfr0 = 0x1100_1323_1020_1126,
    Aa64Mmfr1 = 0x0110_1121_1031_2122,
    Aa64Mmfr2 = 0x1221_0111_1211_1011,
};
