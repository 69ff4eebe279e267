//! The same state, whether software or the processor works on it.

use proptest::prelude::*;

use super::processor::{Exit, Processor, visible};
use super::{Effect, LocalApic, MSR_APIC_BASE, NOW, X2APIC_BASE, enabled, offset, write, x2apic};
use crate::vlapic::InterruptStatus;

/// The offsets where the processor lets a guest write (Intel SDM vol. 3C, section 31.4.3.1).
const WRITABLE: [u16; 17] = [
    offset::ID,
    offset::TPR,
    offset::EOI,
    offset::LDR,
    offset::DFR,
    offset::SVR,
    offset::ESR,
    offset::ICR_LOW,
    offset::ICR_HIGH,
    offset::LVT_TIMER,
    0x330,
    0x340,
    0x350,
    offset::LVT_LINT1,
    offset::LVT_ERROR,
    offset::INITIAL_COUNT,
    offset::DIVIDE,
];

#[derive(Clone, Debug)]
enum Step {
    Accept(u8, bool),
    Take,
    Write(u16, u32),
    Expire,
}

fn any_write() -> impl Strategy<Value = Step> {
    let value = prop_oneof![any::<u32>(), 0..0x200_u32, (0..32_u32).prop_map(|bit| 1 << bit), Just(0x1ff)];
    (prop::sample::select(&WRITABLE[..]), value).prop_map(|(offset, value)| Step::Write(offset, value))
}

/// Lines have even vectors and self-IPIs odd ones: see the difference that [`crate::vlapic`]'s `hardware` states.
fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<u8>().prop_map(|vector| Step::Accept(vector & 0xfe, true)),
        4 => any::<u8>().prop_map(|vector| Step::Accept(vector | 1, false)),
        4 => any::<u8>().prop_map(|vector| Step::Write(offset::ICR_LOW, 0x4_4000 | u32::from(vector | 1))),
        6 => Just(Step::Take),
        6 => Just(Step::Write(offset::EOI, 0)),
        2 => any::<u32>().prop_map(|tpr| Step::Write(offset::TPR, tpr)),
        1 => Just(Step::Write(offset::SVR, 0x11ff)),
        1 => Just(Step::Write(offset::SVR, 0x1ff)),
        2 => any_write(),
        1 => Just(Step::Expire),
    ]
}

/// What a step did: the interrupt taken, and what is left to the caller.
type Seen = (Option<u8>, Effect);

fn in_software(apic: &mut LocalApic, step: &Step, now: u64) -> Seen {
    match *step {
        Step::Accept(vector, level) => apic.accept(vector, level),
        Step::Take => return (apic.ack_interrupt(), Effect::None),
        Step::Write(offset, value) => {
            let effect = apic.write(offset, value, now);
            // The processor writes the priority into the page by itself, where it is all that there is.
            return (None, if effect == Effect::TaskPriorityChanged { Effect::None } else { effect });
        }
        Step::Expire => return (None, if apic.timer_expired(now) { Effect::TimerChanged } else { Effect::None }),
    }
    (None, Effect::None)
}

fn by_processor(apic: &mut LocalApic, cpu: &mut Processor, delivers: bool, step: &Step, now: u64) -> Seen {
    let mut taken = None;
    let mut exit = Exit::None;
    cpu.enter(apic, delivers);
    match *step {
        Step::Take => taken = cpu.deliver(apic),
        Step::Write(offset, value) => exit = cpu.write(&apic.page, offset, value),
        Step::Accept(..) | Step::Expire => {}
    }
    let effect = cpu.leave(apic, exit, now);
    match step {
        Step::Accept(..) | Step::Expire => in_software(apic, step, now),
        _ => (taken, effect),
    }
}

proptest! {
    #[test]
    fn processor_and_software_leave_the_same_state(
        steps in prop::collection::vec((step(), 0..1_u64 << 20, prop::bool::weighted(0.8)), 1..200)
    ) {
        let (mut soft, mut hard, mut cpu) = (enabled(), enabled(), Processor::new());
        let mut now = NOW;
        for (step, elapsed, delivers) in steps {
            now += elapsed;
            let expected = in_software(&mut soft, &step, now);
            prop_assert_eq!(by_processor(&mut hard, &mut cpu, delivers, &step, now), expected, "{:?}", step);
            prop_assert_eq!(visible(&hard), visible(&soft), "{:?}", step);
        }
    }
}

