//! The state of one vCPU.

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::{AccessSize, Ticks};

use crate::enter::Context;
use crate::esr::DataAccess;
use crate::fp::FpState;
use crate::keys::Keys;
use crate::ptimer::PhysicalTimer;
use crate::register::{mrs, msr};
use crate::switched::El1State;
use crate::sysreg::DebugRegisters;

/// Bytes of an instruction.
const INSTRUCTION: u64 = 4;
/// SPSR_EL2.SS: the next instruction is stepped.
const SOFTWARE_STEP: u64 = 1 << 21;
/// PSTATE at a start: EL1 with its own stack pointer, everything masked.
const START_STATE: u64 = 0x3c5;

/// What the core was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    None,
    Read(DataAccess),
    Write,
}

/// Registers at the first instruction of a life.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirstInstruction {
    pub(crate) pc: u64,
    pub(crate) x: [u64; 4],
}

/// One vCPU. Return address and program status are in ELR_EL2 and SPSR_EL2 while it is loaded.
pub struct Vcpu {
    pub(crate) context: Context,
    pub(crate) index: u8,
    /// VHE is in use: the same for all vCPUs, here because exits need it at hand.
    pub(crate) vhe: bool,
    pub(crate) question: Question,
    /// Where to begin, once it is loaded.
    pub(crate) first: Option<FirstInstruction>,
    /// When its own timers want it to run again; computed when it halts.
    pub(crate) wake_at: Option<Ticks>,
    pub(crate) physical_timer: PhysicalTimer,
    pub(crate) debug: DebugRegisters,
    counters: [u64; ExitCounter::COUNT],
    pc: u64,
    pstate: u64,
    pub(crate) el1: El1State,
    pub(crate) keys: Keys,
    pub(crate) fp: FpState,
}

impl Vcpu {
    /// A vCPU that is off.
    pub(crate) fn new(index: u8, vhe: bool) -> Self {
        Self {
            context: Context::default(),
            index,
            vhe,
            question: Question::None,
            first: None,
            wake_at: None,
            physical_timer: PhysicalTimer::default(),
            debug: DebugRegisters::default(),
            counters: [0; ExitCounter::COUNT],
            pc: 0,
            pstate: START_STATE,
            el1: El1State::RESET,
            keys: Keys::default(),
            fp: FpState::RESET,
        }
    }

    /// Back to the state of [`Self::new`]; not loaded.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.index, self.vhe);
    }

    /// Begins a life: this vCPU is loaded.
    pub(crate) fn begin(&mut self, first: FirstInstruction) {
        self.context = Context::default();
        self.context.x[..4].copy_from_slice(&first.x);
        self.question = Question::None;
        self.wake_at = None;
        self.physical_timer = PhysicalTimer::default();
        self.debug = DebugRegisters::default();
        self.keys = Keys::default();
        El1State::RESET.load(self.vhe);
        FpState::RESET.load();
        msr!("ELR_EL2", first.pc);
        msr!("SPSR_EL2", START_STATE);
    }

    /// Reads what changes hands, except debug registers and keys.
    pub(crate) fn save(&mut self) {
        self.pc = mrs!("ELR_EL2");
        self.pstate = mrs!("SPSR_EL2");
        self.el1.save(self.vhe);
        self.fp.save();
    }

    /// Writes what changes hands, except debug registers and keys.
    pub(crate) fn load(&self) {
        msr!("ELR_EL2", self.pc);
        msr!("SPSR_EL2", self.pstate);
        self.el1.load(self.vhe);
        self.fp.load();
    }

    /// Goes on behind the instruction that came here.
    #[inline(always)]
    pub(crate) fn step_over(&self) {
        self.step_over_bytes(INSTRUCTION);
    }

    /// Goes on behind an instruction of another length.
    #[inline(always)]
    pub(crate) fn step_over_bytes(&self, bytes: u64) {
        msr!("ELR_EL2", mrs!("ELR_EL2").wrapping_add(bytes));
        if self.debug.single_steps() {
            // The step is done: its exception comes next (Arm ARM, D2.11.3 "The software step state machine").
            msr!("SPSR_EL2", mrs!("SPSR_EL2") & !SOFTWARE_STEP);
        }
    }

    /// A general register as an instruction names it: 31 reads as zero.
    #[inline(always)]
    pub(crate) fn register(&self, number: u8) -> u64 {
        self.context.x.get(usize::from(number)).copied().unwrap_or(0)
    }

    /// Writes a general register; 31 is dropped.
    #[inline(always)]
    pub(crate) fn set_register(&mut self, number: u8, value: u64) {
        if let Some(register) = self.context.x.get_mut(usize::from(number)) {
            *register = value;
        }
    }

    /// Gives a read its value.
    #[inline(always)]
    pub(crate) fn finish_load(&mut self, load: DataAccess, value: u64) {
        if load.size == AccessSize::B4 && !load.sign_extend {
            // Nearly all device registers. Others take longer.
            self.set_register(load.register, value & 0xffff_ffff);
            return;
        }
        let unused = 64 - 8 * load.size.bytes();
        let extended = if load.sign_extend {
            ((value << unused).cast_signed() >> unused).cast_unsigned()
        } else {
            value << unused >> unused
        };
        self.set_register(load.register, if load.wide { extended } else { extended & 0xffff_ffff });
    }

    /// Counts an exit.
    #[inline(always)]
    pub(crate) fn count(&mut self, counter: ExitCounter) {
        if let Some(count) = self.counters.get_mut(counter.index()) {
            *count += 1;
        }
    }

    /// Exits counted.
    pub(crate) fn counter(&self, counter: ExitCounter) -> u64 {
        self.counters.get(counter.index()).copied().unwrap_or(0)
    }
}
