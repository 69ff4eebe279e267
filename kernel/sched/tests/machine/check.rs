//! What must hold at every moment.

use super::{Cpu, Doing, Machine, SLICE, State};

impl Machine {
    /// Checks every promise that can be seen from outside.
    pub fn check(&self) {
        self.one_cpu_a_vcpu();
        self.no_idle_cpu_while_somebody_waits();
        self.everybody_has_an_end_while_somebody_waits();
        self.every_timer_has_a_cpu_that_watches();
    }

    /// vCPUs that wait for a CPU, beyond those that an idle CPU has been called for.
    fn waiting(&self) -> usize {
        let ready = self.vcpus.iter().filter(|vcpu| matches!(vcpu.state, State::Ready { .. })).count();
        let called = self.cpus.iter().filter(|cpu| cpu.doing == Doing::Idle && cpu.called.is_some()).count();
        ready.saturating_sub(called)
    }

    fn one_cpu_a_vcpu(&self) {
        for (number, cpu) in self.cpus.iter().enumerate() {
            if let Doing::Runs(vcpu) = cpu.doing {
                assert!(matches!(self.vcpus[vcpu].state, State::Running { cpu, .. } if cpu == number));
                assert_eq!(self.scheduler.running_on(self.vcpus[vcpu].id).map(|cpu| cpu.index()), Some(number));
            }
        }
        let running = self.vcpus.iter().filter(|vcpu| matches!(vcpu.state, State::Running { .. })).count();
        let busy = self.cpus.iter().filter(|cpu| matches!(cpu.doing, Doing::Runs(_))).count();
        assert_eq!(running, busy);
    }

    fn no_idle_cpu_while_somebody_waits(&self) {
        let idle = self.cpus.iter().any(|cpu| cpu.doing == Doing::Idle && cpu.called.is_none());
        assert!(!idle || self.waiting() == 0, "a CPU idles while {} wait", self.waiting());
    }

    fn everybody_has_an_end_while_somebody_waits(&self) {
        let open = |cpu: &Cpu| matches!(cpu.doing, Doing::Runs(_)) && cpu.called.is_none() && cpu.until.is_none();
        assert!(self.waiting() == 0 || !self.cpus.iter().any(open), "a turn without an end while somebody waits");
        let far = |cpu: &Cpu| cpu.until.is_some_and(|until| until > self.now + SLICE) && cpu.called.is_none();
        let runs_far = |cpu: &Cpu| matches!(cpu.doing, Doing::Runs(_)) && far(cpu);
        assert!(self.waiting() == 0 || !self.cpus.iter().any(runs_far), "a turn longer than a slice");
    }

    fn every_timer_has_a_cpu_that_watches(&self) {
        for vcpu in &self.vcpus {
            let State::Blocked { until: Some(timer) } = vcpu.state else { continue };
            let watches = |cpu: &Cpu| cpu.until.is_some_and(|until| until <= timer);
            let watcher = &self.cpus[vcpu.last.expect("it ran before it blocked")];
            assert!(watches(watcher), "nobody watches the timer of {:?}", vcpu.id);
        }
    }
}