#[test]
fn the_status_has_rvi_low_and_svi_high() {
    let mut apic = enabled();
    apic.accept(0x51, false);
    assert_eq!(apic.ack_interrupt(), Some(0x51));
    apic.accept(0x62, false);
    assert_eq!(apic.interrupt_status().bits(), 0x5162);
    assert_eq!(InterruptStatus::from_bits(0x5162), apic.interrupt_status());
}

#[test]
fn eois_of_lines_exit_unless_their_broadcast_is_suppressed() {
    let mut apic = enabled();
    assert_eq!(apic.take_eoi_exits(), Some([0; 4]), "nothing was asked since the reset");
    assert_eq!(apic.take_eoi_exits(), None);
    apic.accept(0x41, false);
    assert_eq!(apic.take_eoi_exits(), None, "an edge where an edge was");
    apic.accept(0x41, true);
    apic.accept(0xff, true);
    assert_eq!(apic.take_eoi_exits(), Some([0, 2, 0, 1 << 63]));
    assert_eq!(apic.eoi_was_virtualized(0x41), Effect::EoiBroadcast { vector: 0x41 });
    assert_eq!(apic.eoi_was_virtualized(0x42), Effect::None);
    write(&mut apic, offset::SVR, 0x11ff);
    assert_eq!(apic.take_eoi_exits(), Some([0; 4]));
    assert_eq!(apic.eoi_was_virtualized(0x41), Effect::None);
    write(&mut apic, offset::SVR, 0x1ff);
    apic.accept(0x41, false);
    assert_eq!(apic.take_eoi_exits(), Some([0, 0, 0, 1 << 63]));
}

#[test]
fn the_page_reads_as_the_mode_demands() {
    let mut apic = LocalApic::new(0x25, false);
    assert_eq!((apic.page.get(0x02), apic.page.get(0x0d)), (0x2500_0000, 0));
    assert_eq!(apic.write(offset::ICR_HIGH, u32::MAX, NOW), Effect::None);
    assert_eq!(apic.write_msr(MSR_APIC_BASE, X2APIC_BASE, || NOW), Ok(Effect::Reconfigured));
    assert_eq!((apic.page.get(0x02), apic.page.get(0x0d)), (0x25, 0x0002_0020));
    assert_eq!((apic.page.get(0x31), apic.page.high(0x30)), (0, 0), "ICR bits 63:32 are not preserved");
    assert!(apic.write_msr(0x830, 0x1234_5678_0000_0440, || NOW).is_ok());
    assert_eq!((apic.page.get(0x30), apic.page.high(0x30)), (0x440, 0x1234_5678), "64 bits at 300H");
    apic.init_reset();
    assert_eq!((apic.page.get(0x02), apic.page.get(0x0d), apic.page.high(0x30)), (0x25, 0x0002_0020, 0));
    apic.reset();
    assert_eq!((apic.page.get(0x02), apic.page.get(0x0d)), (0x2500_0000, 0));
}

#[test]
fn the_page_stays_where_it_is() {
    let mut apic = LocalApic::new(1, false);
    let address = apic.page_address();
    assert_eq!(address.addr() % 4096, 0);
    apic.init_reset();
    apic.reset();
    let moved = apic;
    assert_eq!(moved.page_address(), address);
}

#[test]
fn a_self_ipi_by_msr_that_exits_has_an_illegal_vector() {
    let (mut apic, mut cpu) = (x2apic(1), Processor::new());
    cpu.enter(&mut apic, true);
    assert_eq!(cpu.write(&apic.page, offset::SELF_IPI, 0x0f), Exit::Write(offset::SELF_IPI));
    assert_eq!(cpu.leave(&mut apic, Exit::Write(offset::SELF_IPI), NOW), Effect::None);
    assert_eq!(apic.write_msr(0x828, 0, || NOW), Ok(Effect::None));
    assert_eq!(apic.read_msr(0x828, NOW), Ok(0x60), "send and receive illegal vector");
    assert_eq!(apic.page.get(0x3f), 0, "it is write-only");
}

#[test]
fn a_write_where_no_register_is_leaves_nothing() {
    let mut apic = enabled();
    apic.page.set(0x3a, 7);
    assert_eq!(apic.written_by_guest(0x3a0, NOW), Effect::None);
    assert_eq!(apic.page.get(0x3a), 0);
    write(&mut apic, offset::ESR, 0);
    assert_eq!(apic.read(offset::ESR, NOW), 0x80, "illegal register address");
}
