use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use phalanx_arch_api::GuestMemory;

use super::*;
use crate::console::Output;
use crate::mem::FrameAllocator;
use crate::mem::tests::physical;

#[derive(Default)]
struct Screen(Mutex<Vec<u8>>);

impl Output for Screen {
    fn write(&self, byte: u8) {
        self.0.lock().push(byte);
    }

    fn read(&self) -> Option<u8> {
        None
    }
}

const BYTES: u64 = 4 * FRAME_SIZE;
const START: u64 = 16 << 20;

/// A recorder with its console and a guest of four pages at address 0.
struct Setup {
    recorder: Recorder,
    console: Console,
    screen: &'static Screen,
    ram: GuestRam,
}

fn setup(plant: Option<u32>) -> Setup {
    let screen: &'static Screen = Box::leak(Box::default());
    let mut allocator = FrameAllocator::new();
    allocator.add(physical(START, BYTES)).unwrap();
    let ram = GuestRam::allocate(&mut allocator, [(Gpa::new(0), BYTES)].into_iter()).unwrap();
    ram.scrub(Gpa::new(0), BYTES).unwrap();
    Setup { recorder: Recorder::new(Recording { plant }), console: Console::new(screen), screen, ram }
}

impl Setup {
    fn record(&self, kind: EffectKind, registers: &[(&'static str, u64)], mark: Option<EffectMark>) {
        let effect = Effect { cause: &"hlt", kind, registers, mark };
        let regions = [Region { gpa: 0, size: BYTES }].into_iter();
        self.recorder.record(&self.console, &self.ram, regions, &effect);
    }

    fn text(&self) -> String {
        String::from_utf8(core::mem::take(&mut self.screen.0.lock())).unwrap().replace('\r', "")
    }

    fn hash(&self) -> String {
        self.record(EffectKind::Step, &[], Some(EffectMark { without: Gpa::new(FRAME_SIZE), last: false }));
        String::from(self.text().split_once("memory=").unwrap().1)
    }
}

#[test]
fn only_changes_are_written_and_only_steps_are_numbered() {
    let setup = setup(None);
    setup.record(EffectKind::Step, &[("rax", 0), ("rip", 0x1000)], None);
    setup.record(EffectKind::Aside, &[("rax", 7), ("rip", 0x1000)], None);
    setup.record(EffectKind::Step, &[("rax", 7), ("rip", 0x1001)], None);
    assert_eq!(setup.text(), "effect 1 hlt rip=1000\neffect - hlt rax=7\neffect 2 hlt rip=1001\n");
}

#[test]
fn many_changes_take_several_lines() {
    let setup = setup(None);
    let names = ["a"; REGISTERS];
    let registers: Vec<(&'static str, u64)> = names.iter().map(|name| (*name, u64::MAX)).collect();
    setup.record(EffectKind::Step, &registers, None);
    let text = setup.text();
    assert_eq!(text.lines().filter(|line| line.starts_with("effect + a=")).count(), (REGISTERS - 1) / CHANGES);
    assert_eq!(text.matches("a=ffffffffffffffff").count(), REGISTERS);
}

#[test]
fn the_hash_is_of_all_memory_but_one_page() {
    let setup = setup(None);
    let first = setup.hash();
    assert_eq!(setup.hash(), first);
    setup.ram.write(Gpa::new(FRAME_SIZE + 8), &[1]).unwrap();
    assert_eq!(setup.hash(), first, "the page that the guest excepts");
    for changed in [FRAME_SIZE - 1, 2 * FRAME_SIZE, BYTES - 1] {
        setup.ram.write(Gpa::new(changed), &[1]).unwrap();
        assert_ne!(setup.hash(), first, "{changed:#x}");
        setup.ram.write(Gpa::new(changed), &[0]).unwrap();
    }
}

#[test]
fn the_guest_ends_it() {
    let setup = setup(None);
    setup.record(EffectKind::Step, &[], Some(EffectMark { without: Gpa::new(0), last: true }));
    assert!(!setup.recorder.is_on());
    setup.text();
    setup.record(EffectKind::Step, &[("rax", 1)], None);
    assert_eq!(setup.text(), "");
}

#[test]
fn one_step_is_to_be_spoilt() {
    let setup = setup(Some(2));
    assert!(!setup.recorder.spoils());
    setup.record(EffectKind::Step, &[], None);
    setup.record(EffectKind::Aside, &[], None);
    assert!(setup.recorder.spoils());
    setup.record(EffectKind::Step, &[], None);
    assert!(!setup.recorder.spoils());
}
