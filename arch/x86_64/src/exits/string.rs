//! String instructions whose one operand is not RAM: one element at a time.

use phalanx_arch_api::{AccessSize, DomainEnv};

use super::bus::{Bus, Stop};
use super::memory::{Emulation, Stage};
use super::span::Span;
use super::translate::{Intent, translate};
use crate::decode::{StringAccess, StringOp};
use crate::vcpu::{Control, Injection, Vcpu};

impl<E: DomainEnv> Bus<'_, E> {
    /// Moves one element; `true` when the instruction is finished.
    pub(super) fn string<C: Control>(
        &mut self,
        vcpu: &mut Vcpu<C>,
        emulation: &mut Emulation,
        access: StringAccess,
    ) -> Result<bool, Stop> {
        if access.is_finished(vcpu) {
            return Ok(true);
        }
        match access.op {
            StringOp::Movs => self.movs(vcpu, emulation, access)?,
            StringOp::Stos => {
                let value = access.accumulator(vcpu);
                let target = access.destination_address(vcpu);
                self.store(vcpu, target, access.size, value)?;
            }
            StringOp::Lods => {
                let source = access.source_address(vcpu);
                let value = self.load(vcpu, source, access.size)?;
                access.load(value, vcpu);
            }
            StringOp::Scas => {
                let target = access.destination_address(vcpu);
                let value = self.load(vcpu, target, access.size)?;
                access.compare(access.accumulator(vcpu), value, vcpu);
            }
            StringOp::Cmps => self.cmps(vcpu, emulation, access)?,
            // They exit as port accesses, not here.
            StringOp::Ins | StringOp::Outs => return Err(Stop::Fault(Injection::undefined_opcode())),
        }
        Ok(access.step(vcpu))
    }

    fn movs<C: Control>(
        &mut self,
        vcpu: &mut Vcpu<C>,
        emulation: &mut Emulation,
        access: StringAccess,
    ) -> Result<(), Stop> {
        if emulation.stage == Stage::Read {
            let source = access.source_address(vcpu);
            emulation.stage = Stage::Write(self.load(vcpu, source, access.size)?);
        }
        let target = access.destination_address(vcpu);
        match emulation.stage {
            Stage::Write(value) => self.store(vcpu, target, access.size, value),
            Stage::Read | Stage::ReadSecond(_) => Ok(()),
        }
    }

    fn cmps<C: Control>(
        &mut self,
        vcpu: &mut Vcpu<C>,
        emulation: &mut Emulation,
        access: StringAccess,
    ) -> Result<(), Stop> {
        if emulation.stage == Stage::Read {
            let source = access.source_address(vcpu);
            emulation.stage = Stage::ReadSecond(self.load(vcpu, source, access.size)?);
        }
        let target = access.destination_address(vcpu);
        let second = self.load(vcpu, target, access.size)?;
        if let Stage::ReadSecond(first) = emulation.stage {
            access.compare(first, second, vcpu);
        }
        Ok(())
    }

    /// Reads an element.
    fn load<C: Control>(&mut self, vcpu: &mut Vcpu<C>, linear: u64, size: AccessSize) -> Result<u64, Stop> {
        if Span::crosses(linear, size) {
            let span = Span::resolve(vcpu, self.env, linear, size, Intent::Read).map_err(Stop::Fault)?;
            return Ok(span.read(self.env.memory()));
        }
        let at = translate(vcpu, self.env.memory(), linear, Intent::Read).map_err(Stop::Fault)?;
        self.read(vcpu, at, size)
    }

    /// Writes an element.
    fn store<C: Control>(&mut self, vcpu: &mut Vcpu<C>, linear: u64, size: AccessSize, value: u64) -> Result<(), Stop> {
        if Span::crosses(linear, size) {
            let span = Span::resolve(vcpu, self.env, linear, size, Intent::Write).map_err(Stop::Fault)?;
            span.write(self.env.memory(), value);
            return Ok(());
        }
        let at = translate(vcpu, self.env.memory(), linear, Intent::Write).map_err(Stop::Fault)?;
        self.write(vcpu, at, size, value)
    }
}
