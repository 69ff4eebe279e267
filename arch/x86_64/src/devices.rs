//! The platform's byte-wide devices behind one lock: RTC, power management, reset.
#![forbid(unsafe_code)]

use phalanx_arch_api::{AccessSize, Ticks};

use crate::host::timer;
use crate::platform::acpi_pm::AcpiPm;
use crate::platform::reset::{ResetControl, keyboard_controller};
use crate::platform::rtc::Rtc;
use crate::platform::{Effect, PortDevice, pmtimer};
use crate::wall_clock::nanoseconds;

/// The devices of one domain.
#[derive(Debug)]
pub struct Platform {
    rtc: Rtc,
    power: AcpiPm,
    reset: ResetControl,
}

impl Platform {
    /// After power-on at `unix_seconds`.
    #[must_use]
    pub fn new(unix_seconds: i64) -> Self {
        Self { rtc: Rtc::new(unix_seconds), power: AcpiPm::default(), reset: ResetControl::default() }
    }

    /// Reads `size` at `port`; `age` is the domain's. What nobody owns of the access reads all-ones.
    ///
    /// The power-management block is as wide as the access; everything else is a byte a port, as the ISA bus splits it.
    pub fn read(&mut self, port: u16, size: AccessSize, age: Ticks) -> u64 {
        if let Some(PortDevice::AcpiPm { offset }) = PortDevice::of(port) {
            return self.power.read(offset, size);
        }
        let timer = pmtimer::at_ticks(age, timer::frequency()).to_le_bytes();
        (0..size.bytes() as u16).rev().fold(0, |value, lane| {
            let byte = match PortDevice::of(port.wrapping_add(lane)) {
                Some(PortDevice::PmTimer { offset }) => timer.get(usize::from(offset)).copied().unwrap_or(0xff),
                Some(device) => self.read_byte(device, age),
                None => 0xff,
            };
            value << 8 | u64::from(byte)
        })
    }

    /// Writes the low bytes of `value` at `port`. The PM timer is read-only.
    pub fn write(&mut self, port: u16, size: AccessSize, value: u64, age: Ticks) -> Option<Effect> {
        if let Some(PortDevice::AcpiPm { offset }) = PortDevice::of(port) {
            return self.power.write(offset, size, value);
        }
        let mut effect = None;
        for (lane, byte) in value.to_le_bytes().into_iter().take(size.bytes() as usize).enumerate() {
            if let Some(device) = PortDevice::of(port.wrapping_add(lane as u16)) {
                effect = self.write_byte(device, byte, age).or(effect);
            }
        }
        effect
    }

    fn read_byte(&mut self, device: PortDevice, age: Ticks) -> u8 {
        match device {
            PortDevice::Rtc { offset } => self.rtc.read(offset, nanoseconds(age)),
            PortDevice::KeyboardController { offset } => keyboard_controller::read(offset),
            PortDevice::ResetControl => self.reset.read(),
            PortDevice::AcpiPm { .. } | PortDevice::PmTimer { .. } | PortDevice::Com1 { .. } => 0xff,
        }
    }

    fn write_byte(&mut self, device: PortDevice, byte: u8, age: Ticks) -> Option<Effect> {
        match device {
            PortDevice::Rtc { offset } => {
                self.rtc.write(offset, byte, nanoseconds(age));
                None
            }
            PortDevice::KeyboardController { offset } => keyboard_controller::write(offset, byte),
            PortDevice::ResetControl => self.reset.write(byte),
            PortDevice::AcpiPm { .. } | PortDevice::PmTimer { .. } | PortDevice::Com1 { .. } => None,
        }
    }
}
