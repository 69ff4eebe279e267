//! State that the processor keeps for whoever runs and that VMRUN and VM entry do not switch: FPU and vector registers,
//! XCR0, DR0 to DR3, TSC_AUX. The hypervisor uses none of it, so it is switched with the vCPU, not at each exit.

use core::arch::asm;

use alloc::boxed::Box;

use crate::host::instr::{self, Msr};

/// Bytes of the save area: the largest standard-format XSAVE area of the features that a guest can be offered
/// (x87, SSE, AVX, AVX-512: Intel SDM vol. 1, section 13.4).
const AREA: usize = 2816;
/// IA32_TSC_AUX.
const TSC_AUX: Msr = Msr(0xc000_0103);
/// XCR0 after RESET: x87.
const XCR0_RESET: u64 = 1;
/// MXCSR after RESET.
const MXCSR_RESET: u32 = 0x1f80;
/// x87 control word after FNINIT.
const FCW_RESET: u16 = 0x37f;

#[repr(C, align(64))]
#[derive(Clone, Debug)]
struct Area([u8; AREA]);

/// How this processor saves extended state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// XSAVE and XRSTOR of these components.
    Xsave(u64),
    /// FXSAVE and FXRSTOR: no vector registers wider than 128 bits.
    Fxsave,
}

/// The switched state of one vCPU while it is not loaded.
#[derive(Clone, Debug)]
pub struct SwitchedState {
    area: Area,
    method: Method,
    xcr0: u64,
    debug: [u64; 4],
    tsc_aux: u64,
    loaded: bool,
}

impl SwitchedState {
    /// The state after RESET.
    #[must_use]
    pub fn new(method: Method) -> Box<Self> {
        let mut state = Box::new(Self {
            area: Area([0; AREA]),
            method,
            xcr0: XCR0_RESET,
            debug: [0; 4],
            tsc_aux: 0,
            loaded: false,
        });
        state.reset();
        state
    }

    /// Back to the state after RESET. The vCPU is not loaded.
    pub fn reset(&mut self) {
        self.area.0.fill(0);
        // Legacy region: FCW at 0, MXCSR at 24; an XSTATE_BV of 0 at 512 gives the initial values of the rest.
        self.area.0[0..2].copy_from_slice(&FCW_RESET.to_le_bytes());
        self.area.0[24..28].copy_from_slice(&MXCSR_RESET.to_le_bytes());
        self.xcr0 = XCR0_RESET;
        self.debug = [0; 4];
        self.tsc_aux = 0;
    }

    /// INIT: the breakpoint addresses are 0. The vCPU is loaded.
    pub fn init(&mut self) {
        self.debug = [0; 4];
        if self.loaded {
            load_debug(&self.debug);
        }
    }

    /// XCR0 as the guest set it.
    #[must_use]
    pub const fn xcr0(&self) -> u64 {
        self.xcr0
    }

    /// The guest executed XSETBV; `value` is one that its processor has. The vCPU is loaded.
    pub fn set_xcr0(&mut self, value: u64) {
        self.xcr0 = value;
        if self.loaded && matches!(self.method, Method::Xsave(_)) {
            // SAFETY: the value was checked against what the processor supports; the host uses no extended state.
            unsafe { instr::xsetbv(0, value) };
        }
    }

    /// Brings the state onto this CPU.
    ///
    /// # Safety
    /// No other vCPU's switched state is live on this CPU, and the host has set CR4.OSXSAVE for [`Method::Xsave`].
    pub unsafe fn load(&mut self, has_tsc_aux: bool) {
        self.loaded = true;
        forget_x87_pointers();
        let area = self.area.0.as_ptr();
        match self.method {
            // SAFETY: the caller's promise; the area is aligned and large enough for these components.
            Method::Xsave(components) => unsafe {
                instr::xsetbv(0, components);
                instr::xrstor(area, components);
                instr::xsetbv(0, self.xcr0);
            },
            // SAFETY: the caller's promise; the area is aligned and has 512 bytes.
            Method::Fxsave => unsafe {
                asm!("fxrstor64 [{}]", in(reg) area, options(nostack, readonly));
            },
        }
        load_debug(&self.debug);
        if has_tsc_aux {
            // SAFETY: the host does not use the register.
            unsafe { instr::wrmsr(TSC_AUX, self.tsc_aux) };
        }
    }

    /// Takes the state from this CPU.
    ///
    /// # Safety
    /// [`Self::load`] was called on this CPU and nothing was loaded since.
    pub unsafe fn save(&mut self, has_tsc_aux: bool) {
        self.loaded = false;
        let area = self.area.0.as_mut_ptr();
        match self.method {
            // SAFETY: the caller's promise; all components are saved, also those that the guest has switched off since.
            Method::Xsave(components) => unsafe {
                instr::xsetbv(0, components);
                instr::xsave(area, components);
            },
            // SAFETY: the caller's promise.
            Method::Fxsave => unsafe {
                asm!("fxsave64 [{}]", in(reg) area, options(nostack));
            },
        }
        save_debug(&mut self.debug);
        if has_tsc_aux {
            self.tsc_aux = instr::rdmsr(TSC_AUX);
        }
    }
}

/// Overwrites the x87 instruction and data pointers: some AMD processors neither save nor load them unless an exception
/// is pending, so that the next owner of the registers could read them (AMD APM vol. 2, section 11.4.4).
fn forget_x87_pointers() {
    let zero = 0_u32;
    // SAFETY: the x87 state is loaded afresh right after; nothing else is touched.
    unsafe { asm!("fnclex", "emms", "fild dword ptr [{}]", in(reg) &raw const zero, options(nostack, readonly)) };
}

fn load_debug(values: &[u64; 4]) {
    let [dr0, dr1, dr2, dr3] = *values;
    // SAFETY: breakpoints only act when DR7 enables them, which belongs to the VMCB; the host's DR7 enables none.
    unsafe {
        asm!("mov dr0, {}", "mov dr1, {}", "mov dr2, {}", "mov dr3, {}",
            in(reg) dr0, in(reg) dr1, in(reg) dr2, in(reg) dr3, options(nomem, nostack, preserves_flags));
    }
}

fn save_debug(values: &mut [u64; 4]) {
    let (dr0, dr1, dr2, dr3): (u64, u64, u64, u64);
    // SAFETY: reading the registers has no effect.
    unsafe {
        asm!("mov {}, dr0", "mov {}, dr1", "mov {}, dr2", "mov {}, dr3",
            out(reg) dr0, out(reg) dr1, out(reg) dr2, out(reg) dr3, options(nomem, nostack, preserves_flags));
    }
    *values = [dr0, dr1, dr2, dr3];
}
