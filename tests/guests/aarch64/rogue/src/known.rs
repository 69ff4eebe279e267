//! The system registers that a program at EL1 may use (Arm ARM, D23.3.2 and D24; IHI 0069, 12.2), with the feature that
//! brings them. Everything else is UNDEFINED at EL1.

use crate::abilities::Ability::{self, *};
use crate::code::Encoding;

/// How a register may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Read and write: writing what was read changes nothing.
    Both,
    /// Read only; a write is UNDEFINED.
    Read,
    /// Write only; a read is UNDEFINED.
    Write,
    /// A hypervisor cannot hide it from every processor, or it is there or not as the processor's maker likes.
    Free,
}

use Use::{Both, Free, Read, Write};

/// Op1, CRn, CRm, op2 from, op2 to (inclusive), use, feature; op0 is 3.
type Row = (u32, u32, u32, u32, u32, Use, Ability);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (0, 0, 0, 0, 0, Read, Always),          // MIDR
    (0, 0, 0, 5, 6, Read, Always),          // MPIDR, REVIDR
    (0, 1, 0, 0, 2, Both, Always),          // SCTLR, ACTLR, CPACR
    (0, 1, 0, 3, 3, Both, Sctlr2),          // SCTLR2
    (0, 1, 0, 5, 6, Both, Mte),             // RGSR, GCR
    (0, 1, 2, 0, 0, Both, Sve),             // ZCR
    (0, 1, 2, 1, 1, Both, TraceFilter),     // TRFCR
    (0, 1, 2, 4, 4, Both, Sme),             // SMPRI
    (0, 1, 2, 6, 6, Both, Sme),             // SMCR
    (0, 2, 0, 0, 2, Both, Always),          // TTBR0, TTBR1, TCR
    (0, 2, 0, 3, 3, Both, Tcr2),            // TCR2
    (0, 2, 1, 0, 3, Both, Pointers),        // APIA, APIB
    (0, 2, 2, 0, 3, Both, Pointers),        // APDA, APDB
    (0, 2, 3, 0, 1, Both, Pointers),        // APGA
    (0, 2, 5, 0, 2, Both, Gcs),             // GCSCR, GCSPR, GCSCRE0
    (0, 4, 0, 0, 1, Both, Always),          // SPSR, ELR
    (0, 4, 2, 0, 0, Both, Always),          // SPSel
    (0, 4, 2, 2, 2, Read, Always),          // CurrentEL
    (0, 4, 2, 3, 3, Both, Pan),             // PAN
    (0, 4, 2, 4, 4, Both, Uao),             // UAO
    (0, 4, 3, 0, 0, Free, Always),          // ALLINT
    (0, 4, 6, 0, 0, Both, GicRegisters),    // ICC_PMR
    (0, 5, 1, 0, 1, Both, Always),          // AFSR0, AFSR1
    (0, 5, 2, 0, 0, Both, Always),          // ESR
    (0, 5, 3, 0, 0, Read, Ras),             // ERRIDR
    (0, 5, 3, 1, 1, Free, Ras),             // ERRSELR: with error records
    (0, 5, 4, 0, 7, Free, Ras),             // ERX*
    (0, 5, 5, 0, 7, Free, Ras),             // ERX*
    (0, 5, 6, 0, 1, Both, Mte),             // TFSR, TFSRE0
    (0, 6, 0, 0, 0, Both, Always),          // FAR
    (0, 6, 0, 5, 5, Both, FaultAddress),    // PFAR
    (0, 7, 4, 0, 0, Both, Always),          // PAR
    (0, 9, 9, 0, 7, Free, Profiling),       // PMS*
    (0, 9, 10, 0, 7, Free, Profiling),      // PMB*
    (0, 9, 11, 0, 7, Free, TraceBuffer),    // TRB*
    (0, 9, 14, 1, 2, Both, Performance),    // PMINTENSET, PMINTENCLR
    (0, 9, 14, 6, 6, Free, Performance),    // PMMIR
    (0, 10, 2, 0, 0, Both, Always),         // MAIR
    (0, 10, 2, 1, 1, Free, Sctlr2),         // MAIR2
    (0, 10, 2, 2, 3, Both, Permissions),    // PIRE0, PIR
    (0, 10, 2, 4, 4, Both, Overlays),       // POR
    (0, 10, 3, 0, 0, Both, Always),         // AMAIR
    (0, 10, 3, 1, 1, Free, Sctlr2),         // AMAIR2
    (0, 10, 4, 0, 3, Both, LimitedOrdering),// LORSA, LOREA, LORN, LORC
    (0, 10, 4, 4, 4, Read, Mpam),           // MPAMIDR
    (0, 10, 4, 7, 7, Read, LimitedOrdering),// LORID
    (0, 10, 5, 0, 3, Free, Mpam),           // MPAM1, MPAM0, MPAMSM
    (0, 12, 0, 0, 0, Both, Always),         // VBAR
    (0, 12, 0, 1, 2, Free, Always),         // RVBAR, RMR: only of the highest level
    (0, 12, 1, 0, 0, Read, Always),         // ISR
    (0, 12, 1, 1, 1, Free, Always),         // DISR
    (0, 12, 8, 0, 0, Read, GicRegisters),   // ICC_IAR0
    (0, 12, 8, 1, 1, Write, GicRegisters),  // ICC_EOIR0
    (0, 12, 8, 2, 2, Read, GicRegisters),   // ICC_HPPIR0
    (0, 12, 8, 3, 4, Both, GicRegisters),   // ICC_BPR0, ICC_AP0R0
    (0, 12, 8, 5, 7, Free, GicRegisters),   // ICC_AP0R1 to 3: with more than 5 bits of priority
    (0, 12, 9, 0, 0, Both, GicRegisters),   // ICC_AP1R0
    (0, 12, 9, 1, 3, Free, GicRegisters),   // ICC_AP1R1 to 3
    (0, 12, 9, 5, 5, Free, Always),         // ICC_NMIAR1
    (0, 12, 11, 1, 1, Write, GicRegisters), // ICC_DIR
    (0, 12, 11, 3, 3, Read, GicRegisters),  // ICC_RPR
    (0, 12, 11, 5, 7, Write, GicRegisters), // ICC_SGI1R, ICC_ASGI1R, ICC_SGI0R
    (0, 12, 12, 0, 0, Read, GicRegisters),  // ICC_IAR1
    (0, 12, 12, 1, 1, Write, GicRegisters), // ICC_EOIR1
    (0, 12, 12, 2, 2, Read, GicRegisters),  // ICC_HPPIR1
    (0, 12, 12, 3, 7, Both, GicRegisters),  // ICC_BPR1, ICC_CTLR, ICC_SRE, ICC_IGRPEN0, ICC_IGRPEN1
    (0, 13, 0, 1, 1, Both, Always),         // CONTEXTIDR
    (0, 13, 0, 4, 4, Both, Always),         // TPIDR_EL1
    (0, 13, 0, 5, 5, Both, Accumulate),     // ACCDATA
    (0, 13, 0, 7, 7, Both, ContextNumbers), // SCXTNUM_EL1
    (0, 14, 1, 0, 0, Both, Always),         // CNTKCTL
    (1, 0, 0, 0, 1, Read, Always),          // CCSIDR, CLIDR
    (1, 0, 0, 2, 2, Read, WideCacheId),     // CCSIDR2
    (1, 0, 0, 4, 4, Read, Mte),             // GMID
    (1, 0, 0, 6, 6, Read, Sme),             // SMIDR
    (1, 0, 0, 7, 7, Read, Always),          // AIDR
    (2, 0, 0, 0, 0, Both, Always),          // CSSELR
    (3, 0, 0, 1, 1, Read, Always),          // CTR
    (3, 0, 0, 7, 7, Read, Always),          // DCZID
    (3, 2, 4, 0, 1, Read, Random),          // RNDR, RNDRRS
    (3, 2, 5, 1, 1, Both, Gcs),             // GCSPR_EL0
    (3, 4, 2, 0, 1, Both, Always),          // NZCV, DAIF
    (3, 4, 2, 2, 2, Both, Sme),             // SVCR
    (3, 4, 2, 5, 5, Both, Dit),             // DIT
    (3, 4, 2, 6, 6, Both, Ssbs),            // SSBS
    (3, 4, 2, 7, 7, Free, Always),          // TCO
    (3, 4, 4, 0, 1, Both, Always),          // FPCR, FPSR
    (3, 4, 4, 2, 2, Both, FloatMode),       // FPMR
    (3, 9, 12, 0, 3, Both, Performance),    // PMCR, PMCNTENSET, PMCNTENCLR, PMOVSCLR
    (3, 9, 12, 4, 4, Write, Performance),   // PMSWINC
    (3, 9, 12, 5, 5, Both, Performance),    // PMSELR
    (3, 9, 12, 6, 7, Read, Performance),    // PMCEID0, PMCEID1
    (3, 9, 13, 0, 2, Both, Performance),    // PMCCNTR, PMXEVTYPER, PMXEVCNTR
    (3, 9, 14, 0, 0, Both, Performance),    // PMUSERENR
    (3, 9, 14, 3, 3, Both, Performance),    // PMOVSSET
    (3, 10, 2, 4, 4, Both, Overlays),       // POR_EL0
    (3, 13, 0, 2, 3, Both, Always),         // TPIDR_EL0, TPIDRRO
    (3, 13, 0, 5, 5, Both, Sme),            // TPIDR2
    (3, 13, 0, 7, 7, Both, ContextNumbers), // SCXTNUM_EL0
    (3, 14, 0, 0, 2, Read, Always),         // CNTFRQ, CNTPCT, CNTVCT
    (3, 14, 0, 5, 6, Free, Always),         // CNTPCTSS, CNTVCTSS
    (3, 14, 2, 0, 2, Both, Always),         // CNTP_TVAL, CNTP_CTL, CNTP_CVAL
    (3, 14, 3, 0, 2, Both, Always),         // CNTV_TVAL, CNTV_CTL, CNTV_CVAL
];

/// How a register of op0 3 may be used here; `None` is UNDEFINED.
pub(crate) fn lookup(register: Encoding) -> Option<Use> {
    let Encoding(_, op1, crn, crm, op2) = register;
    // The identification space: what is not allocated reads as zero.
    if (op1, crn) == (0, 0) && (1..=7).contains(&crm) {
        return Some(Read);
    }
    // Activity monitors and the numbered performance counters fill whole blocks.
    if (op1, crn) == (3, 13) && (2..=15).contains(&crm) {
        return Amu.is_offered().then_some(Free);
    }
    if (op1, crn) == (3, 14) && crm >= 8 {
        return Performance.is_offered().then_some(Free);
    }
    let row = ROWS.iter().find(|&&(a, b, c, from, to, ..)| (a, b, c) == (op1, crn, crm) && (from..=to).contains(&op2));
    row.filter(|row| row.6.is_offered()).map(|row| row.5)
}
