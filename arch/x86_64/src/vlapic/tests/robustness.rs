//! Property: no sequence of guest accesses panics or breaks an invariant.

use proptest::prelude::*;

use super::{LocalApic, X2APIC_BASE};
use crate::vlapic::{Effect, Inbox, MSR_APIC_BASE, MSR_TSC_DEADLINE};

#[derive(Clone, Debug)]
enum Access {
    Read(u16),
    Write(u16, u32),
    ReadMsr(u32),
    WriteMsr(u32, u64),
    Base(u64),
    Post(u8, bool),
    Expire,
    Ack,
    Init,
    TscMoved(u64),
}

fn value() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), 0..0x200_u32, (0..32_u32).prop_map(|bit| 1 << bit), Just(u32::MAX)]
}

fn msr() -> impl Strategy<Value = u32> {
    prop_oneof![6 => 0x800..0x840_u32, 2 => Just(MSR_TSC_DEADLINE), 1 => any::<u32>()]
}

fn access() -> impl Strategy<Value = Access> {
    prop_oneof![
        2 => any::<u16>().prop_map(Access::Read),
        6 => ((0..0x40_u16).prop_map(|n| n * 16), value()).prop_map(|(offset, value)| Access::Write(offset, value)),
        2 => msr().prop_map(Access::ReadMsr),
        4 => (msr(), value()).prop_map(|(index, value)| Access::WriteMsr(index, u64::from(value))),
        1 => (msr(), any::<u64>()).prop_map(|(index, value)| Access::WriteMsr(index, value)),
        1 => prop_oneof![Just(0xfee0_0000), Just(0xfee0_0800), Just(X2APIC_BASE), any::<u64>()].prop_map(Access::Base),
        3 => (any::<u8>(), any::<bool>()).prop_map(|(vector, level)| Access::Post(vector, level)),
        2 => Just(Access::Expire),
        3 => Just(Access::Ack),
        1 => Just(Access::Init),
        1 => any::<u64>().prop_map(Access::TscMoved),
    ]
}

fn apply(apic: &mut LocalApic, inbox: &Inbox, access: Access, now: u64) -> Effect {
    match access {
        Access::Read(offset) => {
            apic.read(offset, now);
        }
        Access::Write(offset, value) => return apic.write(offset, value, now),
        Access::ReadMsr(index) => {
            let _ = apic.read_msr(index, now);
        }
        Access::WriteMsr(index, value) => {
            return apic.write_msr(index, value, || now).unwrap_or(Effect::None);
        }
        Access::Base(value) => {
            return apic.write_msr(MSR_APIC_BASE, value, || now).unwrap_or(Effect::None);
        }
        Access::Post(vector, level) => {
            let _ = inbox.post(vector, level);
            let _ = inbox.drain_into(apic);
        }
        Access::Expire => {
            apic.timer_expired(now);
        }
        Access::Ack => {
            apic.ack_interrupt();
        }
        Access::Init => {
            apic.init_reset();
            return Effect::Reconfigured;
        }
        Access::TscMoved(delta) => apic.tsc_moved(delta),
    }
    Effect::None
}

proptest! {
    #[test]
    fn any_access_keeps_the_invariants(
        accesses in prop::collection::vec((access(), prop_oneof![0..1_u64 << 40, any::<u64>()]), 1..200)
    ) {
        let inbox = Inbox::new(1);
        let mut apic = LocalApic::new(1, false);
        inbox.publish(&apic);
        let mut now = 0_u64;
        for (access, elapsed) in accesses {
            now = now.saturating_add(elapsed);
            let (view, priority) = (apic.address_view(), apic.cr8());
            let effect = apply(&mut apic, &inbox, access, now);
            let told = matches!(effect, Effect::TaskPriorityChanged | Effect::Reconfigured);
            prop_assert!(told || apic.cr8() == priority, "a silent change of the task priority");
            prop_assert!(effect == Effect::Reconfigured || apic.address_view() == view, "a silent change of address");
            if let Some(vector) = apic.pending_above_ppr() {
                prop_assert!(vector >= 16 && vector >> 4 > apic.ppr() >> 4);
                prop_assert_eq!(Some(vector), apic.highest_pending());
            }
        }
    }

    /// `Effect::None` from a timer write means that the host's timer is still right.
    #[test]
    fn an_unannounced_deadline_never_moves(
        writes in prop::collection::vec((prop::sample::select(&[0x320_u16, 0x380, 0x3e0, 0xf0][..]), value(), 0..1_u64 << 20), 1..100)
    ) {
        let mut apic = LocalApic::new(0, true);
        let mut now = 0;
        for (offset, value, elapsed) in writes {
            now += elapsed;
            let before = apic.next_deadline();
            let effect = apic.write(offset, value, now);
            let told = matches!(effect, Effect::TimerChanged | Effect::Reconfigured);
            prop_assert!(told || apic.next_deadline() == before, "{offset:#x} <- {value:#x}");
        }
    }
}
