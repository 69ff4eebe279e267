//! The identification registers that have a rule.

use crate::sysreg::SysReg;

/// The processor under the hypervisor.
pub trait HostIdRegisters {
    /// Reads an identification register, as EL2 sees it.
    fn read(&self, register: IdRegister) -> u64;
}

/// Builds [`IdRegister`] from one table: name in the manual, CRm, Op2.
macro_rules! id_registers {
    ($($variant:ident = $name:literal, $crm:literal, $op2:literal;)+) => {
        /// An identification register (Arm ARM, D24.2): Op0 3, Op1 0, CRn 0.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum IdRegister {
            $(#[doc = $name] $variant,)+
        }

        impl IdRegister {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name in the manual.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Its encoding.
            #[must_use]
            pub const fn encoding(self) -> SysReg {
                match self { $(Self::$variant => SysReg::new(3, 0, 0, $crm, $op2),)+ }
            }

            /// Its number in the identification space.
            pub(super) const fn number(self) -> usize {
                match self { $(Self::$variant => $crm << 3 | $op2,)+ }
            }
        }
    };
}

id_registers! {
    Midr = "MIDR_EL1", 0, 0;
    Revidr = "REVIDR_EL1", 0, 6;
    Pfr0 = "ID_PFR0_EL1", 1, 0;
    Pfr1 = "ID_PFR1_EL1", 1, 1;
    Dfr0 = "ID_DFR0_EL1", 1, 2;
    Mmfr0 = "ID_MMFR0_EL1", 1, 4;
    Mmfr1 = "ID_MMFR1_EL1", 1, 5;
    Mmfr2 = "ID_MMFR2_EL1", 1, 6;
    Mmfr3 = "ID_MMFR3_EL1", 1, 7;
    Isar0 = "ID_ISAR0_EL1", 2, 0;
    Isar1 = "ID_ISAR1_EL1", 2, 1;
    Isar2 = "ID_ISAR2_EL1", 2, 2;
    Isar3 = "ID_ISAR3_EL1", 2, 3;
    Isar4 = "ID_ISAR4_EL1", 2, 4;
    Isar5 = "ID_ISAR5_EL1", 2, 5;
    Mmfr4 = "ID_MMFR4_EL1", 2, 6;
    Isar6 = "ID_ISAR6_EL1", 2, 7;
    Mvfr0 = "MVFR0_EL1", 3, 0;
    Mvfr1 = "MVFR1_EL1", 3, 1;
    Mvfr2 = "MVFR2_EL1", 3, 2;
    Pfr2 = "ID_PFR2_EL1", 3, 4;
    Mmfr5 = "ID_MMFR5_EL1", 3, 6;
    Aa64Pfr0 = "ID_AA64PFR0_EL1", 4, 0;
    Aa64Pfr1 = "ID_AA64PFR1_EL1", 4, 1;
    Aa64Dfr0 = "ID_AA64DFR0_EL1", 5, 0;
    Aa64Isar0 = "ID_AA64ISAR0_EL1", 6, 0;
    Aa64Isar1 = "ID_AA64ISAR1_EL1", 6, 1;
    Aa64Isar2 = "ID_AA64ISAR2_EL1", 6, 2;
    Aa64Mmfr0 = "ID_AA64MMFR0_EL1", 7, 0;
    Aa64Mmfr1 = "ID_AA64MMFR1_EL1", 7, 1;
    Aa64Mmfr2 = "ID_AA64MMFR2_EL1", 7, 2;
}
