//! The registers that are answered, with their encodings (Arm ARM, D24.2 general, D24.3 debug, D24.8 timers; C5.5 cache
//! maintenance; IHI 0069, 12.2).

use super::SysReg;

macro_rules! registers {
    ($($name:ident = $op0:literal, $op1:literal, $crn:literal, $crm:literal, $op2:literal;)+) => {
        $(pub(super) const $name: SysReg = SysReg::new($op0, $op1, $crn, $crm, $op2);)+
    };
}

registers! {
    ACTLR_EL1 = 3, 0, 1, 0, 1;
    AIDR_EL1 = 3, 1, 0, 0, 7;

    CNTP_TVAL_EL0 = 3, 3, 14, 2, 0;
    CNTP_CTL_EL0 = 3, 3, 14, 2, 1;
    CNTP_CVAL_EL0 = 3, 3, 14, 2, 2;

    ICC_SGI1R_EL1 = 3, 0, 12, 11, 5;
    ICC_ASGI1R_EL1 = 3, 0, 12, 11, 6;
    ICC_SGI0R_EL1 = 3, 0, 12, 11, 7;
    ICC_SRE_EL1 = 3, 0, 12, 12, 5;

    DC_ISW = 1, 0, 7, 6, 2;
    DC_CSW = 1, 0, 7, 10, 2;
    DC_CISW = 1, 0, 7, 14, 2;

    OSDTRRX_EL1 = 2, 0, 0, 0, 2;
    MDCCINT_EL1 = 2, 0, 0, 2, 0;
    MDSCR_EL1 = 2, 0, 0, 2, 2;
    OSDTRTX_EL1 = 2, 0, 0, 3, 2;
    OSECCR_EL1 = 2, 0, 0, 6, 2;
    MDCCSR_EL0 = 2, 3, 0, 1, 0;
    DBGDTR_EL0 = 2, 3, 0, 4, 0;
    DBGDTRX_EL0 = 2, 3, 0, 5, 0;
    MDRAR_EL1 = 2, 0, 1, 0, 0;
    OSLAR_EL1 = 2, 0, 1, 0, 4;
    OSLSR_EL1 = 2, 0, 1, 1, 4;
    OSDLR_EL1 = 2, 0, 1, 3, 4;
    DBGPRCR_EL1 = 2, 0, 1, 4, 4;
    DBGCLAIMSET_EL1 = 2, 0, 7, 8, 6;
    DBGCLAIMCLR_EL1 = 2, 0, 7, 9, 6;
    DBGAUTHSTATUS_EL1 = 2, 0, 7, 14, 6;
}
